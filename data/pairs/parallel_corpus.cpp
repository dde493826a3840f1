#include "data/pairs/parallel_corpus.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <string_view>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

/// One line of the file and where it stands, so that every complaint can say so.
struct Line {
  const std::filesystem::path& file;
  std::size_t number;
  std::string_view text;

  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    adjoint::require(condition, file.string(), ":", number, ": ", parts...);
  }
};

/// Where the two sides of a pair stand: in one line of one file, or in two.
struct Sides {
  Line source;
  Line target;
};

void check_utf8(const Line& line) {
  const auto bad_byte = invalid_utf8_at(line.text);
  line.require(!bad_byte, "not UTF-8 at byte offset ", bad_byte.value_or(0), " of the line");
}

Sides sides_of(const Line& line) {
  check_utf8(line);
  try {
    const Columns columns = cut_at_tabs(line.text);
    return {{line.file, line.number, columns.source}, {line.file, line.number, columns.target}};
  } catch (const Error& error) {
    fail(line.file.string(), ":", line.number, ": ", error.what());
  }
}

void check_sentence(const Line& line) {
  check_utf8(line);
  line.require(line.text.find('\t') == std::string_view::npos,
               "a tab, expected one sentence a line");
}

Tokens tokenize_side(const Line& line, std::string_view side, const Tokenizer& tokenizer) {
  // To the character tokenizer a blank is a token; a side of blanks is empty all the same.
  const bool blank = Tokenizer{.kind = Tokenizer::Kind::words}.tokenize(line.text).empty();
  line.require(!blank, "the ", side, " is empty");
  return tokenizer.tokenize(line.text);
}

/// Whether the side may stay; false means that the pair is to be skipped.
bool within_limit(const Line& line, std::string_view side, const Tokens& tokens,
                  const ReadOptions& options) {
  const auto length = static_cast<std::int64_t>(tokens.size());
  if (options.max_tokens == 0 || length <= options.max_tokens) return true;
  line.require(options.too_long == TooLong::skip, "the ", side, " has ", length,
               " tokens, the limit is ", options.max_tokens, options.advice);
  return false;
}

void read_pair(const Sides& sides, const Tokenizer& tokenizer, const ReadOptions& options,
               Corpus& corpus) {
  Pair pair = {tokenize_side(sides.source, "source", tokenizer),
               tokenize_side(sides.target, "target", tokenizer)};
  if (within_limit(sides.source, "source", pair.source, options) &&
      within_limit(sides.target, "target", pair.target, options)) {
    corpus.pairs.push_back(std::move(pair));
  } else {
    ++corpus.skipped;
  }
}

void check_options(const ReadOptions& options) {
  require(options.max_tokens >= 0, "read_corpus: the limit of tokens must not be negative, got ",
          options.max_tokens);
}

std::vector<std::string> read_some_lines(const std::filesystem::path& path) {
  std::vector<std::string> lines = read_lines(path);
  require(!lines.empty(), path.string(), ": the file is empty");
  return lines;
}

void require_pairs(const Corpus& corpus, const std::filesystem::path& path,
                   const ReadOptions& options) {
  require(!corpus.pairs.empty(), path.string(), ": every pair has a side of more than ",
          options.max_tokens, " tokens");
}

/// The different sources, in the order of their first appearance.
std::vector<const Tokens*> distinct_sources(const std::vector<Pair>& pairs) {
  std::set<Tokens> seen;
  std::vector<const Tokens*> distinct;
  for (const Pair& pair : pairs) {
    if (seen.insert(pair.source).second) distinct.push_back(&pair.source);
  }
  return distinct;
}

/// Holds out the first `count` sources of a random order.
Split hold_out(const std::vector<Pair>& pairs, const std::vector<const Tokens*>& distinct,
               std::size_t count, Key key) {
  const Tensor order = permutation(static_cast<Index>(distinct.size()), key);
  std::set<Tokens> chosen;
  for (const Index i : order.values<Index>().first(count))
    chosen.insert(*distinct[static_cast<std::size_t>(i)]);

  Split split;
  for (const Pair& pair : pairs) {
    (chosen.contains(pair.source) ? split.held_out : split.train).push_back(pair);
  }
  return split;
}

}  // namespace

Columns cut_at_tabs(std::string_view line) {
  const auto tabs = std::ranges::count(line, '\t');
  require(tabs > 0, "no tab, expected source, tab, target");
  require(tabs <= 2, tabs + 1, " columns, expected source, target and perhaps an attribution");
  const std::size_t first = line.find('\t');
  const std::string_view rest = line.substr(first + 1);
  return {line.substr(0, first), rest.substr(0, rest.find('\t'))};
}

Corpus read_corpus(const std::filesystem::path& path, const Tokenizer& tokenizer,
                   const ReadOptions& options) {
  check_options(options);
  const std::vector<std::string> lines = read_some_lines(path);
  Corpus corpus;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    read_pair(sides_of({path, i + 1, lines[i]}), tokenizer, options, corpus);
  }
  require_pairs(corpus, path, options);
  return corpus;
}

Corpus read_parallel_files(const std::filesystem::path& source, const std::filesystem::path& target,
                           const Tokenizer& tokenizer, const ReadOptions& options) {
  check_options(options);
  const std::vector<std::string> sources = read_some_lines(source);
  const std::vector<std::string> targets = read_some_lines(target);
  require(sources.size() == targets.size(), source.string(), " has ", sources.size(),
          " lines, but ", target.string(), " has ", targets.size());
  Corpus corpus;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Sides sides = {{source, i + 1, sources[i]}, {target, i + 1, targets[i]}};
    check_sentence(sides.source);
    check_sentence(sides.target);
    read_pair(sides, tokenizer, options, corpus);
  }
  require_pairs(corpus, source, options);
  return corpus;
}

std::vector<Tokens> sources(const std::vector<Pair>& pairs) {
  std::vector<Tokens> sides;
  for (const Pair& pair : pairs) sides.push_back(pair.source);
  return sides;
}

std::vector<Tokens> targets(const std::vector<Pair>& pairs) {
  std::vector<Tokens> sides;
  for (const Pair& pair : pairs) sides.push_back(pair.target);
  return sides;
}

Split split_by_count(const std::vector<Pair>& pairs, std::int64_t held_out_sources, Key key) {
  const std::vector<const Tokens*> distinct = distinct_sources(pairs);
  const auto all = static_cast<std::int64_t>(distinct.size());
  require(held_out_sources >= 1 && held_out_sources < all, "split: cannot hold out ",
          held_out_sources, " of ", all, " different sources, neither part may be empty");
  return hold_out(pairs, distinct, static_cast<std::size_t>(held_out_sources), key);
}

Split split_by_fraction(const std::vector<Pair>& pairs, double fraction, Key key) {
  require(fraction > 0 && fraction < 1, "split: the fraction must lie between 0 and 1, got ",
          fraction);
  const auto all = static_cast<double>(distinct_sources(pairs).size());
  return split_by_count(pairs, std::llround(fraction * all), key);
}

}  // namespace adjoint::data

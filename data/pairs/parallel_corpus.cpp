#include "data/pairs/parallel_corpus.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

/// A line, or one column of it, and where it stands.
struct Line {
  const std::filesystem::path& file;
  std::size_t number;
  std::string_view text;

  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    adjoint::require(condition, file.string(), ":", number, ": ", parts...);
  }
  void require_utf8() const {
    const auto bad_byte = invalid_utf8_at(text);
    require(!bad_byte, "not UTF-8 at byte offset ", bad_byte.value_or(0), " of the line");
  }
};

/// Tokenizes pairs and applies the length limit.
class Reader {
 public:
  Reader(const Tokenizer& tokenizer, const ReadOptions& options)
      : tokenizer_(tokenizer), options_(options) {
    require(options.max_tokens >= 0, "read_corpus: max_tokens must not be negative, got ",
            options.max_tokens);
  }

  void add(const Line& source, const Line& target) {
    Pair pair = {tokenize(source, "source"), tokenize(target, "target")};
    if (fits(source, "source", pair.source) && fits(target, "target", pair.target))
      corpus_.pairs.push_back(std::move(pair));
    else
      ++corpus_.skipped;
  }

  Corpus corpus(const std::filesystem::path& path) {
    require(!corpus_.pairs.empty(), path.string(), ": every pair has a side of more than ",
            options_.max_tokens, " tokens");
    return std::move(corpus_);
  }

 private:
  Tokens tokenize(const Line& line, std::string_view side) const {
    // A space is a token to the character tokenizer, but a side of spaces still counts as empty.
    const bool blank = Tokenizer{.kind = Tokenizer::Kind::words}.tokenize(line.text).empty();
    line.require(!blank, "the ", side, " is empty");
    return tokenizer_.tokenize(line.text);
  }

  bool fits(const Line& line, std::string_view side, const Tokens& tokens) const {
    if (options_.max_tokens == 0 || std::ssize(tokens) <= options_.max_tokens) return true;
    line.require(options_.too_long == TooLong::skip, "the ", side, " has ", tokens.size(),
                 " tokens; the limit is ", options_.max_tokens, options_.advice);
    return false;
  }

  const Tokenizer& tokenizer_;
  const ReadOptions& options_;
  Corpus corpus_;
};

std::vector<std::string> read_nonempty(const std::filesystem::path& path) {
  std::vector<std::string> lines = read_lines(path);
  require(!lines.empty(), path.string(), ": the file is empty");
  return lines;
}

/// The distinct sources, in order of first appearance.
std::vector<const Tokens*> distinct_sources(const std::vector<Pair>& pairs) {
  std::set<Tokens> seen;
  std::vector<const Tokens*> distinct;
  for (const Pair& pair : pairs)
    if (seen.insert(pair.source).second) distinct.push_back(&pair.source);
  return distinct;
}

}  // namespace

Columns cut_at_tabs(std::string_view line) {
  const auto tabs = std::ranges::count(line, '\t');
  require(tabs > 0, "no tab; expected source, tab, target");
  require(tabs <= 2, tabs + 1, " columns; expected source, target and optionally an attribution");
  const std::size_t first = line.find('\t');
  const std::string_view rest = line.substr(first + 1);
  return {line.substr(0, first), rest.substr(0, rest.find('\t'))};
}

Corpus read_corpus(const std::filesystem::path& path, const Tokenizer& tokenizer,
                   const ReadOptions& options) {
  Reader reader(tokenizer, options);
  const std::vector<std::string> lines = read_nonempty(path);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Line line = {path, i + 1, lines[i]};
    line.require_utf8();
    Columns columns;
    try {
      columns = cut_at_tabs(line.text);
    } catch (const Error& error) {
      line.require(false, error.what());
    }
    reader.add({path, i + 1, columns.source}, {path, i + 1, columns.target});
  }
  return reader.corpus(path);
}

Corpus read_parallel_files(const std::filesystem::path& source, const std::filesystem::path& target,
                           const Tokenizer& tokenizer, const ReadOptions& options) {
  Reader reader(tokenizer, options);
  const std::vector<std::string> sources = read_nonempty(source);
  const std::vector<std::string> targets = read_nonempty(target);
  require(sources.size() == targets.size(), source.string(), " has ", sources.size(),
          " lines, but ", target.string(), " has ", targets.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Line sides[] = {{source, i + 1, sources[i]}, {target, i + 1, targets[i]}};
    for (const Line& side : sides) {
      side.require_utf8();
      side.require(side.text.find('\t') == std::string_view::npos,
                   "unexpected tab; expected one sentence per line");
    }
    reader.add(sides[0], sides[1]);
  }
  return reader.corpus(source);
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
  const std::int64_t all = std::ssize(distinct);
  require(held_out_sources >= 1 && held_out_sources < all, "split: cannot hold out ",
          held_out_sources, " of ", all, " distinct sources; neither part may be empty");
  const Tensor order = permutation(all, key);
  std::set<Tokens> chosen;
  for (const Index i : order.values<Index>().first(static_cast<std::size_t>(held_out_sources)))
    chosen.insert(*distinct[static_cast<std::size_t>(i)]);

  Split split;
  for (const Pair& pair : pairs)
    (chosen.contains(pair.source) ? split.held_out : split.train).push_back(pair);
  return split;
}

Split split_by_fraction(const std::vector<Pair>& pairs, double fraction, Key key) {
  require(fraction > 0 && fraction < 1, "split: the fraction must lie between 0 and 1, got ",
          fraction);
  const auto all = static_cast<double>(distinct_sources(pairs).size());
  return split_by_count(pairs, std::llround(fraction * all), key);
}

}  // namespace adjoint::data

#include "data/pairs/parallel_corpus.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "autograd/support/error.h"
#include "autograd/support/printable.h"

namespace adjoint::data {
namespace {

/// A line is not a pair.
struct BadLineError : Error {
  BadLineError(const std::string& place, const std::string& why)
      : Error(place + ": " + why), reason(why) {}
  std::string reason;
};

/// A line, or one column of it, and where it stands.
struct Line {
  const std::string& file;
  std::size_t number;  // counted from 1
  std::string_view text;

  std::string place() const { return file + ':' + std::to_string(number); }

  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    if (!condition) throw BadLineError(place(), text_from(parts...));
  }
  void require_text() const {
    if (const auto bad = find_bad_byte(text))
      throw BadLineError(place() + ':' + std::to_string(bad->column), bad->what);
  }
};

/// Tokenizes pairs and applies the options.
class Reader {
 public:
  Reader(const Tokenizers& tokenizers, const ReadOptions& options)
      : tokenizers_(tokenizers), options_(options) {
    require(options.max_tokens >= 0, "read_corpus: max_tokens must not be negative, got ",
            options.max_tokens);
  }

  /// Adds the pair of Lines that `sides` returns, or counts it as left out.
  void add(const auto& sides) {
    Pair pair;
    try {
      const auto& [source, target] = sides();
      pair = {tokenize(source, "source", tokenizers_.source),
              tokenize(target, "target", tokenizers_.target),
              static_cast<std::int64_t>(source.number)};
      if (options_.too_long == TooLong::cut)
        cut(pair);
      else if (!fits(source, "source", pair.source) || !fits(target, "target", pair.target)) {
        ++corpus_.skipped;
        corpus_.longest_left_out =
            std::max({corpus_.longest_left_out, std::ssize(pair.source), std::ssize(pair.target)});
        return;
      }
    } catch (const BadLineError& error) {
      if (options_.bad_line == BadLine::error) throw;
      leave_out(error);
      return;
    }
    corpus_.pairs.push_back(std::move(pair));
  }

  Corpus corpus(const std::string& file) {
    if (!corpus_.pairs.empty()) return std::move(corpus_);
    require(corpus_.skipped > 0, file, ": no line is a pair; the first problem is ",
            corpus_.problems.empty() ? "" : corpus_.problems.front().first);
    fail(file, ": every pair has a side of more than ", options_.max_tokens, " tokens");
  }

 private:
  void leave_out(const BadLineError& error) {
    auto same = std::ranges::find(corpus_.problems, error.reason, &Corpus::Problem::reason);
    if (same == corpus_.problems.end())
      same = corpus_.problems.insert(same, {error.reason, 0, error.what()});
    ++same->lines;
  }

  static Tokens tokenize(const Line& line, std::string_view side, const Tokenizer& tokenizer) {
    // A space is a token to the character tokenizer, but a side of spaces still counts as empty.
    line.require(!line.text.empty(), "the ", side, " is empty");
    line.require(!is_blank(line.text), "the ", side, " is empty but for invisible characters");
    Tokens tokens = tokenizer.tokenize(line.text);
    line.require(!tokens.empty(), "the ", side, " has no tokens");
    return tokens;
  }

  void cut(Pair& pair) {
    const auto limit = static_cast<std::size_t>(options_.max_tokens);
    if (limit == 0 || std::max(pair.source.size(), pair.target.size()) <= limit) return;
    ++corpus_.cut;
    for (Tokens* side : {&pair.source, &pair.target})
      if (side->size() > limit) side->resize(limit);
  }

  bool fits(const Line& line, std::string_view side, const Tokens& tokens) const {
    if (options_.max_tokens == 0 || std::ssize(tokens) <= options_.max_tokens) return true;
    if (options_.too_long == TooLong::skip) return false;
    fail(line.place(), ": the ", side, " has ", tokens.size(), " tokens; the limit is ",
         options_.max_tokens, options_.advice);
  }

  const Tokenizers& tokenizers_;
  const ReadOptions& options_;
  Corpus corpus_;
};

bool is_blank_at(const std::vector<std::string>& lines, std::size_t i) {
  return i >= lines.size() || (!find_bad_byte(lines[i]) && is_blank(lines[i]));
}

/// Drops the blank lines at the end. Of two files, only where both lines are blank.
void drop_blank_end(std::vector<std::string>& a, std::vector<std::string>& b) {
  std::size_t size = std::max(a.size(), b.size());
  while (size > 0 && is_blank_at(a, size - 1) && is_blank_at(b, size - 1)) --size;
  for (std::vector<std::string>* lines : {&a, &b}) lines->resize(std::min(lines->size(), size));
}

struct HashOfTokens {
  std::size_t operator()(const Tokens* tokens) const {
    std::size_t hash = tokens->size();
    for (const std::string& token : *tokens) hash = 31 * hash + std::hash<std::string>()(token);
    return hash;
  }
};
struct SameTokens {
  bool operator()(const Tokens* a, const Tokens* b) const { return *a == *b; }
};
/// Sentences that are kept elsewhere, compared as tokens.
using SetOfSentences = std::unordered_set<const Tokens*, HashOfTokens, SameTokens>;

/// In order of first appearance.
std::vector<const Tokens*> find_distinct_sources(const std::vector<Pair>& pairs) {
  SetOfSentences seen;
  std::vector<const Tokens*> distinct;
  for (const Pair& pair : pairs)
    if (seen.insert(&pair.source).second) distinct.push_back(&pair.source);
  return distinct;
}

}  // namespace

Columns Columns::from_text(std::string_view text) {
  const auto number = [](std::string_view digits) {
    std::int64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto result = std::from_chars(digits.data(), end, value);
    return result.ec == std::errc() && result.ptr == end ? value : 0;
  };
  const std::size_t comma = text.find(',');
  Columns columns = {0, 0};
  if (comma != std::string_view::npos)
    columns = {number(text.substr(0, comma)), number(text.substr(comma + 1))};
  require(columns.source >= 1 && columns.target >= 1 && columns.source != columns.target,
          "expected the numbers of two columns, as in 2,4; got '", printable_line(text), "'");
  return columns;
}

Sides cut_at_tabs(std::string_view line, const std::optional<Columns>& chosen) {
  require(!line.empty(), "the line is empty");
  std::vector<std::string_view> columns;
  for (std::size_t begin = 0; begin <= line.size(); begin += columns.back().size() + 1)
    columns.push_back(line.substr(begin, line.find('\t', begin) - begin));
  require(columns.size() > 1, "no tab; expected source, tab, target");
  while (columns.size() > 2 && columns.back().empty()) columns.pop_back();

  const auto [source, target] = chosen.value_or(Columns());
  require(std::cmp_less_equal(std::max(source, target), columns.size()), columns.size(),
          " columns, but --columns asks for column ", std::max(source, target));
  require(chosen || columns.size() <= 3, columns.size(),
          " columns; expected source, target and optionally an attribution; choose two, as in "
          "--columns 2,4");
  return {columns[static_cast<std::size_t>(source - 1)],
          columns[static_cast<std::size_t>(target - 1)]};
}

std::int64_t Corpus::bad() const {
  std::int64_t lines = 0;
  for (const Problem& problem : problems) lines += problem.lines;
  return lines;
}

Corpus read_corpus(const std::filesystem::path& path, const Tokenizers& tokenizers,
                   const ReadOptions& options) {
  return read_corpus(read_text_lines(path), tokenizers, options);
}

Corpus read_corpus(TextLines text, const Tokenizers& tokenizers, const ReadOptions& options) {
  Reader reader(tokenizers, options);
  auto& [name, lines] = text;
  std::vector<std::string> none;
  drop_blank_end(lines, none);
  require(!lines.empty(), name, ": the file is empty");
  for (std::size_t i = 0; i < lines.size(); ++i)
    reader.add([&] {
      const Line line = {text.name, i + 1, text.lines[i]};
      line.require_text();
      Sides sides;
      try {
        sides = cut_at_tabs(line.text, options.columns);
      } catch (const Error& error) {
        line.require(false, error.what());
      }
      return std::pair(Line{text.name, i + 1, sides.source}, Line{text.name, i + 1, sides.target});
    });
  return reader.corpus(name);
}

Corpus read_parallel_files(const std::filesystem::path& source, const std::filesystem::path& target,
                           const Tokenizers& tokenizers, const ReadOptions& options) {
  return read_parallel_files(read_text_lines(source), read_text_lines(target), tokenizers, options);
}

Corpus read_parallel_files(TextLines source, TextLines target, const Tokenizers& tokenizers,
                           const ReadOptions& options) {
  Reader reader(tokenizers, options);
  drop_blank_end(source.lines, target.lines);
  const std::size_t count = source.lines.size();
  require(count > 0 || !target.lines.empty(), source.name, ": the file is empty");
  require(count == target.lines.size(), source.name, " has ", count, " lines, but ", target.name,
          " has ", target.lines.size());
  for (std::size_t i = 0; i < count; ++i)
    reader.add([&] {
      const auto side = [i](const TextLines& text) {
        const Line line = {text.name, i + 1, text.lines[i]};
        line.require_text();
        line.require(line.text.find('\t') == std::string_view::npos,
                     "unexpected tab; expected one sentence per line");
        return line;
      };
      return std::pair(side(source), side(target));
    });
  return reader.corpus(source.name);
}

std::int64_t distinct_sources(const std::vector<Pair>& pairs) {
  return std::ssize(find_distinct_sources(pairs));
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
  const std::vector<const Tokens*> distinct = find_distinct_sources(pairs);
  const std::int64_t all = std::ssize(distinct);
  require(held_out_sources >= 1 && held_out_sources < all, "split: cannot hold out ",
          held_out_sources, " of ", all, " distinct sources; neither part may be empty");
  const Tensor order = permutation(all, key);
  SetOfSentences chosen;
  for (const Index i : order.values<Index>().first(static_cast<std::size_t>(held_out_sources)))
    chosen.insert(distinct[static_cast<std::size_t>(i)]);

  Split split;
  for (const Pair& pair : pairs)
    (chosen.contains(&pair.source) ? split.held_out : split.train).push_back(pair);
  return split;
}

Split split_by_fraction(const std::vector<Pair>& pairs, double fraction, Key key) {
  require(fraction > 0 && fraction < 1, "split: the fraction must lie between 0 and 1, got ",
          fraction);
  const auto all = static_cast<double>(distinct_sources(pairs));
  return split_by_count(pairs, std::llround(fraction * all), key);
}

}  // namespace adjoint::data

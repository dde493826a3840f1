#include "data/metrics/metric_text.h"

#include <algorithm>

#include "autograd/support/error.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

// --- The original scripts are lists of regular-expression substitutions; each function here is one
// of them. ---

using Text = std::u32string;
using View = std::u32string_view;
using Test = bool (*)(char32_t);

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_no_digit(char32_t c) { return !is_digit(c); }
bool is_no_number(char32_t c) { return !is_number(c); }
bool is_period_or_comma(char32_t c) { return c == U'.' || c == U','; }
bool is_dash(char32_t c) { return c == U'-'; }

/// [\{-\~\[-\` -\&\(-\+\:-\@\/]: the ASCII symbols except ' , - and the period
bool is_ascii_symbol(char32_t c) {
  return (c >= U'{' && c <= U'~') || (c >= U'[' && c <= U'`') || (c >= U' ' && c <= U'&') ||
         (c >= U'(' && c <= U'+') || (c >= U':' && c <= U'@') || c == U'/';
}

/// s/from/to/g for literal texts
void replace_all(Text& text, View from, View to) {
  Text replaced;
  std::size_t done = 0;
  for (auto at = text.find(from); at != Text::npos; at = text.find(from, done)) {
    replaced.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  if (done > 0) text = replaced.append(text, done);
}

/// s/([alone])/ \1 /g
Text space_around(View text, Test alone) {
  Text spaced;
  for (const char32_t c : text)
    if (alone(c))
      spaced.append({U' ', c, U' '});
    else
      spaced += c;
  return spaced;
}

/// s/([first])([second])/before\1 \2after/g. As in a regular expression, matches do not overlap: in
/// "a,,5" the match of "a," consumes the first comma, so the second one has nothing to match with.
Text space_between(View text, Test first, Test second, View before, View after) {
  Text spaced;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && first(text[i]) && second(text[i + 1])) {
      spaced.append(before).append({text[i], U' ', text[i + 1]}).append(after);
      ++i;
    } else {
      spaced += text[i];
    }
  }
  return spaced;
}

/// Resolves entities, then puts spaces around symbols and both ends.
Text space_symbols(Text text) {
  replace_all(text, U"&quot;", U"\"");
  replace_all(text, U"&amp;", U"&");
  replace_all(text, U"&lt;", U"<");
  replace_all(text, U"&gt;", U">");
  return space_around(U" " + text + U" ", is_ascii_symbol);
}

/// Splits off periods and commas unless between digits, and a dash after a digit.
Text split_off_marks(View text) {
  Text line = space_between(text, is_no_digit, is_period_or_comma, U"", U" ");
  line = space_between(line, is_period_or_comma, is_no_digit, U" ", U"");
  return space_between(line, is_digit, is_dash, U"", U" ");
}

Tokens split_at_white_space(View text) {
  Tokens tokens;
  bool begin = true;
  for (const char32_t c : text) {
    const bool space = is_white_space(c);
    if (!space && begin) tokens.emplace_back();
    if (!space) tokens.back() += utf8(c);
    begin = space;
  }
  return tokens;
}

Text without_trailing_white_space(std::string_view text) {
  Text line = code_points(text);
  while (!line.empty() && is_white_space(line.back())) line.pop_back();
  return line;
}

/// The normalization of tercom for Western languages.
Text normalize_for_tercom(Text line) {
  replace_all(line, U"\n-", U"");
  replace_all(line, U"\n", U" ");
  line = space_symbols(std::move(line));
  replace_all(line, U"'s ", U" 's ");
  return split_off_marks(line);
}

}  // namespace

Tokens tokenize_13a(std::string_view text) {
  Text line = without_trailing_white_space(text);
  replace_all(line, U"<skipped>", U"");
  replace_all(line, U"-\n", U"");
  replace_all(line, U"\n", U" ");
  return split_at_white_space(split_off_marks(space_symbols(std::move(line))));
}

Tokens tokenize_intl(std::string_view text) {
  Text line = without_trailing_white_space(text);
  line = space_between(line, is_no_number, is_punctuation, U"", U" ");
  line = space_between(line, is_punctuation, is_no_number, U" ", U"");
  return split_at_white_space(space_around(line, is_symbol));
}

Tokens tokenize_char(std::string_view text) {
  Tokens tokens;
  for (const char32_t c : code_points(text))
    if (!is_white_space(c)) tokens.push_back(utf8(c));
  return tokens;
}

Tokens tokenize_none(std::string_view text) { return split_at_white_space(code_points(text)); }

Tokens tokenize_tercom(std::string_view text, const TercomOptions& options) {
  constexpr View punctuation = U".,?:;!\"()";
  Text line =
      without_trailing_white_space(options.case_sensitive ? std::string(text) : lower_case(text));
  if (options.normalize) line = normalize_for_tercom(std::move(line));
  if (options.remove_punctuation)
    std::erase_if(line, [&](char32_t c) { return punctuation.find(c) != View::npos; });
  return split_at_white_space(line);
}

NgramCounts count_ngrams(const Tokens& tokens, std::size_t n) {
  NgramCounts counts;
  for (std::size_t begin = 0; begin + n <= tokens.size(); ++begin) {
    std::string ngram = tokens[begin];
    for (std::size_t i = 1; i < n; ++i) ngram.append(" ").append(tokens[begin + i]);
    ++counts[std::move(ngram)];
  }
  return counts;
}

std::int64_t total(const NgramCounts& counts) {
  std::int64_t sum = 0;
  for (const auto& [ngram, count] : counts) sum += count;
  return sum;
}

std::int64_t matching_ngrams(const NgramCounts& hypothesis, const NgramCounts& reference) {
  std::int64_t matches = 0;
  for (const auto& [ngram, count] : hypothesis) {
    const auto found = reference.find(ngram);
    if (found != reference.end()) matches += std::min(count, found->second);
  }
  return matches;
}

References::References(std::string_view metric, std::size_t hypotheses,
                       const ReferenceSets& references)
    : all_(hypotheses) {
  require(hypotheses > 0, metric, ": no sentences");
  require(!references.sets.empty(), metric, ": no references");
  for (const std::vector<std::string>& set : references.sets) {
    require(set.size() == hypotheses, metric, ": ", hypotheses, " hypotheses, but ", set.size(),
            " references");
    for (std::size_t i = 0; i < hypotheses; ++i)
      if (!set[i].empty()) all_[i].push_back(set[i]);
  }
  for (std::vector<std::string_view>& each : all_)
    if (each.empty()) each.emplace_back();
}

std::string References::signature() const {
  const std::size_t first = all_.front().size();
  const bool same = std::ranges::all_of(all_, [&](const auto& r) { return r.size() == first; });
  return "nrefs:" + (same ? std::to_string(first) : "var");
}

}  // namespace adjoint::data

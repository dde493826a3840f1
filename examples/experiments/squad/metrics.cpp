#include "examples/experiments/squad/metrics.h"

#include <algorithm>
#include <map>

#include "data/text/unicode.h"
#include "examples/experiments/squad/tokens.h"

namespace adjoint::squad {
namespace {

bool is_ascii_punctuation(char32_t c) {
  return c > U' ' && c < 0x7F && !(c >= U'0' && c <= U'9') && !(c >= U'A' && c <= U'Z') &&
         !(c >= U'a' && c <= U'z');
}

bool is_article(std::u32string_view word) {
  return word == U"a" || word == U"an" || word == U"the";
}

double f1(const std::vector<std::string>& answer, const std::vector<std::string>& expected) {
  std::map<std::string_view, Index> left;
  for (const std::string& word : expected) ++left[word];
  Index shared = 0;
  for (const std::string& word : answer) shared += left[word]-- > 0;
  // 2 P R / (P + R) with P = shared / answer and R = shared / expected.
  return shared == 0 ? 0
                     : 2.0 * static_cast<double>(shared) /
                           static_cast<double>(answer.size() + expected.size());
}

template <class Score>
double best(std::string_view answer, const std::vector<Answer>& expected, const Score& score) {
  const std::vector<std::string> words = compared_words(answer);
  double result = 0;
  for (const Answer& one : expected)
    result = std::max(result, score(words, compared_words(one.text)));
  return result;
}

}  // namespace

std::vector<std::string> compared_words(std::string_view text) {
  std::u32string characters = data::code_points(data::lower_case(text));
  std::erase_if(characters, is_ascii_punctuation);
  // An article ends where letters end, so that of “the sea” remains “ and sea”.
  std::vector<std::string> words;
  std::u32string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(data::utf8(word));
    word.clear();
  };
  for (std::size_t begin = 0, end = 0; begin < characters.size(); begin = end) {
    end = begin + 1;
    if (is_of_a_word(characters[begin])) {
      while (end < characters.size() && is_of_a_word(characters[end])) ++end;
      const auto letters = std::u32string_view(characters).substr(begin, end - begin);
      if (is_article(letters))
        end_word();
      else
        word += letters;
    } else if (data::is_white_space(characters[begin])) {
      end_word();
    } else {
      word += characters[begin];
    }
  }
  end_word();
  return words;
}

double exact_match(std::string_view answer, const std::vector<Answer>& expected) {
  return best(answer, expected, [](const auto& a, const auto& b) { return a == b ? 1.0 : 0.0; });
}

double f1(std::string_view answer, const std::vector<Answer>& expected) {
  return best(answer, expected, [](const auto& a, const auto& b) { return f1(a, b); });
}

}  // namespace adjoint::squad

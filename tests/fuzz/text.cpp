// Unicode, tokenizers and metrics on any text.

#include <algorithm>
#include <cmath>

#include "data/metrics.h"
#include "data/text/tokenizer.h"
#include "data/text/unicode.h"
#include "tests/fuzz/harness.h"

namespace adjoint::fuzz {

void tokenizers(Bytes input) {
  using namespace data;
  Choices choices(input);
  const Tokenizer tokenizer = Tokenizer::from_name(choices.coin() ? "characters" : "words");
  const Spacing spacing = choices.coin() ? Spacing::french : Spacing::english;
  const std::string_view text = text_of(choices.rest());

  const bool valid = !invalid_utf8_at(text);
  Tokens tokens;
  promise(accepted([&] { tokens = tokenizer.tokenize(text); }) == valid,
          "a text has tokens if, and only if, it is UTF-8");
  promise(accepted([&] { code_points(text); }) == valid, "and so for code points");
  if (!valid) return;

  promise(utf8(code_points(text)) == text, "code points are written back");
  const std::string composed = compose(text);
  promise(compose(composed) == composed, "composing twice changes nothing");
  promise(!invalid_utf8_at(lower_case(text)), "lower case is UTF-8");
  for (const char32_t c : code_points(text))
    promise(!invalid_utf8_at(utf8(lower_case(c))), "the lower case of a code point is one");

  promise(std::ranges::none_of(tokens, &std::string::empty), "no token is empty");
  promise(tokenizer.tokenize(tokenizer.detokenize(tokens, spacing)) == tokens,
          "a text made of tokens has these tokens");
}

namespace {

// The lines become hypotheses and references alternately.
struct Texts {
  std::vector<std::string> hypotheses, references;
  explicit Texts(std::string_view text) {
    for (std::size_t line = 0; !text.empty(); ++line) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      (line % 2 == 0 ? hypotheses : references).emplace_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    references.resize(hypotheses.size());
  }
};

bool between(double x, double low, double high) { return x >= low && x <= high + 1e-9; }

}  // namespace

void metrics(Bytes input) {
  using namespace data;
  Choices choices(input);
  const BleuOptions bleu_options = {
      .tokenizer = std::array{"13a", "intl", "char", "none"}[choices.below(4)],
      .smoothing = std::array{"exp", "floor", "add-k", "none"}[choices.below(4)],
      .effective_order = choices.coin(),
      .lowercase = choices.coin()};
  const ChrfOptions chrf_options = {.char_order = choices.between(0, 6),
                                    .word_order = choices.between(0, 2),
                                    .lowercase = choices.coin(),
                                    .whitespace = choices.coin(),
                                    .epsilon_smoothing = choices.coin()};
  const TercomOptions ter_options = {.case_sensitive = choices.coin(),
                                     .normalize = choices.coin(),
                                     .remove_punctuation = choices.coin()};
  const Texts texts(text_of(choices.rest()));
  const auto& [h, r] = texts;

  accepted([&] {
    const BleuScore score = corpus_bleu(h, r, bleu_options);
    promise(between(score.score, 0, 100), "BLEU is between 0 and 100");
    for (std::size_t n = 0; n < BleuScore::max_order; ++n)
      promise(score.counts[n] >= 0 && score.counts[n] <= score.totals[n],
              "no more n-grams match than there are");
  });
  accepted([&] {
    promise(between(corpus_chrf(h, r, chrf_options).score, 0, 100), "chrF is between 0 and 100");
  });
  accepted([&] {
    promise(corpus_chrf(r, r, {}).score > 100 - 1e-9 ||
                std::ranges::all_of(r, [](const auto& s) { return tokenize_none(s).empty(); }),
            "a reference is a perfect translation to chrF");
  });
  accepted([&] {
    const TerScore score = corpus_ter(h, r, ter_options);
    promise(score.edits >= 0 && std::isfinite(score.score), "TER counts edits");
    promise(corpus_ter(r, r, ter_options).edits == 0, "a reference needs no edits");
  });
  accepted([&] {
    std::vector<Tokens> a, b;
    for (const std::string& line : h) a.push_back(tokenize_none(line));
    for (const std::string& line : r) b.push_back(tokenize_none(line));
    const ErrorRate wer = word_error_rate(a, b), per = position_independent_error_rate(a, b);
    promise(per.errors >= 0 && per.errors <= wer.errors, "PER never exceeds WER");
    promise(word_error_rate(b, a).errors == wer.errors, "the edit distance is symmetric");
    for (std::size_t i = 0; i < a.size(); ++i)
      promise(ter_edits(a[i], b[i]) <= edit_distance(a[i], b[i]), "moves only save edits");
  });
  for (std::size_t i = 0; i < h.size(); ++i)
    accepted([&] { promise(between(bleu(h[i], r[i], 4), 0, 1), "the book's BLEU is at most 1"); });
}

}  // namespace adjoint::fuzz

#include <cmath>
#include <iomanip>
#include <iostream>

#include "examples/seq2seq/commands/commands.h"

namespace adjoint::seq2seq {

void print_examples(const Model& model, const std::vector<data::Pair>& pairs,
                    const std::vector<data::Tokens>& translations) {
  const data::Tokenizer& tokenizer = model.tokenizer;
  for (std::size_t i = 0; i < std::min<std::size_t>(8, pairs.size()); ++i) {
    const bool right = translations[i] == pairs[i].target;
    std::cout << "  " << tokenizer.detokenize(pairs[i].source) << "\n    " << (right ? "= " : "→ ")
              << tokenizer.detokenize(translations[i]) << '\n';
    if (!right) std::cout << "    ≠ " << tokenizer.detokenize(pairs[i].target) << '\n';
  }
}

void print(const Score& score) {
  std::cout << "BLEU " << fixed(score.bleu.score, 2) << " on " << score.count << " sentences, "
            << fixed(100 * score.exact, 1) << "% of them exact";
  if (score.bleu.totals[3] == 0) std::cout << " (BLEU needs sentences of four words or more)";
  std::cout << std::endl;
}

void warn_of_unknown_words(const data::Tokens& sentence, const data::Vocabulary& vocabulary) {
  for (const std::string& word : unknown_words(sentence, vocabulary))
    std::cerr << "seq2seq: the model does not know '" << word << "'\n";
}

void require_written() { require(std::cout.flush().good(), "cannot write standard output"); }

std::string fixed(double number, int digits) {
  const std::string text = text_from(std::fixed, std::setprecision(digits), number);
  const bool is_minus_zero =
      std::signbit(number) && text.find_first_of("123456789in") == std::string::npos;
  return is_minus_zero ? fixed(0.0, digits) : text;
}

}  // namespace adjoint::seq2seq

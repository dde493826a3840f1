#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <new>

#include "autograd/support/printable.h"
#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/settings/counted.h"

namespace adjoint::seq2seq {

Model load_for_use(const std::filesystem::path& folder) {
  Model model = load(folder);
  const std::filesystem::path weights = weights_of(folder);
  if (weights.filename() == best_file)
    std::cerr << "seq2seq: " << folder.string()
              << ": the run was stopped; using its best weights so far, " << best_file << '\n';
  return model;
}

std::string for_output(const std::string& text) {
  static const bool terminal = isatty(STDOUT_FILENO) == 1;
  return terminal ? printable(text, 0) : text;
}

void print_examples(const Model& model, const std::vector<data::Pair>& pairs,
                    const std::vector<data::Tokens>& translations,
                    const std::vector<std::vector<data::Tokens>>& more) {
  const auto source = [&](const data::Pair& pair) {
    return for_output(model.tokenizers.source.detokenize(pair.source));
  };
  const auto text = [&](const data::Tokens& tokens) {
    return for_output(model.tokenizers.target.detokenize(tokens));
  };
  for (std::size_t i = 0; i < std::min<std::size_t>(8, pairs.size()); ++i) {
    const auto equals = [&](const auto& set) {
      return !set[i].empty() && set[i] == translations[i];
    };
    const bool right = translations[i] == pairs[i].target || std::ranges::any_of(more, equals);
    std::cout << "  " << source(pairs[i]) << "\n    " << (right ? "= " : "→ ")
              << text(translations[i]) << '\n';
    if (!right) std::cout << "    ≠ " << text(pairs[i].target) << '\n';
  }
}

void print(const Score& score) {
  std::cout << "BLEU " << fixed(score.bleu.score, 2) << " on " << counted(score.count, "sentence")
            << ", " << fixed(100 * score.exact, 1) << "% of them exact";
  if (score.bleu.totals[3] == 0) {
    const bool short_references = score.bleu.ref_len < 4 * static_cast<Index>(score.count);
    std::cout << (short_references ? " (BLEU needs sentences of four words or more)"
                                   : " (no answer has the four words that BLEU needs)");
  }
  std::cout << std::endl;
}

void warn_of_unknown_words(const Model& model, const data::Tokens& source) {
  if (!model.settings.model.copies) warn_of(unknown_words(source, model.source));
}

void warn_of(const std::vector<std::string>& unknown) {
  for (const std::string& word : unknown)
    std::cerr << "seq2seq: the model does not know '" << printable_line(word) << "'\n";
}

int with_memory_advice(const std::string& advice, const std::function<int()>& command) {
  try {
    return command();
  } catch (const std::exception& error) {
    const std::string problem = error.what();
    if (dynamic_cast<const std::bad_alloc*>(&error) == nullptr &&
        problem.find("out of memory") == std::string::npos)
      throw;
    fail("out of memory; ", advice, " (", problem, ")");
  }
}

void report(const std::string& problem) {
  constexpr std::size_t longest = 4000;  // room for an anomaly, and for long file names
  std::cerr << "seq2seq: " << printable(problem, longest) << '\n';
}

void require_written() { require(std::cout.flush().good(), "cannot write standard output"); }

std::string fixed(double number, int digits) {
  const std::string text = text_from(std::fixed, std::setprecision(digits), number);
  const bool is_minus_zero =
      std::signbit(number) && text.find_first_of("123456789in") == std::string::npos;
  return is_minus_zero ? fixed(0.0, digits) : text;
}

}  // namespace adjoint::seq2seq

#include "examples/seq2seq/commands/evaluation.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "examples/seq2seq/commands/reporting.h"
#include "examples/seq2seq/model/pair_scores.h"

namespace adjoint::seq2seq {
namespace {

std::string joined(const data::Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += (text.empty() ? "" : " ") + token;
  return text;
}

// The book's BLEU of a sentence, averaged over the sentences.
double mean_book_bleu(const std::vector<data::Tokens>& translations,
                      const std::vector<data::Tokens>& references, std::int64_t k) {
  double sum = 0;
  for (std::size_t i = 0; i < translations.size(); ++i)
    sum += data::bleu(joined(translations[i]), joined(references[i]), k);
  return sum / static_cast<double>(translations.size());
}

// How often the reference's token, and its end, is the likeliest after those before it.
double token_accuracy(const Model& model, const std::vector<nn::PairScore>& scores,
                      const std::vector<data::Tokens>& references) {
  nn::Ids predicted, expected;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    std::ranges::copy(scores[i].likeliest, std::back_inserter(predicted));
    std::ranges::copy(model.target.encode(references[i]), std::back_inserter(expected));
    expected.push_back(data::Vocabulary::eos);
  }
  return data::token_accuracy(predicted, expected, data::Vocabulary::pad);
}

}  // namespace

Evaluation evaluate(const Model& model, const std::vector<data::Pair>& pairs,
                    const std::vector<data::Tokens>& translations,
                    const std::vector<std::vector<std::string>>& more_references,
                    const data::BleuOptions& options) {
  const data::Tokenizer& tokenizer = model.tokenizer;
  const std::vector<data::Tokens> targets = data::targets(pairs);
  const std::vector<std::string> texts = as_text(translations, tokenizer);
  std::vector<std::vector<std::string>> references = {as_text(targets, tokenizer)};
  references.insert(references.end(), more_references.begin(), more_references.end());

  const data::BleuScore bleu = data::corpus_bleu(texts, references, options);
  const data::ChrfScore chrf = data::corpus_chrf(texts, references);
  const data::TerScore ter = data::corpus_ter(texts, references);
  const std::vector<nn::PairScore> scores = score_pairs(model, pairs);
  double log_probability = 0;
  Index tokens = 0;
  for (const nn::PairScore& score : scores) {
    log_probability += score.log_probability();
    tokens += std::ssize(score.tokens);
  }
  const double exact = data::sequence_accuracy(translations, targets);
  return {{bleu, exact, pairs.size()},
          {
              {"bleu", "BLEU", bleu.score, 2, bleu.signature},
              {"chrf", chrf.name, chrf.score, 2, chrf.signature},
              {"ter", "TER", ter.score, 2, ter.signature},
              {"book_bleu", "d2l's BLEU", mean_book_bleu(translations, targets, 2), 4,
               "k = 2, mean over the sentences, from 0 to 1"},
              {"wer", "WER", data::word_error_rate(translations, targets).rate, 2,
               "% of the reference's tokens"},
              {"per", "PER", data::position_independent_error_rate(translations, targets).rate, 2,
               "% of the reference's tokens, in any order"},
              {"sequence_accuracy", "right sentences", 100 * exact, 2, "%"},
              {"token_accuracy", "right tokens", 100 * token_accuracy(model, scores, targets), 2,
               "%, each predicted from the reference's before it; ends included"},
              {"perplexity", "perplexity", data::perplexity(-log_probability, tokens), 3,
               "of the reference's tokens, ends included"},
          }};
}

void print(std::span<const Metric> metrics) {
  for (const Metric& metric : metrics)
    std::cout << std::left << std::setw(16) << metric.name << std::right << std::setw(9)
              << fixed(metric.value, metric.digits) << "  " << metric.note << '\n';
}

void print_json(const Evaluation& evaluation) {
  nlohmann::ordered_json json, notes;
  json["sentences"] = evaluation.summary.count;
  for (const Metric& metric : evaluation.metrics) {
    json[metric.key] = metric.value;  // null for what is no number
    notes[metric.key] = metric.note;
  }
  json["notes"] = notes;
  std::cout << json.dump() << std::endl;
}

}  // namespace adjoint::seq2seq

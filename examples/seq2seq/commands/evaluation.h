// How good a model is, by every metric of data/metrics.h.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "examples/seq2seq/model/translation.h"

namespace adjoint::seq2seq {

/// A figure, and how it was come by.
struct Metric {
  std::string key;   ///< its name for scripts
  std::string name;  ///< for people
  double value;
  int digits;        ///< after the point, for people
  std::string note;  ///< sacreBLEU's signature where there is one
};

struct Evaluation {
  Score summary;
  std::vector<Metric> metrics;
};

/// `references` are further translations of the same sources, as data/metrics/references.h has
/// them; BLEU, chrF and TER take them into account. BLEU, chrF and TER see texts, as the model's
/// tokenizer puts them together (those of words are in lower case); the others see its tokens.
Evaluation evaluate(const Model& model, const std::vector<data::Pair>& pairs,
                    const std::vector<data::Tokens>& translations,
                    const std::vector<std::vector<std::string>>& references = {},
                    const data::BleuOptions& bleu = {});

/// One line each: name, value, note.
void print(std::span<const Metric> metrics);
/// One JSON object on one line: the number of sentences, each key with its value, and the notes.
void print_json(const Evaluation& evaluation);

}  // namespace adjoint::seq2seq

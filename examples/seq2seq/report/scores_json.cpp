#include "examples/seq2seq/report/json.h"

#include <nlohmann/json.hpp>

namespace adjoint::seq2seq {
namespace {

constexpr std::size_t most_confusions = 20, most_mistakes = 40;

Json json_of(const std::vector<Bin>& bins) {
  Json json = Json::array();
  for (const Bin& bin : bins)
    json.push_back({{"label", bin.label}, {"count", bin.count}, {"score", json_of(bin.score)}});
  return json;
}

Interval bleu_of(const Scored& scored) {
  return bootstrap(
      scored.sentences().size(), [&](std::span<const int> times) { return scored.bleu(times); },
      Key(1).child("all bleu"));
}

Interval exact_of(const Scored& scored) {
  return bootstrap(
      scored.sentences().size(), [&](std::span<const int> times) { return scored.exact(times); },
      Key(1).child("all exact"));
}

Json confusions_of(const Scored& scored) {
  Json json = Json::array();
  for (const Confusion& confusion : confusions(scored, most_confusions)) {
    const Scored::Sentence& example = scored.sentences()[confusion.example];
    json.push_back(
        {{"reference", confusion.reference},
         {"output", confusion.output},
         {"count", confusion.count},
         {"example",
          {{"source", example.source_text},
           {"reference", example.reference_text},
           {"pieces", json_of(differences(example.reference_text, example.output_text))}}}});
  }
  return json;
}

Json mistakes_of(const Scored& scored) {
  Json json = Json::array();
  for (const Scored::Sentence& sentence : scored.sentences())
    if (!sentence.exact && json.size() < most_mistakes)
      json.push_back(
          {{"source", sentence.source_text},
           {"reference", sentence.reference_text},
           {"pieces", json_of(differences(sentence.reference_text, sentence.output_text))}});
  return json;
}

}  // namespace

Json json_of(const Interval& interval) {
  return {{"value", interval.value}, {"low", interval.low}, {"high", interval.high}};
}

Json json_of(const Scored& scored, const Frequency& frequency) {
  return {{"sentences", scored.sentences().size()},
          {"bleu", json_of(bleu_of(scored))},
          {"exact", json_of(exact_of(scored))},
          {"bleu_by_length", json_of(bleu_by_length(scored))},
          {"exact_by_length", json_of(exact_by_length(scored))},
          {"f1_by_frequency", json_of(f1_by_frequency(scored, frequency))},
          {"confusions", confusions_of(scored)},
          {"mistakes", mistakes_of(scored)}};
}

}  // namespace adjoint::seq2seq

#include "examples/seq2seq/report/json.h"

#include <nlohmann/json.hpp>

#include "examples/seq2seq/report/edits.h"

namespace adjoint::seq2seq {
namespace {

Json known(const std::optional<double>& x) { return x ? Json(*x) : Json(); }

// By columns, which takes a third of the room of objects.
Json steps_of(const Records& records) {
  Json steps = {{"step", Json::array()},
                {"loss", Json::array()},
                {"gradient_norm", Json::array()},
                {"learning_rate", Json::array()},
                {"update_ratios", Json::array()}};
  for (const Records::Step& step : records.steps) {
    steps["step"].push_back(step.step);
    steps["loss"].push_back(step.loss);
    steps["gradient_norm"].push_back(step.gradient_norm);
    steps["learning_rate"].push_back(step.learning_rate);
    if (!step.update_ratios.empty())
      steps["update_ratios"].push_back({{"step", step.step}, {"ratios", step.update_ratios}});
  }
  return steps;
}

Json epochs_of(const Records& records) {
  Json epochs = Json::array();
  for (const Records::Epoch& epoch : records.epochs)
    epochs.push_back({{"epoch", epoch.epoch},
                      {"step", epoch.step},
                      {"training_loss", epoch.training_loss},
                      {"validation_loss", known(epoch.validation_loss)},
                      {"bleu", known(epoch.bleu)},
                      {"best", epoch.best}});
  return epochs;
}

Json samples_of(const Records& records) {
  Json samples = Json::array();
  for (std::size_t i = 0; i < records.sentences.size(); ++i) {
    const Records::Sentence& sentence = records.sentences[i];
    Json outputs = Json::array();
    for (const Records::Look& look : records.looks)
      if (!look.translations.empty())
        outputs.push_back(
            {{"epoch", look.epoch},
             {"exact", look.translations[i] == sentence.reference},
             {"pieces", json_of(differences(sentence.reference, look.translations[i]))}});
    samples.push_back(
        {{"source", sentence.source}, {"reference", sentence.reference}, {"outputs", outputs}});
  }
  return samples;
}

Json json_of(const std::vector<Records::Attention>& layers) {
  Json json = Json::array();
  for (const Records::Attention& layer : layers)
    json.push_back({{"layer", layer.layer},
                    {"queries", layer.source_queries ? "source" : "target"},
                    {"keys", layer.source_keys ? "source" : "target"},
                    {"sizes", layer.sizes},
                    {"entropies", layer.entropies},
                    {"weights", layer.weights}});
  return json;
}

Json attention_of(const Records& records) {
  Json sentences = Json::array();
  for (const Records::Look& look : records.looks)
    for (std::size_t i = 0; i < look.attention.size(); ++i) {
      if (sentences.size() <= i)
        sentences.push_back({{"source", records.sentences[i].source_tokens},
                             {"target", records.sentences[i].target_tokens},
                             {"epochs", Json::array()}});
      sentences[i]["epochs"].push_back(
          {{"epoch", look.epoch}, {"layers", json_of(look.attention[i])}});
    }
  return sentences;
}

}  // namespace

Json json_of(const std::vector<Piece>& pieces) {
  Json json = Json::array();
  for (const Piece& piece : pieces) json.push_back({static_cast<int>(piece.kind), piece.text});
  return json;
}

Json json_of(const Records& records) {
  return {{"train_pairs", records.train_pairs},
          {"validation_pairs", records.validation_pairs},
          {"held_out_pairs", records.held_out_pairs},
          {"split", records.split},
          {"machines", records.machines},
          {"groups", records.groups},
          {"steps", steps_of(records)},
          {"epochs", epochs_of(records)},
          {"samples", samples_of(records)},
          {"attention", attention_of(records)}};
}

}  // namespace adjoint::seq2seq

// A run that begins with an earlier model: train --from MODEL.
#pragma once

#include "examples/seq2seq/run/dataset.h"
#include "nn/saving/partial_loading.h"

namespace adjoint::seq2seq {

/// Loads the model. Error, beginning with --from, as for load(), and when a run that writes to
/// `output` would change its folder.
Model load_earlier(const std::filesystem::path& model, const std::filesystem::path& output);

/// Gives the options that have not been given the values that the earlier model has, if they decide
/// what a model computes: those of the model, of the tokenizers, and --max-tokens. How to train is
/// not among them. `settings` are the variables of the options. Error, naming the options, if they
/// ask for other subwords than those of the earlier model.
void take_options(const Settings& earlier, const Settings& settings, Options& options);

/// The subword model of the earlier model; empty if it has none.
std::optional<data::Subwords> subwords_of(const data::Tokenizers& tokenizers);

/// The vocabularies of the earlier model, and after their tokens the new ones of the training
/// pairs. A side that is cut by another tokenizer gets a new vocabulary.
Vocabularies extended_vocabularies(const Settings& settings, const Dataset& dataset,
                                   const Model& earlier);

/// Copies into the model every weight that the earlier one has under its name and in its shape; of
/// embeddings and the output layer, the rows of the tokens that both have; of learned positions,
/// the first ones. Error if nothing fits.
nn::TakenParameters take_weights(Model& model, const Model& earlier);

/// Lines of text that say what was taken from the earlier model, called `name`, and what was not.
std::string describe(const nn::TakenParameters& taken, const Model& model, const Model& earlier,
                     const std::string& name);

}  // namespace adjoint::seq2seq

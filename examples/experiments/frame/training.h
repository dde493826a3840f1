// Tasks for small models, their training, and how well they do. A run is a function of its seed.
#pragma once

#include "data/pairs/batching.h"
#include "nn/models/transformer.h"
#include "nn/training/optimizer.h"

namespace adjoint::experiments {

/// Pairs to train on and pairs that the model never sees, as ids, and the sizes of the
/// vocabularies. Targets begin with bos and end with eos.
struct Task {
  data::EncodedPairs train, held_out;
  Index source_tokens = 0, target_tokens = 0;
  data::EncodedPairs longer = {};  ///< never seen either, and longer than all in train
};

/// Strings of 10 symbols, and the same backwards. Lengths are uniform between the two.
struct Reversal {
  Index min_length = 1, max_length = 8, train_count = 3000, held_out_count = 300;
  Index longest = 0;  ///< of `held_out_count` strings longer than max_length; 0: none of them
};
Task reversal(const Reversal& sizes, Key key);
/// English sentences and their French translations from data/english-french.tsv: this many pairs at
/// most, of which `held_out_count` sources are held out.
Task english_french(Index most_pairs, Index held_out_count, Key key);

/// How a model is trained: Adam, a rate that rises for a tenth of the steps and then falls linearly
/// to 0, gradients of norm 1 at most.
struct Recipe {
  Index steps = 500, batch = 64;
  double learning_rate = 4e-3;
};

/// A small Transformer for a task: one block in encoder and decoder, width 64, no dropout.
nn::TransformerConfig small_transformer(const Task& task);

/// Trains the model, and returns the mean loss of the last tenth of the steps.
double train(const nn::EncoderDecoder& model, const data::EncodedPairs& pairs, const Recipe& recipe,
             Key key);

/// The percentage of sources whose target is decoded greedily without a mistake.
double exact_match(const nn::EncoderDecoder& model, const data::EncodedPairs& pairs);
/// The mean loss of a target token, natural logarithm.
double mean_loss(const nn::EncoderDecoder& model, const data::EncodedPairs& pairs);

}  // namespace adjoint::experiments

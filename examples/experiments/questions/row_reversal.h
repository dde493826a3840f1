// A model that reverses strings row by row: the label of row t is the token n − 1 − t, and the end
// mark stays where it is. A row must learn n before it can look there, so it takes two blocks.
#pragma once

#include "examples/experiments/frame/training.h"
#include "examples/experiments/questions/book_encoder.h"

namespace adjoint::experiments {

/// The book's encoder with 2 blocks of width 64, and a linear layer on each row.
struct Reverser : nn::Module {
  BookEncoder encoder;
  nn::Linear output;  // width to tokens

  Reverser(const Task& task, const Orders& orders, Key key);
  void fields(nn::Fields& visit) override { visit("encoder", encoder)("output", output); }
};

/// Trains the model on reversal().
void train(const Reverser& model, const data::EncodedPairs& pairs, const Recipe& recipe, Key key);

/// How well it does.
struct Quality {
  double right;       ///< tokens, end marks included, in percent
  double on_padding;  ///< attention of real rows, in percent
};
/// In batches of this size.
Quality quality(const Reverser& model, const data::EncodedPairs& pairs, Index batch_size);

}  // namespace adjoint::experiments

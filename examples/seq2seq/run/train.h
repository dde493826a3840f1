// Training a model into its folder.
#pragma once

#include <filesystem>

#include "examples/seq2seq/run/dataset.h"
#include "examples/seq2seq/run/destination.h"

namespace adjoint::seq2seq {

/// Trains the model from its beginning, or from the state of the stopped run that `destination`
/// found. Prints a line for each epoch and logs one for each step to `log`, unless that is empty.
/// The state of the run is saved along the way. In the end the model has the weights that are kept.
/// Returns whether the run is complete. Ctrl-C ends it after the current batch; the partial folder
/// then holds a model of what has been learned, and the run can be resumed.
bool train(Model& model, const Dataset& dataset, Destination& destination,
           const std::filesystem::path& log);

}  // namespace adjoint::seq2seq

// Training a model into its folder.
#pragma once

#include <filesystem>

#include "examples/seq2seq/run/destination.h"
#include "examples/seq2seq/run/parts.h"

namespace adjoint::seq2seq {

/// Trains the model, from its beginning or from where the stopped run that `destination` found had
/// come to, printing a line for each epoch and writing one for each step to `log`, unless that is
/// empty. What a run needs to go on is saved on the way. At the end the model has the weights that
/// were kept.
/// Returns whether all was done: after Ctrl-C it ends with the batch at hand and leaves what has
/// been learnt in the partial folder, to be gone on with or to be used.
bool train(Model& model, const Parts& parts, Destination& destination,
           const std::filesystem::path& log);

}  // namespace adjoint::seq2seq

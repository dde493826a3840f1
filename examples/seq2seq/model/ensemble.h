// Several trained models that answer as one.
#pragma once

#include "examples/seq2seq/model/model.h"

namespace adjoint::seq2seq {

/// The models as one that predicts the mean of their probabilities (nn/models/ensemble.h); a single
/// model stays as it is. It has the settings of the first, reads and writes what the model with the
/// lowest --max-tokens can, and its folder is that of the first. `names` say in errors which
/// model it is. Error, with the first difference, unless the tokenizers and vocabularies are equal
/// and either all models copy or none.
Model ensemble(std::vector<Model> models, const std::vector<std::string>& names);

}  // namespace adjoint::seq2seq

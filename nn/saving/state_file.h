// From a State to the content of a file and back.
#pragma once

#include "nn/saving/safetensors.h"
#include "nn/saving/training_state.h"

namespace adjoint::nn {

/// The tensors that `visit` visits, and everything else as metadata.
SafeTensors collect(const VisitState& visit);

/// Copies the content of a file into what `visit` visits, all or nothing: if they differ, in
/// entries, shapes, dtypes or fixed values, one Error lists the differences after `complaint`.
/// `owner` is what it calls the other side: "this run".
void restore(const VisitState& visit, const SafeTensors& file, const std::string& owner,
             const std::string& complaint);

}  // namespace adjoint::nn

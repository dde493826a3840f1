// Beginning with the weights of another model, as far as they fit.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/module.h"
#include "nn/saving/safetensors.h"

namespace adjoint::nn {

/// For each row of a weight (an index of its first axis), the row of the other model's weight that
/// it takes, or `none`. For embeddings and outputs whose vocabulary has changed.
using RowSources = std::vector<Index>;

/// What take_parameters() has found.
struct TakenParameters {
  /// A weight of the module, and how much of it was taken.
  struct Weight {
    std::string name;
    Index rows = 1, taken_rows = 0;  ///< a weight without axes, or taken whole, counts as one row
    bool missing = false;            ///< the other model has none of this name
    std::string reason;              ///< why it was not taken whole; empty if it was

    bool whole() const { return taken_rows == rows; }
  };
  std::vector<Weight> weights;    ///< of the module, in the order of its fields; tied ones once
  std::vector<std::string> left;  ///< weights of the other model for which the module has no place

  /// How many weights were taken whole.
  Index whole() const;
  /// Whether nothing at all was taken.
  bool empty() const;
};

/// Copies into the module, in place, every weight that the other model has under the same name,
/// with the same shape and dtype. Weights named in `rows` are taken row by row: their other axes
/// must agree. What does not fit stays as it is and is reported with the reason. Error when a list
/// of rows has another length than its weight, or names a row that the other model lacks.
TakenParameters take_parameters(Module& module, const Module& other,
                                const std::map<std::string, RowSources>& rows = {});

/// The same with the weights of a file. Errors as for SafeTensorsFile, too; then nothing is taken.
TakenParameters take_parameters(Module& module, const std::filesystem::path& file,
                                const std::map<std::string, RowSources>& rows = {});

}  // namespace adjoint::nn

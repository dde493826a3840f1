// Mistakes planted deep inside of a Transformer: in the vjp of one operation at one place of the
// model. The gradient check of the whole has to name that operation and that place.
#pragma once

#include <string>
#include <vector>

#include "tests/autograd/gradcheck/mutations.h"

namespace adjoint::testing {

struct PlantedCulprit {
  std::string operation;
  std::string scope;  ///< "encoder.blocks.1.attention.query"
  Diagnosis::Kind kind;

  std::string name() const;
  /// Checks the Transformer with the mistake planted.
  GradcheckReport check() const;
  /// Whether the report names the operation and its place.
  bool named_by(const GradcheckReport& report) const;
  /// Whether it says what kind of mistake it is, for every gradient of that operation.
  bool diagnosed_by(const GradcheckReport& report) const;
};

/// One in every operation at every place of a model of two encoder and two decoder blocks.
std::vector<PlantedCulprit> planted_culprits();

}  // namespace adjoint::testing

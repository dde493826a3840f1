// Mistakes planted deep inside a Transformer: in the vjp of one operation in one scope of the
// model. The gradient check of the whole model must name that operation and that scope.
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
  /// Whether the report names the operation and its scope.
  bool named_by(const GradcheckReport& report) const;
  /// Whether it names the kind of mistake, for every gradient of that operation.
  bool diagnosed_by(const GradcheckReport& report) const;
};

/// One for every operation in every scope of a model of two encoder and two decoder blocks.
std::vector<PlantedCulprit> planted_culprits();

}  // namespace adjoint::testing

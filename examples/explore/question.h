// The body of a request.
#pragma once

#include <string_view>

#include "examples/explore/tape.h"

namespace adjoint::explore {

/// Reads {"expression": "x*y", "inputs": ["x=2", "y=3"]} or {"example": "transformer", "changes":
/// [{"leaf": "decoder.output.weight", "element": 0, "value": 0.5}]}. Error, in one line, if it is
/// anything else.
Question read_question(std::string_view body);

}  // namespace adjoint::explore

// What the page of an expression shows beside its tape, since the expression can be run again.
#pragma once

#include <string>

#include "autograd/tools/explorer.h"
#include "examples/explain/evaluator.h"

namespace adjoint::expression {

/// What-ifs with the words of the checks that find them, and the numeric derivatives. `evaluation`
/// is the program's under `options`, recorded with all values, its result tracked; `story` is that
/// of the result. Checks are left out where they would take long.
ExplorerOptions page_data(const Program& program, const EvaluationOptions& options,
                          const Evaluation& evaluation, const TapeStory& story,
                          const std::string& title);

}  // namespace adjoint::expression

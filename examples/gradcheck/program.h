// Gradient checks of a program in any language, which is asked for its values and derivatives.
#pragma once

#include <string>

#include "autograd/gradcheck.h"
#include "examples/gradcheck/protocol.h"

namespace adjoint::program {

struct ProgramOptions {
  std::string command;  ///< what the shell runs: "python3 mine.py"
  std::string inputs;   ///< shapes or values, see inputs.h; empty if the program describes all
  double seconds = 10;  ///< how long each answer may take, the first one included
  GradcheckOptions check = {};  ///< names and domains come from the program; order must be 1
};

/// Starts the program, asks it as README.md describes, and checks its vjp. The program is killed in
/// the end, with everything that it has started.
///
/// Error if the program cannot be started, does not say what its inputs are, or the inputs do not
/// fit. Where it later crashes, takes too long, or answers something else, there is a finding with
/// the program's own words, and what was measured before is kept.
GradcheckReport check_program(const ProgramOptions& options);
/// The same with whoever answers; `options.command` is only a name in errors.
GradcheckReport check_program(Peer& peer, const ProgramOptions& options);

}  // namespace adjoint::program

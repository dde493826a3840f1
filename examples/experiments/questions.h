// The questions, one source each, in the order of README.md.
#pragma once

#include "examples/experiments/frame/experiment.h"

namespace adjoint::experiments {

Experiment positions();         // fixed, learned, convolutional, or none?
Experiment joining();           // add or append?
Experiment learned_or_fixed();  // how large is the difference?
Experiment orthogonality();     // is a high dimension nearly orthogonal?
Experiment precision();         // how precise must a position be?
Experiment head_order();        // heads and valid lengths: repeat or tile?
Experiment heads_major();       // the other remedy
Experiment span();              // "tested with the SQuAD problem"
Experiment placement();         // before or after the encoder?
Experiment scaling();           // why times √d?
Experiment softmax_scale();     // why 1/√d in the attention?
Experiment traps();             // the book's own traps

}  // namespace adjoint::experiments

// Weights and runs in files.
#pragma once

#include "nn/saving/checkpoint.h"      // weights as safetensors
#include "nn/saving/training_state.h"  // all that a run needs to go on

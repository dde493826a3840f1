// Models and training runs in files.
#pragma once

#include "nn/saving/checkpoint.h"      // a model's parameters
#include "nn/saving/safetensors.h"     // the format of the files
#include "nn/saving/training_state.h"  // what a run needs to be resumed

// Models and training runs in files.
#pragma once

#include "nn/saving/checkpoint.h"       // a model's parameters; what a run needs to be resumed
#include "nn/saving/partial_loading.h"  // weights of another model, as far as they fit
#include "nn/saving/safetensors.h"      // the format of the files

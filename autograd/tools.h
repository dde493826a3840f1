// Tools that show what the engine does.
#pragma once

#include "autograd/tools/anomaly.h"        // where a NaN comes from
#include "autograd/tools/inspect.h"        // the tape as text and as a drawing
#include "autograd/tools/profile.h"        // where the time goes
#include "autograd/tools/recomputation.h"  // memory for time
#include "autograd/tools/statistics.h"     // summary statistics of a tensor

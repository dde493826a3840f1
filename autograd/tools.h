// Tools that show what the engine does.
#pragma once

#include "autograd/tools/anomaly.h"        // where a NaN comes from
#include "autograd/tools/broadcast.h"      // unintended broadcasting
#include "autograd/tools/explain.h"        // the tape and its sweep in words and numbers
#include "autograd/tools/explorer.h"       // the same as a page that steps through it
#include "autograd/tools/inspect.h"        // statistics of a tensor; the tape as text or drawing
#include "autograd/tools/profile.h"        // where the time goes
#include "autograd/tools/recomputation.h"  // memory for time
#include "autograd/tools/tape_json.h"      // the tape and its sweep as JSON
#include "autograd/tools/tape_story.h"     // the same as data

// The task that needs a copy: sentences with names that no vocabulary can hold.
#pragma once

#include "data/pairs/tasks.h"

namespace adjoint::data {

/// A sentence and its translation from a small language, close to English, into another, close to
/// French:
///
///   xod is seen by kwib                →  kwib voit xod
///   xod gives kwib a red book          →  xod donne à kwib un livre rouge
///   the red book of xod is in the park →  le livre rouge de xod est dans le parc
///
/// Words must be translated, and their order may change. Names are random strings of letters and
/// stay as they are; most of them occur once in all sentences, so they must be copied.
Pair draw_names(const TaskOptions& options, Key key);

/// The number of different sources.
double count_names(const TaskOptions& options);

}  // namespace adjoint::data

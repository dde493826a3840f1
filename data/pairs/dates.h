// The task of reading dates: the many ways in which people write one, and the way of ISO 8601.
#pragma once

#include "data/pairs/tasks.h"

namespace adjoint::data {

/// A day between 1950 and 2049, as a person might write it, and as ISO 8601 does. Each character is
/// a token:
///
///   the 3rd of May 1998  →  1998-05-03
///   Sunday, May 3, 1998  →  1998-05-03
///   3/5/98               →  1998-05-03
///
/// Numbers with slashes or dots have the day first. Years of two digits from 50 on belong to the
/// twentieth century. No text means two days.
Pair draw_dates(const TaskOptions& options, Key key);

/// The number of different sources: the days of a hundred years, each in every form.
double count_dates(const TaskOptions& options);

}  // namespace adjoint::data

// Intervals for figures that were computed from a sample of sentences.
#pragma once

#include <functional>
#include <span>

#include "autograd/random.h"

namespace adjoint::seq2seq {

/// A figure, and where it lies with 95% confidence.
struct Interval {
  double value = 0, low = 0, high = 0;
};

/// The percentile bootstrap (Efron and Tibshirani 1993, section 13.3; Koehn 2004 for translation):
/// draws as many of the `count` items as there are, with replacement, a thousand times, and takes
/// the 2.5th and 97.5th percentile of the statistic. The statistic gets how often each item was
/// drawn; a draw for which it is NaN does not count. The same key gives the same interval.
Interval bootstrap(std::size_t count,
                   const std::function<double(std::span<const int> times)>& statistic, Key key);

}  // namespace adjoint::seq2seq

// A linear probe: how much of what went into a vector a linear map can read off it.
#pragma once

#include "autograd/tensor.h"

namespace adjoint::experiments {

/// The percentage of rows [rows, features] whose class (i64 [rows], from 0) a linear classifier
/// names that was fitted without them: for each fold (i64 [rows], from 0; at least two), to the
/// rows of the other folds. (Alain and Bengio, "Understanding intermediate layers using linear
/// classifier probes", 2016.)
///
/// The classifier is W x + b, fitted to the one-hot classes by least squares; its largest output
/// names the class. Cross-entropy would not do for rows made of two parts, such as token and
/// position, in which whole pairs are held out: a pair that is not there teaches it that this token
/// is not in that place, and it rules out what is right.
double linear_probe(const Tensor& rows, const Tensor& classes, const Tensor& folds);

}  // namespace adjoint::experiments

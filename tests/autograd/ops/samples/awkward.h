// The awkward cases that an operation has to get right, as found in its samples.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/autograd/ops/samples.h"

namespace adjoint::testing {

enum class Awkward {
  no_elements,      ///< an axis of size 0
  size_1,           ///< an axis of size 1
  left_broadcast,   ///< the first of two inputs is repeated
  right_broadcast,  ///< the second is
  repeated,         ///< one tensor is two inputs
  large_inputs,     ///< all of them
  tiny_inputs,      ///< all of them
};
std::string name_of(Awkward which);

/// What is awkward about a sample, as its inputs and its tape tell.
std::set<Awkward> awkwardness(const Sample& sample);
/// What the samples of an operation have to show, all together; nothing of those without a
/// derivative.
std::set<Awkward> required(const std::string& operation);

/// An awkward case that an operation need not show.
struct Excuse {
  std::string operation;
  Awkward which;
  std::string reason;
};
const std::vector<Excuse>& excuses();
bool excused(const std::string& operation, Awkward which);

/// Operations whose inputs broadcast against each other.
bool broadcasts(const std::string& operation);

}  // namespace adjoint::testing

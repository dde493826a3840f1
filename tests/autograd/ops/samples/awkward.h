// The awkward cases that an operation must get right, found by looking at its samples.
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

/// What is awkward about a sample, judged by its inputs and its tape.
std::set<Awkward> awkwardness(const Sample& sample);
/// The cases that the samples of an operation must cover together; none if it has no derivative.
std::set<Awkward> required(const std::string& operation);

/// An awkward case that an operation need not cover.
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

// The families of operations, each with its samples in its own file, and what those files share.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/autograd/ops/samples.h"
#include "tests/autograd/support.h"

namespace adjoint::testing::families {

using enum Domain;
using enum Transposed;
using List = std::vector<Sample>;
using Pattern = AttentionPattern;

void arithmetic(List& list);
void unary(List& list);
void reduction(List& list);
void movement(List& list);
void indexing(List& list);
void products(List& list);
void probabilities(List& list);
void layers(List& list);
void attending(List& list);

std::vector<ErrorSample> errors();

inline std::shared_ptr<const Pattern> shared(Pattern pattern) {
  return std::make_shared<const Pattern>(std::move(pattern));
}

}  // namespace adjoint::testing::families

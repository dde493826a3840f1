#include <algorithm>

#include "tests/autograd/ops/samples.h"
#include "tests/checks/selfcheck/rows.h"

namespace adjoint::checks {

using testing::Sample;

Section operations() {
  constexpr Key key{20240229};
  Section section{"operation", {}};
  for (const Sample& sample : testing::samples()) {
    auto row = std::ranges::find(section.rows, sample.operation, &Row::name);
    if (row == section.rows.end()) row = section.rows.insert(row, Row{sample.operation, {}});
    if (!sample.smooth) continue;
    row->checks.push_back({sample.label, [&sample](const GradcheckOptions& options) {
                             const auto f = [&](const Tensors& xs) {
                               return Tensors{sample.f(xs)};
                             };
                             return gradcheck(f, sample.make(key), options);
                           }});
  }
  return section;
}

}  // namespace adjoint::checks

#include "autograd/gradcheck/recorded_run.h"

#include "autograd/grad.h"
#include "autograd/ops.h"

namespace adjoint::checking {

RecordedRun::RecordedRun(const Function& f, const Tensors& values,
                         const std::vector<char>& tracked) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    Tensor& x = xs.emplace_back(copy(values[i]));
    if (!is_real(x.dtype()) || (!tracked.empty() && !tracked[i])) continue;
    x = variable(x, values[i].name());
    real_xs.push_back(x);
  }
  ys = f(xs);
  for (std::size_t j = 0; j < ys.size(); ++j) {
    require(ys[j].defined(), "gradcheck: output ", j, " of the function is empty");
    if (!is_real(ys[j].dtype())) continue;
    real_ys.push_back(ys[j]);
    positions.push_back(j);
  }
}

std::vector<Vector> RecordedRun::gradients(const Tensors& cotangents, bool create_graph) const {
  Tensors own;
  for (std::size_t j = 0; j < real_ys.size(); ++j) {
    require(j < cotangents.size() &&
                (!cotangents[j].defined() || cotangents[j].shape() == real_ys[j].shape()),
            "gradcheck: the shapes of the outputs depend on the types or values of the inputs");
    own.push_back(cotangents[j].defined() ? cast(cotangents[j], real_ys[j].dtype()) : Tensor());
  }
  std::vector<Vector> result;
  const GradOptions options{.create_graph = create_graph, .zeros_if_independent = true};
  for (const Tensor& gradient : grad(real_ys, real_xs, own, options))
    result.push_back(flatten({gradient}));
  return result;
}

Tensors RecordedRun::random_cotangents(Key key) const {
  Tensors result;
  for (const Tensor& y : real_ys)
    result.push_back(cast(normal(y.shape(), 0, 1, key.child(result.size())), DType::f64));
  return result;
}

}  // namespace adjoint::checking

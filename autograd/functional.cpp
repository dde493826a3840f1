#include "autograd/functional.h"

#include "autograd/grad.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// ---- Evaluating --------------------------------------------------------------------------------

// A new node with the value of x. It tells what f computes from x apart from what was computed from
// x elsewhere, and from another input that is the same tensor. The link back to x lets a caller
// differentiate the results.
Tensor own_input(const Tensor& x, bool linked) {
  if (!is_real(x.dtype())) return x;
  return linked && x.tracked() ? x * scalar(1, x.dtype()) : variable(x, x.name());
}

// f, recorded at its own inputs.
struct Recording {
  Tensors xs, ys;

  Recording(const char* name, const Function& f, const Tensors& inputs,
            const FunctionalOptions& options) {
    const FlagGuard record(&Ambient::recording, true);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      require(inputs[i].defined(), name, ": x ", i, " is empty: no value was assigned to it");
      xs.push_back(own_input(inputs[i], options.create_graph));
    }
    ys = f(xs);
    for (std::size_t i = 0; i < ys.size(); ++i)
      require(ys[i].defined(), name, ": output ", i, " of the function is empty");
  }

  Tensors values(const FunctionalOptions& options) const {
    if (options.create_graph) return ys;
    Tensors result;
    for (const Tensor& y : ys) result.push_back(detach(y));
    return result;
  }
};

// ---- Differentiating ---------------------------------------------------------------------------

bool has_derivative(const Tensor& x) { return x.defined() && is_real(x.dtype()); }

// Σᵢ ȳᵢᵀ ∂yᵢ/∂x for each x; empty for those without a derivative.
Tensors pull_back(const Tensors& ys, const Tensors& xs, const Tensors& cotangents,
                  bool create_graph) {
  Tensors real;
  for (const Tensor& x : xs)
    if (has_derivative(x)) real.push_back(x);
  Tensors found =
      grad(ys, real, cotangents, {.create_graph = create_graph, .zeros_if_independent = true});
  Tensors result;
  auto next = found.begin();
  for (const Tensor& x : xs) result.push_back(has_derivative(x) ? std::move(*next++) : Tensor());
  return result;
}

// Error unless each vector has the form of its tensor, or is empty.
void require_forms(const char* name, const char* what, const Tensors& vectors, const char* of,
                   const Tensors& tensors) {
  require(vectors.size() == tensors.size(), name, ": ", vectors.size(), ' ', what, "s for ",
          tensors.size(), ' ', of, 's');
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    if (!vectors[i].defined()) continue;
    require(is_real(tensors[i].dtype()), name, ": ", of, ' ', i, " is ", tensors[i].dtype(),
            " and has no derivative; its ", what, " must be empty");
    require(vectors[i].form() == tensors[i].form(), name, ": ", what, ' ', i, " is ",
            vectors[i].dtype(), ' ', vectors[i].shape(), ", ", of, ' ', i, " is ",
            tensors[i].dtype(), ' ', tensors[i].shape());
  }
}

// The gradient of a function with one number as its result, recorded.
Tensors recorded_gradient(const char* name, const Recording& f) {
  require(f.ys.size() == 1, name, ": the function must have one output, it has ", f.ys.size());
  const Tensor& y = f.ys[0];
  require(y.numel() == 1 && is_real(y.dtype()), name,
          ": the function must return one real number, it returns ", y.dtype(), ' ', y.shape(),
          "; reduce it with sum() or mean()");
  return pull_back(f.ys, f.xs, {ones(y.shape(), y.dtype())}, true);
}

// ---- Jacobians, a row at a time ----------------------------------------------------------------

// 1 at one element, 0 at all others.
Tensor unit(const Form& form, Index element) {
  Tensor result = zeros(form.shape, form.dtype);
  dispatch(form.dtype, [&]<class T>() { result.edit<T>()[at(element)] = T{1}; });
  return result;
}

// ∂y/∂x for each x.
Tensors blocks(const char* name, const Tensor& y, const Tensors& xs, bool create_graph) {
  if (!has_derivative(y)) return Tensors(xs.size());
  std::vector<Tensors> rows(xs.size());  // rows[j][e] = ∂yₑ/∂xⱼ
  for (Index element = 0; element < y.numel(); ++element) {
    const Tensors row = pull_back({y}, xs, {unit(y.form(), element)}, create_graph);
    for (std::size_t j = 0; j < xs.size(); ++j) rows[j].push_back(row[j]);
  }
  const FlagGuard record(&Ambient::recording, create_graph);
  Tensors result;
  for (std::size_t j = 0; j < xs.size(); ++j) {
    const Tensor& x = xs[j];
    if (!has_derivative(x)) {
      result.emplace_back();
      continue;
    }
    require(y.rank() + x.rank() <= Shape::max_rank, name, ": the block of shapes ", y.shape(),
            " and ", x.shape(), " would have ", y.rank() + x.rank(), " axes, at most ",
            Shape::max_rank, " are possible; reshape one of them");
    const Shape shape = y.shape().joined(x.shape());
    result.push_back(rows[j].empty() ? zeros(shape, x.dtype()) : reshape(stack(rows[j]), shape));
  }
  return result;
}

Blocks blocks(const char* name, const Tensors& ys, const Tensors& xs, bool create_graph) {
  Blocks result;
  for (const Tensor& y : ys) result.push_back(blocks(name, y, xs, create_graph));
  return result;
}

// ---- Functions of one tensor -------------------------------------------------------------------

Function as_function(const TensorFunction& f) {
  return [f](const Tensors& x) { return Tensors{f(x[0])}; };
}

}  // namespace

Vjp<Tensors> vjp(const Function& f, const Tensors& xs, const FunctionalOptions& options) {
  const Recording recorded("vjp", f, xs, options);
  return {recorded.values(options), [recorded, options](const Tensors& cotangents) {
            require_forms("vjp", "cotangent", cotangents, "output", recorded.ys);
            return pull_back(recorded.ys, recorded.xs, cotangents, options.create_graph);
          }};
}

Jvp<Tensors> jvp(const Function& f, const Tensors& xs, const Tensors& tangents,
                 const FunctionalOptions& options) {
  const Recording recorded("jvp", f, xs, options);
  require_forms("jvp", "tangent", tangents, "x", recorded.xs);
  // g(w) = Jᵀ w, and J u = (∂g/∂w)ᵀ u.
  Tensors ws;
  for (const Tensor& y : recorded.ys)
    ws.push_back(has_derivative(y) ? variable(zeros(y.shape(), y.dtype())) : Tensor());
  const Tensors g = pull_back(recorded.ys, recorded.xs, ws, true);
  return {recorded.values(options), pull_back(g, ws, tangents, options.create_graph)};
}

Tensors hvp(const Function& f, const Tensors& xs, const Tensors& vs,
            const FunctionalOptions& options) {
  const Recording recorded("hvp", f, xs, options);
  require_forms("hvp", "v", vs, "x", recorded.xs);
  return pull_back(recorded_gradient("hvp", recorded), recorded.xs, vs, options.create_graph);
}

Blocks jacobian(const Function& f, const Tensors& xs, const FunctionalOptions& options) {
  const Recording recorded("jacobian", f, xs, options);
  return blocks("jacobian", recorded.ys, recorded.xs, options.create_graph);
}

Blocks hessian(const Function& f, const Tensors& xs, const FunctionalOptions& options) {
  const Recording recorded("hessian", f, xs, options);
  return blocks("hessian", recorded_gradient("hessian", recorded), recorded.xs,
                options.create_graph);
}

Vjp<Tensor> vjp(const TensorFunction& f, const Tensor& x, const FunctionalOptions& options) {
  Vjp<Tensors> result = vjp(as_function(f), Tensors{x}, options);
  return {result.value[0], [pullback = std::move(result.pullback)](const Tensor& cotangent) {
            return pullback({cotangent})[0];
          }};
}

Jvp<Tensor> jvp(const TensorFunction& f, const Tensor& x, const Tensor& tangent,
                const FunctionalOptions& options) {
  const Jvp<Tensors> result = jvp(as_function(f), Tensors{x}, Tensors{tangent}, options);
  return {result.value[0], result.tangent[0]};
}

Tensor hvp(const TensorFunction& f, const Tensor& x, const Tensor& v,
           const FunctionalOptions& options) {
  return hvp(as_function(f), Tensors{x}, Tensors{v}, options)[0];
}

Tensor jacobian(const TensorFunction& f, const Tensor& x, const FunctionalOptions& options) {
  return jacobian(as_function(f), Tensors{x}, options)[0][0];
}

Tensor hessian(const TensorFunction& f, const Tensor& x, const FunctionalOptions& options) {
  return hessian(as_function(f), Tensors{x}, options)[0][0];
}

}  // namespace adjoint

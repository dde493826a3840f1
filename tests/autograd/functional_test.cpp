#include "autograd/functional.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "tests/autograd/ops/samples.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr FunctionalOptions graph = {.create_graph = true};

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// ---- Plain linear algebra to compare with -------------------------------------------------------

// Σ a ⊙ b over all elements of all tensors; empty ones count for nothing.
double inner(const Tensors& a, const Tensors& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i].defined() || !b[i].defined()) continue;
    const std::vector<double> x = numbers(a[i]), y = numbers(b[i]);
    for (std::size_t k = 0; k < x.size(); ++k) total += x[k] * y[k];
  }
  return total;
}

// Σⱼ J[i][j] uⱼ for each output i, with shapes as jacobian() promises them.
std::vector<std::vector<double>> apply_blocks(const Blocks& blocks, const Tensors& us) {
  std::vector<std::vector<double>> result;
  for (const Tensors& row : blocks) {
    std::vector<double> sum;
    for (std::size_t j = 0; j < row.size(); ++j) {
      if (!row[j].defined()) continue;
      const std::vector<double> block = numbers(row[j]), u = numbers(us[j]);
      sum.resize(u.empty() ? sum.size() : block.size() / u.size());
      for (std::size_t k = 0; k < block.size(); ++k)
        sum[k / u.size()] += block[k] * u[k % u.size()];
    }
    result.push_back(std::move(sum));
  }
  return result;
}

double apart(const std::vector<double>& actual, const std::vector<double>& expected) {
  double largest = 1, difference = 0;
  for (std::size_t k = 0; k < expected.size(); ++k) {
    largest = std::max(largest, std::abs(expected[k]));
    difference = std::max(difference, std::abs(actual.at(k) - expected[k]));
  }
  return difference / largest;
}

// Random tensors like these; empty where there is no derivative.
Tensors directions(Dice& dice, const Tensors& like) {
  Tensors result;
  for (const Tensor& x : like)
    result.push_back(is_real(x.dtype()) ? cast(dice.tensor(x.shape()), x.dtype()) : Tensor());
  return result;
}

// xs + step · us
Tensors moved(const Tensors& xs, const Tensors& us, double step) {
  Tensors result = xs;
  for (std::size_t i = 0; i < xs.size(); ++i)
    if (us[i].defined()) result[i] = detach(xs[i]) + step * us[i];
  return result;
}

// ---- Functions ----------------------------------------------------------------------------------

struct Case {
  std::string name;
  Tensors xs;
  Function f;
};

// Of random shapes, some fused, some with several outputs, some with integers.
std::vector<Case> cases(Key key) {
  Dice dice(key);
  const Shape shape = dice.shape(dice.between(1, 3));
  const Index rows = dice.between(1, 3), width = 2 * dice.between(1, 2), keys = dice.between(1, 3);
  const Tensor x = dice.tensor(shape), table = dice.tensor({4, width});
  const Tensor a = dice.tensor({rows, width}), b = dice.tensor({width, 3});
  const auto pattern =
      std::make_shared<const AttentionPattern>(AttentionPattern::whole(1, rows, keys));
  const Key dropped = dice.key();
  return {
      {"softmax", {x}, [](const Tensors& v) { return Tensors{softmax(v[0])}; }},
      {"layer_norm",
       {a, dice.tensor({width}), dice.tensor({width})},
       [](const Tensors& v) { return Tensors{layer_norm(v[0], v[1], v[2])}; }},
      {"attention",
       {dice.tensor({1, rows, width}), dice.tensor({1, keys, width}),
        dice.tensor({1, keys, width})},
       [pattern, dropped](const Tensors& v) {
         const AttentionOptions options = {.heads = 2, .dropout = 0.3, .key = dropped};
         return Tensors{attention(v[0], v[1], v[2], pattern, options)};
       }},
      {"two outputs",
       {a, b},
       [](const Tensors& v) {
         const Tensor product = matmul(v[0], v[1]);
         return Tensors{tanh(product), sum(v[0] * v[0], {0}), logsumexp(product)};
       }},
      {"integers",
       {dice.integers({2, 2}, 0, 4), table},
       [](const Tensors& v) {
         const Tensor rows_of = embedding(v[0], v[1]);
         return Tensors{exp(rows_of), argmax(rows_of),
                        cross_entropy(rows_of, zeros({2, 2}, DType::i64))};
       }},
      {"an input that does not matter",
       {a, dice.tensor(shape)},
       [](const Tensors& v) {
         return Tensors{sin(v[0]), scalar(2, DType::f64)};
       }},
  };
}

// A number made of all outputs, with derivatives of every order.
Function to_number(const Function& f, Key key) {
  return [f, key](const Tensors& xs) {
    Tensor total = scalar(0, DType::f64);
    std::uint64_t number = 0;
    for (const Tensor& y : f(xs)) {
      if (!is_real(y.dtype())) continue;
      const Tensor weights = normal(y.shape(), 0, 1, key.child(number++), y.dtype());
      total = cast(total, y.dtype()) + sum(weights * sin(y) + y * y);
    }
    return Tensors{total};
  };
}

void for_each_case(const std::function<void(const Case&, Dice&)>& test) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Dice dice(Key(100 + seed));
    for (const Case& one : cases(Key(seed)))
      BOOST_TEST_CONTEXT(one.name << ", seed " << seed) test(one, dice);
  }
}

BOOST_AUTO_TEST_SUITE(functional)

// ---- Against each other -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(jvp_and_vjp_are_transposes_of_each_other) {
  for_each_case([](const Case& one, Dice& dice) {
    const Vjp<Tensors> back = vjp(one.f, one.xs);
    const Tensors u = directions(dice, one.xs), v = directions(dice, back.value);
    const Jvp<Tensors> forth = jvp(one.f, one.xs, u);
    const double expected = inner(back.pullback(v), u);
    BOOST_TEST(std::abs(inner(v, forth.tangent) - expected) < 1e-12 * (1 + std::abs(expected)));
  });
}

BOOST_AUTO_TEST_CASE(both_are_products_with_the_jacobian) {
  for_each_case([](const Case& one, Dice& dice) {
    const Tensors u = directions(dice, one.xs);
    const Jvp<Tensors> forth = jvp(one.f, one.xs, u);
    const Blocks blocks = jacobian(one.f, one.xs);
    const auto expected = apply_blocks(blocks, u);
    BOOST_REQUIRE(blocks.size() == forth.value.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (!is_real(forth.value[i].dtype())) {
        BOOST_TEST(!forth.tangent[i].defined());
        continue;
      }
      BOOST_TEST(apart(numbers(forth.tangent[i]), expected[i]) < 1e-12);
    }
    // Row e of the block of y is what the cotangent 1 at e pulls back.
    const Vjp<Tensors> back = vjp(one.f, one.xs);
    const Tensors v = directions(dice, back.value), gradients = back.pullback(v);
    for (std::size_t j = 0; j < one.xs.size(); ++j) {
      if (!is_real(one.xs[j].dtype())) continue;
      std::vector<double> sum(at(one.xs[j].numel()));
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (!v[i].defined()) continue;
        const std::vector<double> block = numbers(blocks[i][j]), weights = numbers(v[i]);
        for (std::size_t k = 0; k < block.size(); ++k)
          sum[k % sum.size()] += weights[k / sum.size()] * block[k];
      }
      BOOST_TEST(apart(numbers(gradients[j]), sum) < 1e-12);
    }
  });
}

BOOST_AUTO_TEST_CASE(hessians_are_symmetric_and_hvp_multiplies_by_them) {
  for_each_case([](const Case& one, Dice& dice) {
    const Function f = to_number(one.f, dice.key());
    const Blocks blocks = hessian(f, one.xs);
    for (std::size_t i = 0; i < one.xs.size(); ++i)
      for (std::size_t j = 0; j < one.xs.size(); ++j) {
        const bool real = is_real(one.xs[i].dtype()) && is_real(one.xs[j].dtype());
        BOOST_REQUIRE(blocks[i][j].defined() == real);
        if (!real) continue;
        BOOST_REQUIRE(blocks[i][j].shape() == one.xs[i].shape().joined(one.xs[j].shape()));
        const Index m = one.xs[i].numel(), n = one.xs[j].numel();
        const Tensor mirrored = transpose(reshape(blocks[j][i], Shape{n, m}));
        BOOST_TEST(apart(numbers(blocks[i][j]), numbers(mirrored)) < 1e-12);
      }
    const Tensors v = directions(dice, one.xs), products = hvp(f, one.xs, v);
    const auto expected = apply_blocks(blocks, v);
    for (std::size_t i = 0; i < one.xs.size(); ++i) {
      BOOST_REQUIRE(products[i].defined() == is_real(one.xs[i].dtype()));
      if (products[i].defined()) BOOST_TEST(apart(numbers(products[i]), expected[i]) < 1e-12);
    }
  });
}

BOOST_AUTO_TEST_CASE(every_operation_has_a_jvp) {
  for (const Sample& sample : samples()) BOOST_TEST_CONTEXT(sample.name()) {
      Dice dice(Key(7));
      const Tensors xs = sample.make(dice.key());
      const Function f = [&](const Tensors& x) { return Tensors{sample.f(x)}; };
      const Vjp<Tensors> back = vjp(f, xs);
      const Tensors u = directions(dice, xs), v = directions(dice, back.value);
      const Tensors forth = jvp(f, xs, u).tangent, gradients = back.pullback(v);
      double size = 0;  // of the terms that are added up
      for (std::size_t i = 0; i < xs.size(); ++i)
        for (std::size_t k = 0; k < at(xs[i].numel()); ++k)
          size += std::abs(numbers(gradients[i])[k] * numbers(u[i])[k]);
      const double exactness = sample.smooth ? 1e-11 : 1e-6;  // others round to f32
      BOOST_TEST(std::abs(inner(v, forth) - inner(gradients, u)) < exactness * size + 1e-14);
    }
}

// ---- Against finite differences and formulas ----------------------------------------------------

BOOST_AUTO_TEST_CASE(a_jvp_is_the_slope_along_the_tangent) {
  for_each_case([](const Case& one, Dice& dice) {
    const Tensors u = directions(dice, one.xs);
    const Jvp<Tensors> forth = jvp(one.f, one.xs, u);
    constexpr double step = 1e-5;
    const Tensors up = one.f(moved(one.xs, u, step)), down = one.f(moved(one.xs, u, -step));
    for (std::size_t i = 0; i < up.size(); ++i) {
      if (!is_real(up[i].dtype())) continue;
      BOOST_TEST(distance(forth.value[i], one.f(one.xs)[i]) == 0);
      BOOST_TEST(distance(forth.tangent[i], (up[i] - down[i]) / (2 * step)) < 1e-7);
    }
  });
}

BOOST_AUTO_TEST_CASE(an_hvp_is_how_the_gradient_changes_along_the_vector) {
  for_each_case([](const Case& one, Dice& dice) {
    const Function f = to_number(one.f, dice.key());
    const auto gradient = [&](const Tensors& xs) {
      return vjp(f, xs).pullback({scalar(1, DType::f64)});
    };
    const Tensors v = directions(dice, one.xs), products = hvp(f, one.xs, v);
    constexpr double step = 1e-5;
    const Tensors up = gradient(moved(one.xs, v, step)), down = gradient(moved(one.xs, v, -step));
    for (std::size_t i = 0; i < up.size(); ++i)
      if (up[i].defined()) BOOST_TEST(distance(products[i], (up[i] - down[i]) / (2 * step)) < 1e-6);
  });
}

BOOST_AUTO_TEST_CASE(known_jacobians) {
  Dice dice(Key(3));
  const Tensor x = dice.tensor({4}), a = dice.tensor({2, 3}), b = dice.tensor({3, 2});
  // of softmax: diag(y) − y yᵀ
  const Tensor y = softmax(x);
  const Tensor expected = eye(4, DType::f64) * y - reshape(y, {4, 1}) * y;
  BOOST_TEST(distance(jacobian([](const Tensor& v) { return softmax(v); }, x), expected) < 1e-14);
  // of A B by A: ∂(AB)ᵢⱼ/∂Aₖₗ = δᵢₖ Bₗⱼ
  const Blocks blocks =
      jacobian([](const Tensors& v) { return Tensors{matmul(v[0], v[1])}; }, {a, b});
  const Grid right(b);
  BOOST_TEST(distance(blocks[0][0], grid_of({2, 2, 2, 3}, [&](const Indices& i) {
                        return i[0] == i[2] ? right[{i[3], i[1]}] : 0;
                      })) < 1e-14);
}

BOOST_AUTO_TEST_CASE(known_hessians) {
  Dice dice(Key(4));
  const Tensor a = dice.tensor({3, 3}), x = dice.tensor({3}), v = dice.tensor({3});
  // of ½ xᵀ A x: ½ (A + Aᵀ)
  const auto quadratic = [&](const Tensor& z) { return 0.5 * sum(z * matmul(a, z)); };
  const Tensor expected = 0.5 * (a + transpose(a));
  BOOST_TEST(distance(hessian(quadratic, x), expected) < 1e-14);
  BOOST_TEST(distance(hvp(quadratic, x, v), matmul(expected, v)) < 1e-14);
  // of a linear function: zero; of logsumexp: diag(p) − p pᵀ
  BOOST_TEST(
      distance(hessian([](const Tensor& z) { return sum(z); }, x), zeros({3, 3}, DType::f64)) == 0);
  const Tensor p = softmax(x);
  BOOST_TEST(distance(hessian([](const Tensor& z) { return logsumexp(z); }, x),
                      eye(3, DType::f64) * p - reshape(p, {3, 1}) * p) < 1e-14);
}

BOOST_AUTO_TEST_CASE(functions_of_one_tensor_give_what_those_of_several_do) {
  Dice dice(Key(5));
  const Tensor x = dice.tensor({2, 3}), u = dice.tensor({2, 3});
  const auto one = [](const Tensor& z) { return softmax(z * z); };
  const auto several = [&](const Tensors& z) { return Tensors{one(z[0])}; };
  BOOST_TEST(same_bits(jacobian(one, x), jacobian(several, {x})[0][0]));
  BOOST_TEST(same_bits(jvp(one, x, u).tangent, jvp(several, {x}, {u}).tangent[0]));
  BOOST_TEST(same_bits(vjp(one, x).value, one(x)));
  BOOST_TEST(same_bits(vjp(one, x).pullback(u), vjp(several, {x}).pullback({u})[0]));
}

BOOST_AUTO_TEST_CASE(f32_gives_nearly_what_f64_does) {
  for_each_case([](const Case& one, Dice& dice) {
    const auto halved = [](const Tensors& xs) {
      Tensors result;
      for (const Tensor& x : xs)
        result.push_back(x.dtype() == DType::f64 ? cast(x, DType::f32) : x);
      return result;
    };
    const Tensors u = halved(directions(dice, one.xs)), xs = halved(one.xs);
    Tensors wide;
    for (const Tensor& x : u) wide.push_back(x.defined() ? cast(x, DType::f64) : x);
    const Tensors rough = jvp(one.f, xs, u).tangent, exact = jvp(one.f, one.xs, wide).tangent;
    for (std::size_t i = 0; i < rough.size(); ++i) {
      if (!rough[i].defined() || rough[i].dtype() == DType::f64) continue;  // a constant output
      BOOST_TEST(rough[i].dtype() == DType::f32);
      BOOST_TEST(apart(numbers(rough[i]), numbers(exact[i])) < 2e-4);
    }
  });
}

// ---- What counts as x ---------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(one_tensor_given_twice_is_two_inputs) {
  for (const FunctionalOptions& options : {FunctionalOptions{}, graph}) {
    const Tensor x = variable(tensor({2, 3}, DType::f64));
    const auto f = [](const Tensors& v) { return Tensors{sum(v[0] * v[0] * v[1])}; };
    const Tensors gradients = vjp(f, {x, x}, options).pullback({scalar(1, DType::f64)});
    BOOST_TEST(distance(gradients[0], 2 * x * x) < 1e-14);
    BOOST_TEST(distance(gradients[1], x * x) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(what_f_takes_from_outside_is_constant_even_if_it_is_x) {
  const Tensor x = variable(tensor({2, 3}, DType::f64)), square = x * x;
  const auto f = [&](const Tensor& v) { return sum(v * x + square); };
  const Tensor one = scalar(1, DType::f64);
  for (const FunctionalOptions& options : {FunctionalOptions{}, graph})
    BOOST_TEST(distance(vjp(f, x, options).pullback(one), x) == 0);
  // Seen from outside, x is x wherever it stands: ∂(x · x)/∂x summed up.
  BOOST_TEST(distance(grad(sum(vjp(f, x, graph).value), {x})[0], 4 * x) == 0);
}

BOOST_AUTO_TEST_CASE(recording_need_not_be_on_and_stays_as_it_is) {
  const Tensor x = tensor({0.5, -1}, DType::f64);
  const auto f = [](const Tensor& v) { return sum(sin(v)); };
  const Tensor expected = hessian(f, x);
  const NoRecording guard;
  BOOST_TEST(distance(hessian(f, x), expected) == 0);
  BOOST_TEST(!recording());
}

BOOST_AUTO_TEST_CASE(a_pullback_can_be_called_again) {
  const Tensor x = tensor({0.5, -1}, DType::f64), v = tensor({1, 2}, DType::f64);
  const auto pullback = vjp([](const Tensor& z) { return exp(z); }, x).pullback;
  const Tensor first = pullback(v);
  BOOST_TEST(same_bits(pullback(v), first));
  BOOST_TEST(distance(pullback(2 * v), 2 * first) == 0);
}

BOOST_AUTO_TEST_CASE(empty_cotangents_and_tangents_mean_zero) {
  const Tensor x = tensor({0.5, -1}, DType::f64);
  const auto f = [](const Tensors& v) { return Tensors{v[0] * v[1], sin(v[0])}; };
  const Tensors gradients = vjp(f, {x, x}).pullback({Tensor(), ones({2}, DType::f64)});
  BOOST_TEST(distance(gradients[0], cos(x)) == 0);
  BOOST_TEST(distance(gradients[1], zeros({2}, DType::f64)) == 0);
  const Tensors tangent = jvp(f, {x, x}, {Tensor(), ones({2}, DType::f64)}).tangent;
  BOOST_TEST(distance(tangent[0], x) == 0);
  BOOST_TEST(distance(tangent[1], zeros({2}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_CASE(axes_without_elements_and_scalars) {
  const Tensor empty = zeros({0, 2}, DType::f64);
  const auto f = [](const Tensor& v) { return sum(v * v, {1}); };
  BOOST_TEST(jacobian(f, empty).shape() == (Shape{0, 0, 2}));
  BOOST_TEST(hessian([](const Tensor& v) { return sum(v); }, empty).shape() == (Shape{0, 2, 0, 2}));
  const Tensor x = scalar(2, DType::f64);
  const auto cube = [](const Tensor& v) { return v * v * v; };
  BOOST_TEST(hessian(cube, x).shape() == Shape{});
  BOOST_TEST(hessian(cube, x).item() == 12);
}

// ---- Differentiating again ----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(results_are_recorded_when_asked_for) {
  const Tensor x = variable(tensor({0.5, -1}, DType::f64)), u = tensor({1, 2}, DType::f64);
  const auto f = [](const Tensor& v) { return sum(sin(v) * v); };
  BOOST_TEST(!hvp(f, x, u).tracked());
  BOOST_TEST(!vjp(f, x).value.tracked());
  BOOST_TEST(!jacobian(f, x).tracked());
  BOOST_TEST(distance(grad(jvp(f, x, u, graph).tangent, {x})[0], hvp(f, x, u)) < 1e-14);
  BOOST_TEST(distance(jacobian([&](const Tensor& v) { return jacobian(f, v, graph); }, x),
                      hessian(f, x)) < 1e-14);
}

BOOST_AUTO_TEST_CASE(derivatives_of_derivatives_are_checked_by_differences) {
  Dice dice(Key(6));
  const Tensor x = dice.tensor({3}), u = dice.tensor({3}), w = dice.tensor({3, 3});
  const auto f = [](const Tensor& v, const Tensor& weight) { return softmax(matmul(weight, v)); };
  const auto check = [&](const char* name, const auto& derivative) {
    BOOST_TEST_CONTEXT(name)
    BOOST_TEST(gradcheck([&](const Tensors& v) { return Tensors{derivative(v[0], v[1], v[2])}; },
                         {x, u, w}));
  };
  check("vjp", [&](const Tensor& v, const Tensor& t, const Tensor& weight) {
    return vjp([&](const Tensor& z) { return f(z, weight); }, v, graph).pullback(t);
  });
  check("jvp", [&](const Tensor& v, const Tensor& t, const Tensor& weight) {
    return jvp([&](const Tensor& z) { return f(z, weight); }, v, t, graph).tangent;
  });
  check("hvp", [&](const Tensor& v, const Tensor& t, const Tensor& weight) {
    return hvp([&](const Tensor& z) { return sum(f(z, weight) * sin(z)); }, v, t, graph);
  });
  check("hessian", [&](const Tensor& v, const Tensor& t, const Tensor& weight) {
    return hessian([&](const Tensor& z) { return sum(f(z, weight) * t); }, v, graph);
  });
}

// ---- Errors -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_an_error) {
  const Tensor x = zeros({2}, DType::f64), ids = ints({0, 1});
  const auto same = [](const Tensor& v) { return v * 1.0; };
  const auto check = [](const auto& call, const std::string& text) {
    BOOST_CHECK_EXCEPTION(call(), Error, says(text));
  };
  check([&] { vjp(same, x).pullback(zeros({3}, DType::f64)); },
        "vjp: cotangent 0 is f64 [3], output 0 is f64 [2]");
  check([&] { jvp(same, x, zeros({2})); }, "jvp: tangent 0 is f32 [2], x 0 is f64 [2]");
  check([&] { hvp([](const Tensor& v) { return sum(v); }, x, zeros({1}, DType::f64)); },
        "hvp: v 0 is f64 [1], x 0 is f64 [2]");
  check([&] { jvp([](const Tensors& v) { return v; }, {x, x}, {x}); }, "jvp: 1 tangents for 2 xs");
  check([&] { jvp([](const Tensors& v) { return v; }, {ids}, {ids}); },
        "jvp: x 0 is i64 and has no derivative; its tangent must be empty");
  check([&] { hvp(same, x, x); },
        "hvp: the function must return one real number, it returns f64 [2]; reduce it with sum() "
        "or mean()");
  check(
      [&] {
        hessian([](const Tensors& v) { return Tensors{v[0], v[0]}; }, {x});
      },
      "hessian: the function must have one output, it has 2");
  check([&] { hessian([](const Tensor& v) { return argmax(v); }, x); },
        "hessian: the function must return one real number, it returns i64 []; reduce it with "
        "sum() or mean()");
  check([&] { jacobian(same, Tensor()); }, "jacobian: x 0 is empty: no value was assigned to it");
  check([&] { jacobian([](const Tensor&) { return Tensor(); }, x); },
        "jacobian: output 0 of the function is empty");
  check(
      [&] {
        jacobian(same, zeros({1, 1, 1, 1, 1}, DType::f64));
      },
      "jacobian: the block of shapes [1, 1, 1, 1, 1] and [1, 1, 1, 1, 1] would have 10 axes, at "
      "most 8 are possible; reshape one of them");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

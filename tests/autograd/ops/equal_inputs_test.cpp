// Equal inputs give equal outputs, to the last bit: wherever an element stands, however long its
// tensor is, and in whatever layout it is repeated.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

struct Named {
  const char* name;
  Tensor (*f)(const Tensor&);
};
const std::vector<Named>& functions() {
  static const std::vector<Named> all = {
      {"exp", exp},
      {"log", log},
      {"sin", sin},
      {"cos", cos},
      {"tanh", tanh},
      {"sigmoid", sigmoid},
      {"erf", erf},
      {"sqrt", sqrt},
      {"gelu", [](const Tensor& x) { return gelu(x); }},
      {"gelu, tanh", [](const Tensor& x) { return gelu(x, Gelu::tanh); }},
      {"a power", [](const Tensor& x) { return pow(x, 1.7); }},
      {"a cube", [](const Tensor& x) { return pow(x, 3); }},
      {"affine", [](const Tensor& x) { return affine(x, 0.3, 0.7); }},
      {"a quotient", [](const Tensor& x) { return x / 49 + 0.1 / x; }},
      {"powers of two tensors", [](const Tensor& x) { return pow(x, sin(x)); }},
  };
  return all;
}

// y = f(x), and x̄ for a cotangent that depends on x alone.
Tensors value_and_gradient(const Named& named, const Tensor& numbers) {
  const Tensor x = variable(numbers), y = named.f(x);
  return {detach(y), grad(Tensors{y}, {x}, {detach(cos(x))})[0]};
}

// All NaN count as equal: their signs and payloads mean nothing.
Tensor with_one_nan(const Tensor& x) {
  const Tensor nan = scalar(std::numeric_limits<double>::quiet_NaN(), x.dtype());
  return where(equal(x, x), x, nan);
}

void require_same(const Tensors& actual, const Tensors& expected, const std::string& what) {
  for (std::size_t i = 0; i < actual.size(); ++i)
    BOOST_TEST(same_bits(with_one_nan(actual[i]), with_one_nan(expected[i])),
               what << (i == 0 ? "" : ", gradient"));
}

// Ordinary numbers, and some that vector functions treat specially: these must not change the
// results of other numbers in the same register.
Tensor ordinary_and_odd_numbers(Index count, DType dtype) {
  Tensor x = cast(normal({count}, 0, 3, Key(301), DType::f64), dtype);
  const double odd[] = {0.0,
                        -0.0,
                        1e-40,
                        -1e-40,
                        5e-320,
                        1e30,
                        -1e30,
                        1e300,
                        88.8,
                        -103.9,
                        -87.5,
                        710,
                        -745,
                        1e5,
                        -1e7,
                        std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity()};
  Index at = 3;
  dispatch(dtype, [&]<class T>() {
    for (const double number : odd) {
      x.edit<T>()[static_cast<std::size_t>(at)] = static_cast<T>(number);
      at += 5;
    }
  });
  return x;
}

BOOST_AUTO_TEST_SUITE(equal_inputs)

BOOST_AUTO_TEST_CASE(an_element_gives_the_same_bits_wherever_it_stands) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = ordinary_and_odd_numbers(150, dtype);
    for (const Named& named : functions()) {
      const Tensors whole = value_and_gradient(named, x);
      for (Index length = 1; length <= 70; ++length) {
        const Index begin = length * 37 % 80, end = begin + length;
        require_same(value_and_gradient(named, slice(x, 0, begin, end)),
                     {slice(whole[0], 0, begin, end), slice(whole[1], 0, begin, end)},
                     std::string(named.name) + ", length " + std::to_string(length));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(equal_numbers_give_equal_results) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const double number : {0.1, 0.7, 1.3, 2.9, 17.0})
      for (const Named& named : functions()) {
        const Tensors one = value_and_gradient(named, full({1}, number, dtype));
        for (const Index length : {2, 9, 23, 33, 70})
          require_same(value_and_gradient(named, full({length}, number, dtype)),
                       {broadcast_to(one[0], {length}), broadcast_to(one[1], {length})},
                       named.name);
      }
}

// argmax is the first of the largest elements, and all of them share the gradient.
BOOST_AUTO_TEST_CASE(equal_numbers_stay_tied) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const Index length : {9, 17, 21, 35}) {
      const Tensor x = variable(full({length}, 0.1, dtype));
      BOOST_TEST(argmax(exp(x)).item() == 0);
      const Tensor g = grad(max(exp(x)), {x})[0];
      BOOST_TEST(same_bits(g, broadcast_to(slice(g, 0, 0, 1), {length})));
    }
}

// A tensor is cut into pieces for threads.
BOOST_AUTO_TEST_CASE(the_cuts_between_threads_change_nothing) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor part = ordinary_and_odd_numbers(149, dtype);
    const Index repeats = 700;
    for (const Named& named : functions()) {
      const Tensor of_part = named.f(part);
      const Tensor whole = named.f(reshape(broadcast_to(part, {repeats, 149}), {-1}));
      BOOST_TEST(same_bits(reshape(whole, {repeats, 149}), broadcast_to(of_part, {repeats, 149})),
                 named.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(broadcasting_gives_the_same_bits_as_repeating) {
  Dice dice(Key(302));
  for (const DType dtype : {DType::f32, DType::f64})
    for (int round = 0; round < 200; ++round) {
      const Shape whole = dice.shape(dice.between(0, 3), 1, 21);
      const Tensor a = cast(exp(dice.tensor(dice.shrunk(whole))), dtype),
                   b = cast(dice.tensor(dice.shrunk(whole)), dtype);
      const Shape shape = broadcast("test", a.shape(), b.shape());
      BOOST_TEST(same_bits(pow(a, b), pow(broadcast_to(a, shape), broadcast_to(b, shape))),
                 a.shape() << " and " << b.shape());
    }
}

// Operations on rows give equal rows for equal rows.
BOOST_AUTO_TEST_CASE(equal_rows_give_equal_rows) {
  const std::vector<Named> by_row = {
      {"softmax", softmax},
      {"log_softmax", log_softmax},
      {"layer_norm",
       [](const Tensor& x) {
         const Index n = x.size(-1);
         return layer_norm(x, full({n}, 0.7, x.dtype()), full({n}, 0.3, x.dtype()));
       }},
      {"rms_norm", [](const Tensor& x) { return rms_norm(x, full({x.size(-1)}, 0.7, x.dtype())); }},
      {"sum", [](const Tensor& x) { return sum(x, {1}, Keep::yes); }},
      {"mean", [](const Tensor& x) { return mean(x, {1}, Keep::yes); }},
      {"variance", [](const Tensor& x) { return variance(x, {1}, Keep::yes); }},
      {"logsumexp", [](const Tensor& x) { return logsumexp(x, {1}, Keep::yes); }},
      {"max", [](const Tensor& x) { return max(x, {1}, Keep::yes); }},
      {"cross_entropy",
       [](const Tensor& x) {
         return reshape(cross_entropy(x, zeros({x.size(0)}, DType::i64), {.smoothing = 0.1}),
                        {-1, 1});
       }},
      {"rotary",
       [](const Tensor& x) {
         const Tensor even = concat({x, x}, 1);
         return rotary(even, full({x.size(0)}, 3, DType::i64), 1);
       }},
  };
  for (const DType dtype : {DType::f32, DType::f64})
    for (Index width = 1; width <= 70; width += width < 20 ? 1 : 7) {
      const Tensor row = cast(normal({1, width}, 0, 2, Key(303), DType::f64), dtype);
      const Tensor rows = variable(broadcast_to(row, {19, width}));
      for (const Named& named : by_row) {
        const Tensor y = named.f(rows);
        const Tensor g = grad(Tensors{y}, {rows}, {detach(cos(y))})[0];
        for (const Tensor& each : {detach(y), g})
          BOOST_TEST(same_bits(each, broadcast_to(slice(each, 0, 0, 1), each.shape())),
                     named.name << ", width " << width);
      }
    }
}

// Columns of equal numbers give equal results in every layout.
BOOST_AUTO_TEST_CASE(equal_columns_give_equal_results) {
  const std::vector<std::pair<const char*, Tensor (*)(const Tensor&, const Axes&, Keep)>>
      reductions = {{"sum", sum},
                    {"mean", mean},
                    {"variance", variance},
                    {"max", max},
                    {"logsumexp", logsumexp}};
  for (const DType dtype : {DType::f32, DType::f64})
    for (const Index width : {1, 3, 17, 64, 65, 131})
      for (const Index count : {1, 7, 70, 600}) {
        const Tensor column = cast(normal({count, 1}, 0, 2, Key(304), DType::f64), dtype);
        const Tensor x = broadcast_to(column, {count, width});
        for (const auto& [name, reduce] : reductions) {
          const Tensor y = reduce(x, {0}, Keep::no);
          BOOST_TEST(same_bits(y, broadcast_to(slice(y, 0, 0, 1), {width})),
                     name << " of " << x.shape());
        }
        BOOST_TEST(same_bits(logsumexp(x, {0}), logsumexp(transpose(x), {1})));
      }
}

// Within a row, equal logits have equal probabilities, and equal heads are rotated equally.
BOOST_AUTO_TEST_CASE(equal_elements_of_a_row_give_equal_elements) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (Index n = 1; n <= 70; ++n) {
      const Tensor x = variable(full({1, n}, 0.3, dtype));
      const Tensor gain = full({n}, 0.7, dtype), bias = full({n}, 0.3, dtype);
      for (const Tensor& y : {softmax(x), log_softmax(x), rms_norm(x, gain)}) {
        const Tensor g = grad(Tensors{y}, {x}, {ones({1, n}, dtype)})[0];
        for (const Tensor& each : {detach(y), g})
          BOOST_TEST(same_bits(each, broadcast_to(slice(each, 1, 0, 1), {1, n})), "width " << n);
      }
      BOOST_TEST(same_bits(softmax(x), full({1, n}, 1, dtype) / static_cast<double>(n)));
      BOOST_TEST(same_bits(layer_norm(x, gain, bias), reshape(bias, {1, n})), "width " << n);
      const Tensor heads = rotary(full({1, 6 * n}, 0.3, dtype), full({1}, 5, DType::i64), n);
      BOOST_TEST(same_bits(reshape(heads, {n, 6}),
                           broadcast_to(slice(reshape(heads, {n, 6}), 0, 0, 1), {n, 6})),
                 n << " heads");
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

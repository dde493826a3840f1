// Diagnoses of operations with several outputs.
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>

#include "tests/autograd/gradcheck/expected_diagnosis.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Kind = Diagnosis::Kind;

// x and 2x, with a rule for x̄ that may be wrong.
struct Twice {
  static constexpr auto name = "test_twice";
  static constexpr Operands reads = {};
  std::function<Tensors(const Tensor&, const Tensor&)> rule;
  std::array<Form, 2> form(Inputs in) const { return {in[0].form(), in[0].form()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    for (const std::size_t j : {0u, 1u})
      std::ranges::transform(in[0].values<T>(), out[j].edit<T>().begin(),
                             [&](T x) { return x * static_cast<T>(j + 1); });
  }
  Tensors vjp(const Pullback& back) const {
    return rule(back.cotangent_or_zeros(0), back.cotangent_or_zeros(1));
  }
};

GradcheckReport check_twice(const std::function<Tensors(const Tensor&, const Tensor&)>& rule) {
  return gradcheck(
      [&](const Tensors& in) {
        const auto ys = apply_all(Twice{rule}, in[0]);
        return Tensors{ys[0], ys[1]};
      },
      {random({4}, 1)}, {.names = {"x"}});
}

BOOST_AUTO_TEST_SUITE(several_outputs)

BOOST_AUTO_TEST_CASE(an_element_of_one_of_several_outputs_is_named_by_its_output) {
  BOOST_TEST(check_twice([](auto& a, auto& b) { return Tensors{a + 2 * b}; }));
  expect(check_twice([](auto& a, auto& b) {
           return Tensors{a + 2 * b * wide({0, 1, 1, 1})};
         }),
         "x", Kind::wrong_mask,
         "of output 1: no gradient where there should be one, first at x[0] for output[0]");
}

BOOST_AUTO_TEST_CASE(several_outputs_are_explained_one_by_one) {
  expect(check_twice([](auto& a, auto&) { return Tensors{a}; }), "x", Kind::missing_term,
         "the term of output 1 is missing: is its cotangent ignored?");
  expect(check_twice([](auto& a, auto& b) { return Tensors{a - 2 * b}; }), "x", Kind::sign,
         "of output 1: the sign is wrong");
  expect(check_twice([](auto& a, auto& b) { return Tensors{3 * a + 6 * b}; }), "x", Kind::factor,
         "3 × what it should be");
  expect(check_twice([](auto& a, auto& b) { return Tensors{3 * a + b}; }), "x", Kind::factor,
         "of output 0: 3 × what it should be, throughout (a constant factor); of output 1: 0.5 × ");
}

BOOST_AUTO_TEST_CASE(an_output_is_counted_among_all_of_them) {
  const Function f = [](const Tensors& in) {
    const auto ys = apply_all(Twice{[](auto& a, auto& b) { return Tensors{a - 2 * b}; }}, in[0]);
    return Tensors{ints({1, 2}), ys[0], ys[1]};
  };
  expect(gradcheck(f, {random({4}, 1)}, {.names = {"x"}}), "x", Kind::sign,
         "of output 2: the sign is wrong");
}

// x̄ and w̄ are right, but ∂x̄/∂w is lost: w counts as a constant in x̄.
BOOST_AUTO_TEST_CASE(in_second_order_the_outputs_are_called_gradients) {
  const GradcheckReport report = check([](auto& x) { return x[0] * x[1]; },
                                       [](auto& x, auto& g) {
                                         return Tensors{g * detach(x[1]), g * x[0]};
                                       },
                                       {random({3}, 1), random({3}, 2)}, {.order = 2});
  expect(report, "w", Kind::zero, "of the gradient of x: zero where it should not be");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// What is right in f64 must be right in f32 too, and f32 must not be mistaken for a mistake.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/grad.h"
#include "tests/autograd/gradcheck/support.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Kind = Finding::Kind;

Tensor single(const Shape& shape, std::uint64_t seed) { return normal(shape, 0, 1, Key(seed)); }

// y = x² with a mistake of 1% in f32 only.
enum class Flaw { none, forward, vjp, branch, throws };
struct Square {
  static constexpr auto name = "test_square";
  static constexpr Operands reads = {input(0)};
  Flaw flaw = Flaw::none;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    constexpr bool narrow = std::same_as<T, float>;
    require(!narrow || flaw != Flaw::throws, "test_square: no f32 today");
    const auto x = in[0].values<T>();
    const auto y = out[0].edit<T>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const bool wrong = flaw == Flaw::forward || (flaw == Flaw::branch && x[i] > 1);
      y[i] = x[i] * x[i] * (narrow && wrong ? T(1.01) : T(1));
    }
  }
  Tensors vjp(const Pullback& back) const {
    const bool narrow = back.form(0).dtype == DType::f32;
    return {back.cotangent() * back.input(0) * (narrow && flaw == Flaw::vjp ? 2.02 : 2)};
  }
};
Function square(Flaw flaw) {
  return [flaw](const Tensors& x) { return Tensors{sin(apply(Square{flaw}, tanh(x[0]) * 2))}; };
}

// y = x³ for f32 alone, with the right gradient or one of 1% more.
struct SingleCube {
  static constexpr auto name = "test_single_cube";
  static constexpr Operands reads = {input(0)};
  double factor = 3;
  Form form(Inputs in) const { return in[0].form(); }
  template <std::same_as<float> T>
  void forward(Inputs in, Outputs out) const {
    const auto x = in[0].values<T>();
    const auto y = out[0].edit<T>();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * x[i] * x[i];
  }
  Tensors vjp(const Pullback& back) const {
    return {back.cotangent() * (factor * back.input(0) * back.input(0))};
  }
};

// y = Σ x, added up one after the other: rounding grows with the number of terms.
struct PlainSum {
  static constexpr auto name = "test_plain_sum";
  static constexpr Operands reads = {};
  Form form(Inputs in) const { return {{}, in[0].dtype()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    T total = 0;
    for (const T x : in[0].values<T>()) total += x;
    out[0].edit<T>()[0] = total;
  }
  Tensors vjp(const Pullback& back) const {
    return {broadcast_to(back.cotangent(), back.shape(0))};
  }
};

// log Σ exp x as written: exp overflows in f32 beyond 88.
Tensors naive_logsumexp(const Tensors& x) { return {log(sum(exp(x[0])))}; }

bool mentions(const GradcheckReport& report, const std::string& text) {
  return printed(report).find(text) != std::string::npos;
}

BOOST_AUTO_TEST_SUITE(gradcheck_in_f32)

BOOST_AUTO_TEST_CASE(the_report_says_how_precise_f32_is) {
  for (const Tensor& x : {single({4}, 1), random({4}, 1)}) {
    const GradcheckReport report = gradcheck(square(Flaw::none), {x});
    BOOST_TEST(report);
    BOOST_TEST_REQUIRE(report.single.has_value());
    BOOST_TEST(report.single->values < 1e-6);
    BOOST_TEST(report.single->gradients < 1e-6);
    BOOST_TEST(report.single->gradients > 0);
    BOOST_TEST(printed(report).find("; f32: values right to ") != std::string::npos,
               printed(report));
  }
  BOOST_TEST(!gradcheck(square(Flaw::none), {single({4}, 1)}, {.single = false}).single);
}

BOOST_AUTO_TEST_CASE(a_mistake_in_f32_only_is_found_and_its_operation_is_named) {
  for (const Flaw flaw : {Flaw::forward, Flaw::vjp, Flaw::branch})
    for (const DType dtype : {DType::f32, DType::f64}) {
      const Tensor x = variable(cast(random({8}, 2), dtype), "x");
      const GradcheckReport report = gradcheck(square(flaw), {x});
      BOOST_TEST(!report);
      BOOST_TEST(report.count(Kind::precision) > 0u);
      BOOST_TEST(report.count(Kind::mismatch) == 0u);
      BOOST_TEST_REQUIRE(report.walk.has_value());
      BOOST_TEST_REQUIRE(report.walk->culprit.has_value());
      BOOST_TEST(report.walk->culprit->operation == "test_square");
      const std::string text = printed(report);
      BOOST_TEST(text.find("wrong in f32: ") != std::string::npos, text);
      BOOST_TEST(text.find("rounding explains") != std::string::npos, text);
    }
}

BOOST_AUTO_TEST_CASE(a_function_that_does_not_run_in_f32_is_not_ok_if_it_was_given_f32) {
  const GradcheckReport report = gradcheck(square(Flaw::throws), {single({3}, 1)});
  BOOST_TEST((report.verdict() == Verdict::undecidable));
  BOOST_TEST(report.findings[0].note == "in f32 it does not run: test_square: no f32 today");
  const GradcheckReport wide = gradcheck(square(Flaw::throws), {random({3}, 1)});
  BOOST_TEST(wide);
  BOOST_TEST(mentions(wide, "f32: not judged, the function: it does not run: "), wide);
}

BOOST_AUTO_TEST_CASE(overflow_in_f32_only_is_found) {
  const Tensor x = tensor({95, 96, 97});
  const GradcheckReport report = gradcheck(naive_logsumexp, {x});
  BOOST_TEST(!report);
  BOOST_TEST(report.count(Kind::precision) > 0u);
  BOOST_TEST(gradcheck([](const Tensors& in) { return Tensors{logsumexp(in[0])}; }, {x}));
  // Here ∞ is what f32 should give.
  const auto square_of = [](const Tensors& in) { return Tensors{pow(in[0], 2)}; };
  BOOST_TEST((gradcheck(square_of, {tensor({1e30, 1})}).verdict() == Verdict::undecidable));
  // What was to be checked in f64 is not blamed for the range of f32.
  BOOST_TEST(gradcheck(naive_logsumexp, {cast(x, DType::f64)}));
}

BOOST_AUTO_TEST_CASE(an_operation_for_f32_alone_is_checked_by_differences_in_f32) {
  const auto cube = [](double factor) {
    return [=](const Tensors& x) { return Tensors{tanh(apply(SingleCube{factor}, x[0]))}; };
  };
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = cast(random({6}, 1), dtype);
    const GradcheckReport right = gradcheck(cube(3), {x});
    BOOST_TEST((right.verdict() != Verdict::failed), right);
    BOOST_TEST(printed(right).find("; in f32 only, differences too: test_single_cube: does not") !=
                   std::string::npos,
               right);
    const GradcheckReport wrong = gradcheck(cube(3.03), {x});
    BOOST_TEST((wrong.verdict() == Verdict::failed));
    BOOST_TEST_REQUIRE(wrong.walk.has_value());
    BOOST_TEST_REQUIRE(wrong.walk->culprit.has_value());
    BOOST_TEST(wrong.walk->culprit->operation == "test_single_cube");
  }
}

BOOST_AUTO_TEST_CASE(constants_of_f32_are_no_obstacle) {
  const Tensor weight = single({3}, 5);
  const Function f = [=](const Tensors& x) { return Tensors{tanh(x[0] * weight)}; };
  BOOST_TEST((gradcheck(f, {single({3}, 1)}).verdict() != Verdict::failed));
  const Function wrong = [=](const Tensors& x) {
    return Tensors{tanh(x[0] * weight) + detach(x[0]) * weight};
  };
  BOOST_TEST((gradcheck(wrong, {single({3}, 1)}).verdict() == Verdict::failed));
}

BOOST_AUTO_TEST_CASE(inputs_and_outputs_of_both_types_pass) {
  const Function narrow = [](const Tensors& x) { return Tensors{cast(tanh(x[0]), DType::f32)}; };
  BOOST_TEST(gradcheck(narrow, {random({3}, 1)}));
  const Function mixed = [](const Tensors& x) { return Tensors{cast(x[0], DType::f64) * x[1]}; };
  const GradcheckReport report = gradcheck(mixed, {single({3}, 1), random({3}, 2)});
  BOOST_TEST(report);
  BOOST_TEST(report.single->unjudged == "");
}

// f computes in f32 although it was given f64. The differences see that as noise.
BOOST_AUTO_TEST_CASE(a_cast_to_f32_inside_is_named) {
  const auto f = [](double detached) {
    return [=](const Tensors& x) {
      const NameScope scope("head");
      const Tensor y = cast(exp(cast(sin(x[0]), DType::f32)), DType::f64);
      return Tensors{y * y + detached * detach(x[0])};
    };
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const GradcheckReport report = gradcheck(f(0), {random({5}, seed)});
    BOOST_TEST(mentions(report, "computed in f32 from cast in head on"), report);
    // Whether f32 shows is a matter of chance. If it does, nothing else is blamed.
    BOOST_TEST(report.count(Kind::mismatch) == 0u, report);
    if (report.count(Kind::precision) > 0)
      BOOST_TEST(mentions(report, "only: f computes in f32 from cast in head on"), report);
  }
  const GradcheckReport wrong = gradcheck(f(2), {random({5}, 1)});
  BOOST_TEST(wrong.count(Kind::mismatch) > 0u);
  BOOST_TEST(mentions(wrong, "computed in f32 from cast in head on"), wrong);
}

// The forward of f is exact; its vjp takes a detour through f32.
struct CoarseSquare : Square {
  static constexpr auto name = "test_coarse_square";
  Tensors vjp(const Pullback& back) const {
    const Tensor slope = cast(cast(2 * back.input(0), DType::f32), DType::f64);
    return {back.cotangent() * slope};
  }
};

BOOST_AUTO_TEST_CASE(a_vjp_that_computes_in_f32_is_wrong) {
  const Function f = [](const Tensors& x) { return Tensors{sin(apply(CoarseSquare{}, x[0]))}; };
  const GradcheckReport report = gradcheck(f, {random({5}, 1)});
  BOOST_TEST((report.verdict() == Verdict::failed));
  BOOST_TEST_REQUIRE(report.walk.has_value());
  BOOST_TEST(report.walk->culprit->operation == "test_coarse_square");
}

BOOST_AUTO_TEST_CASE(rounding_is_no_mistake) {
  const Tensor x = single({50}, 1), y = single({50}, 2);
  const auto passes = [](const char* what, const Function& f, const Tensors& inputs) {
    const GradcheckReport report = gradcheck(f, inputs);
    BOOST_TEST((report.verdict() != Verdict::failed), what << ": " << report);
  };
  passes("a far mean", [](const Tensors& in) { return Tensors{variance(in[0])}; }, {x + 1e3});
  passes("cancellation", [](const Tensors& in) { return Tensors{(in[0] + 1e6) - 1e6}; }, {x});
  passes("an optimum",
         [&](const Tensors& in) { return Tensors{sum(pow(in[0] - cast(x, in[0].dtype()), 2))}; },
         {x});
  passes("large angles", [](const Tensors& in) { return Tensors{sin(in[0])}; }, {x * 1e6});
  passes("ties", [](const Tensors& in) { return Tensors{max(in[0])}; }, {ones({5})});
  passes("a branch that rounding decides",
         [](const Tensors& in) { return Tensors{relu(in[0] * 3 - 1)}; }, {full({4}, 1.0 / 3)});
  passes("a long sum", [](const Tensors& in) { return Tensors{apply(PlainSum{}, in[0])}; },
         {uniform({20'000}, 0, 1, Key(3))});
  passes("probabilities near 1", [](const Tensors& in) { return Tensors{log(1 - sigmoid(in[0]))}; },
         {tensor({10, 12, -3})});
}

// f64 says that the value is 0.3, f32 gives 0.
BOOST_AUTO_TEST_CASE(what_rounding_drowns_is_undecidable_in_f32) {
  const Function f = [](const Tensors& x) { return Tensors{(x[0] + 1e7) - 1e7}; };
  const GradcheckReport narrow = gradcheck(f, {tensor({0.3, 0.4})});
  BOOST_TEST((narrow.verdict() == Verdict::undecidable), narrow);
  const GradcheckReport wide = gradcheck(f, {tensor({0.3, 0.4}, DType::f64)});
  BOOST_TEST(wide);
  BOOST_TEST(printed(wide).find("which rounding may explain") != std::string::npos, wide);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// The dot product test ⟨ȳ, J u⟩ = ⟨Jᵀ ȳ, u⟩: a user's jvp against the vjp, and which of them is
// wrong.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/autograd/gradcheck/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

// y₀ = a ⊙ sin b, y₁ = a A, with an integer input in between.
Tensors function(const Tensors& in) {
  return {in[0] * sin(in[2]), matmul(in[0], ones({3, 2}, DType::f64)), in[1]};
}
Tensors tangent(const Tensors& in, const Tensors& u) {
  return {u[0] * sin(in[2]) + in[0] * cos(in[2]) * u[2], matmul(u[0], ones({3, 2}, DType::f64)),
          Tensor()};
}
const Tensors point = {random({2, 3}, 1), zeros({4}, DType::i64), random({2, 3}, 2)};
const std::vector<std::string> names = {"a", "n", "b"};

GradcheckReport check(const Function& f, const JvpFunction& jvp) {
  return gradcheck(f, point, {.names = names, .walk = false, .jvp = jvp});
}

const Finding& failure(const GradcheckReport& report) {
  const auto found = std::ranges::find_if(report.findings, &Finding::failed);
  BOOST_REQUIRE(found != report.findings.end());
  return *found;
}

BOOST_AUTO_TEST_SUITE(gradcheck_dot_product)

BOOST_AUTO_TEST_CASE(a_right_jvp_agrees_to_rounding) {
  const GradcheckReport report = check(function, tangent);
  BOOST_TEST(report);
  // Along a, b and both; 2 random cotangents and 6 + 4 outputs.
  BOOST_TEST(report.dot_products.size() == 3u * 12u);
  for (const DotProduct& product : report.dot_products) {
    BOOST_TEST(product.agrees());
    BOOST_TEST(std::abs(product.jvp - product.vjp) <= 1e-14);
  }
  BOOST_TEST(report.dot_products.back().where == "all inputs");
  BOOST_TEST(printed(report).find("; jvp and vjp agree in 36 dot products") != std::string::npos);
  BOOST_TEST(lines(printed(report)) == 1);
}

BOOST_AUTO_TEST_CASE(a_wrong_jvp_is_named_with_its_input_and_output) {
  const JvpFunction wrong = [](const Tensors& in, const Tensors& u) {
    Tensors result = tangent(in, u);
    result[0] = u[0] * sin(in[2]) - in[0] * cos(in[2]) * u[2];
    return result;
  };
  const GradcheckReport report = check(function, wrong);
  BOOST_TEST(!report);
  BOOST_TEST(report.findings.size() == 1u);  // along b alone; what follows from it is not repeated
  const Finding& finding = failure(report);
  BOOST_TEST(finding.where == "b");
  BOOST_TEST(finding.cotangent.starts_with("output 0["));
  BOOST_TEST(finding.note.ends_with(": the jvp is wrong"));
  BOOST_TEST(std::abs(finding.relative - 2) < 1e-9);
  BOOST_TEST(printed(report).find("jvp and vjp differ in ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_jvp_wrong_by_a_billionth_is_seen) {
  const JvpFunction wrong = [](const Tensors& in, const Tensors& u) {
    Tensors result = tangent(in, u);
    result[1] = result[1] * (1 + 1e-9);
    return result;
  };
  BOOST_TEST(!check(function, wrong));
}

// The vjp of a ⊙ sin b is wrong; the jvp is not made of it.
BOOST_AUTO_TEST_CASE(a_wrong_vjp_is_told_from_a_wrong_jvp) {
  const Function f = [](const Tensors& in) {
    Tensors result = function(in);
    result[0] = 2 * result[0] - detach(result[0]);
    return result;
  };
  const GradcheckReport report = check(f, tangent);
  BOOST_TEST(std::ranges::any_of(report.findings, [](const Finding& finding) {
    return finding.note.ends_with(": the vjp is wrong");
  }));
  // A jvp made of two vjps inherits the mistake, so it agrees; the differences do not.
  const JvpFunction inherited = [&](const Tensors& in, const Tensors& u) {
    return adjoint::jvp(f, in, u).tangent;
  };
  const GradcheckReport vacuous = check(f, inherited);
  BOOST_TEST(!vacuous);
  BOOST_TEST(std::ranges::all_of(vacuous.dot_products, &DotProduct::agrees));
}

BOOST_AUTO_TEST_CASE(a_linear_function_and_one_input_suffice) {
  const Tensor a = random({4, 3}, 3);
  const Function linear = [&](const Tensors& in) { return Tensors{matmul(a, in[0])}; };
  const auto jvp = [&](double factor) -> JvpFunction {
    return [&a, factor](const Tensors&, const Tensors& u) {
      return Tensors{factor * matmul(a, u[0])};
    };
  };
  const Tensor x = random({3, 2}, 4);
  const GradcheckReport right = gradcheck(linear, {x}, {.jvp = jvp(1)});
  BOOST_TEST(right);
  BOOST_TEST(right.dot_products.size() == 2u + 8u);
  const GradcheckReport wrong = gradcheck(linear, {x}, {.walk = false, .jvp = jvp(0.5)});
  BOOST_TEST(failure(wrong).note.ends_with(": the jvp is wrong"));
}

BOOST_AUTO_TEST_CASE(large_functions_are_compared_along_lines) {
  const Tensor x = random({10'000}, 5);
  const auto jvp = [](const Tensors& in, const Tensors& u) { return Tensors{cos(in[0]) * u[0]}; };
  const GradcheckReport report = gradcheck(of_one(sin), {x}, {.jvp = jvp});
  BOOST_TEST(report);
  BOOST_TEST(report.dot_products.size() == 2u);
  const auto one_wrong = [](const Tensors& in, const Tensors& u) {
    Tensor tangent = copy(cos(in[0]) * u[0]);
    tangent.edit<double>()[7777] *= 1.01;
    return Tensors{tangent};
  };
  BOOST_TEST(!gradcheck(of_one(sin), {x}, {.walk = false, .jvp = one_wrong}));
}

BOOST_AUTO_TEST_CASE(elements_at_a_kink_do_not_move) {
  const Tensor x = tensor({-1, 0, 2}, DType::f64);
  // Another convention at 0 than the operation's.
  const auto jvp = [](const Tensors& in, const Tensors& u) {
    return Tensors{where(less(in[0], zeros({}, DType::f64)), zeros({}, DType::f64), u[0])};
  };
  BOOST_TEST(gradcheck(of_one(relu), {x}, {.jvp = jvp}));
}

BOOST_AUTO_TEST_CASE(a_jvp_that_cannot_be_used_is_a_finding_in_its_own_words) {
  const auto note = [](const JvpFunction& jvp) { return failure(check(function, jvp)).note; };
  BOOST_TEST(note([](const Tensors&, const Tensors&) -> Tensors {
               throw std::runtime_error("no such luck");
             }) == "the jvp cannot be compared: no such luck");
  BOOST_TEST(note([](const Tensors& in, const Tensors& u) { return Tensors{tangent(in, u)[0]}; }) ==
             "the jvp cannot be compared: it returns 1 tangents for 3 outputs");
  BOOST_TEST(
      note([](const Tensors& in, const Tensors& u) {
        Tensors result = tangent(in, u);
        result[1] = reshape(result[1], {4});
        return result;
      }) == "the jvp cannot be compared: its tangent of output 1 is [4] f64, the output is [2, 2]");
  const std::string nan_note = note([](const Tensors& in, const Tensors& u) {
    Tensors result = tangent(in, u);
    result[1] = result[1] * std::nan("");
    return result;
  });
  BOOST_TEST(nan_note.ends_with(": the jvp is wrong"), nan_note);
}

// An empty tangent is zero, as an empty cotangent is.
BOOST_AUTO_TEST_CASE(an_empty_tangent_means_zero) {
  const Function f = [](const Tensors& in) { return Tensors{exp(in[0]), ones({3}, DType::f64)}; };
  const auto jvp = [](const Tensors& in, const Tensors& u) {
    return Tensors{exp(in[0]) * u[0], Tensor()};
  };
  BOOST_TEST(gradcheck(f, {random({3}, 6)}, {.jvp = jvp}));
  const auto empty = [](const Tensors&, const Tensors&) { return Tensors{Tensor(), Tensor()}; };
  BOOST_TEST(!gradcheck(f, {random({3}, 6)}, {.walk = false, .jvp = empty}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

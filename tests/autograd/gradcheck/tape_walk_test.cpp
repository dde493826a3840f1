// When a composite function fails, the report must name the operation to blame.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <regex>
#include <sstream>

#include "autograd/apply.h"
#include "autograd/gradcheck.h"
#include "autograd/observer.h"
#include "autograd/ops.h"
#include "autograd/support/files.h"

namespace {

using namespace adjoint;

Tensor random(const Shape& shape, std::uint64_t seed) {
  return normal(shape, 0, 1, Key(seed), DType::f64);
}

// Doubles the gradients of one operation, in one scope.
class Doubling : public Observer {
 public:
  Doubling(std::string operation, std::string scope)
      : operation_(std::move(operation)), scope_(std::move(scope)) {}
  void after_vjp(const Node& node, const Pullback&, Tensors& gradients) override {
    if (node.name() != operation_ || node.scope() != scope_) return;
    for (Tensor& gradient : gradients)
      if (gradient.defined()) gradient = 2 * gradient;
  }

 private:
  std::string operation_, scope_;
};

// Two layers of the same operations, x [rows, width], each in a scope of its own.
Tensors two_layers(const Tensors& in) {
  Tensor x = in[0];
  for (std::size_t i = 0; i < 2; ++i) {
    const NameScope scope("layer." + std::to_string(i));
    x = softmax(tanh(matmul(x, in[1 + i])));
  }
  return {x};
}
const Tensors layer_inputs = {random({2, 3}, 1), random({3, 4}, 2), random({4, 3}, 3)};

// y = x², whose vjp is right but takes 2x for a constant: wrong in second order.
struct OnceSquare {
  static constexpr auto name = "test_once_square";
  static constexpr Operands reads = {input(0)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto x = in[0].values<T>();
    const auto y = out[0].edit<T>();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * x[i];
  }
  Tensors vjp(const Pullback& back) const {
    return {back.cotangent() * (2 * detach(back.input(0)))};
  }
};

// y = x Wᵀ for a square W, with W̄ = xᵀ ȳ instead of ȳᵀ x. The shapes agree.
struct Project {
  static constexpr auto name = "test_project";
  static constexpr Operands reads = {input(0), input(1)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Tensor y = matmul(detach(in[0]), detach(in[1]), Transposed::b);
    std::ranges::copy(y.values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor x = back.input(0), weight = back.input(1), g = back.cotangent();
    return {matmul(g, weight), matmul(x, g, Transposed::a)};
  }
};

// y = x², whose vjp reads a value that the tape does not keep, in order 1 or only if it is
// recorded.
struct Careless : OnceSquare {
  static constexpr auto name = "test_careless";
  static constexpr Operands reads = {};
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * (2 * back.input(0))}; }
};
struct CarelessTwice : OnceSquare {
  static constexpr auto name = "test_careless_twice";
  Tensors vjp(const Pullback& back) const {
    require(!recording(), "no second order");
    return {back.cotangent() * (2 * back.input(0))};
  }
};

// y = 2x in f32, and 3x in f64.
struct ByType : OnceSquare {
  static constexpr auto name = "test_by_type";
  static constexpr Operands reads = {};
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto x = in[0].values<T>();
    const auto y = out[0].edit<T>();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = (std::same_as<T, float> ? 2 : 3) * x[i];
  }
  Tensors vjp(const Pullback& back) const { return {3 * back.cotangent()}; }
};

std::string printed(const GradcheckReport& report) {
  std::ostringstream text;
  text << report;
  return text.str();
}

// The last digits, and with them the column widths, differ between processors.
std::string without_numbers(const std::string& text) {
  static const std::regex number("-?[0-9]+\\.?[0-9]*(e[-+][0-9]+)?"), space("\\s+");
  return std::regex_replace(std::regex_replace(text, number, "#"), space, " ");
}

BOOST_AUTO_TEST_SUITE(gradcheck_walk)

BOOST_AUTO_TEST_CASE(the_tape_is_not_searched_when_all_is_well) {
  BOOST_TEST(!gradcheck(two_layers, layer_inputs).walk);
}

BOOST_AUTO_TEST_CASE(the_wrong_operation_is_named_with_its_scope_and_shapes) {
  Doubling mistake("tanh", "layer.1");
  const Observing planted(mistake);
  const GradcheckReport report = gradcheck(two_layers, layer_inputs);
  BOOST_TEST_REQUIRE(report.walk.has_value());
  BOOST_TEST(report.walk->operations == 6u);
  BOOST_TEST(report.walk->wrong == 1u);
  BOOST_TEST_REQUIRE(report.walk->culprit.has_value());
  const Culprit& culprit = *report.walk->culprit;
  BOOST_TEST(culprit.operation == "tanh");
  BOOST_TEST(culprit.scope == "layer.1");
  BOOST_TEST(culprit.number == 5u);
  BOOST_TEST((culprit.inputs == std::vector<Shape>{{2, 3}}));
  BOOST_TEST((culprit.outputs == std::vector<Shape>{{2, 3}}));
  BOOST_TEST(!*culprit.report);
  const std::string text = printed(report);
  BOOST_TEST(text.find("number 5 of 6: tanh in layer.1, [2, 3] → [2, 3]") != std::string::npos,
             text);
}

// Operations that only pass on wrong cotangents are not blamed.
BOOST_AUTO_TEST_CASE(the_first_of_several_wrong_operations_is_named_and_all_are_counted) {
  Doubling early("matmul", "layer.0"), late("softmax", "layer.1");
  const Observing first(early);
  const Observing second(late);
  const GradcheckReport report = gradcheck(two_layers, layer_inputs);
  BOOST_TEST_REQUIRE(report.walk.has_value());
  BOOST_TEST(report.walk->wrong == 2u);
  BOOST_TEST(report.walk->culprit->operation == "matmul");
  BOOST_TEST(report.walk->culprit->scope == "layer.0");
}

BOOST_AUTO_TEST_CASE(an_operation_that_is_wrong_in_the_second_order_only_is_named) {
  const Function f = [](const Tensors& x) {
    const NameScope scope("head");
    return Tensors{sin(apply(OnceSquare{}, exp(x[0])))};
  };
  BOOST_TEST(gradcheck(f, {random({3}, 1)}));
  const GradcheckReport report = gradcheck(f, {random({3}, 1)}, {.order = 2});
  BOOST_TEST_REQUIRE(report.walk.has_value());
  BOOST_TEST(report.walk->operations == 3u);
  BOOST_TEST(report.walk->culprit->operation == "test_once_square");
}

BOOST_AUTO_TEST_CASE(no_operation_is_blamed_for_a_value_taken_off_the_tape) {
  const Function detaching = [](const Tensors& x) { return Tensors{exp(x[0]) * detach(x[0])}; };
  const GradcheckReport report = gradcheck(detaching, {random({3}, 1)});
  BOOST_TEST(!report);
  BOOST_TEST_REQUIRE(report.walk.has_value());
  BOOST_TEST(!report.walk->culprit);
  BOOST_TEST(report.walk->operations == 2u);
  BOOST_TEST(printed(report).find("No single operation explains it") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(operations_with_constant_inputs_and_shared_storage_are_checked_too) {
  const Tensor indices = from(std::vector<Index>{1, 0, 1}, {3});
  const Function f = [=](const Tensors& x) {
    return Tensors{reshape(gather(x[0], indices), {2, 3})};  // [2, 2] to [3, 2] to [2, 3]
  };
  for (const char* operation : {"gather", "reshape"}) {
    Doubling mistake(operation, "");
    const Observing planted(mistake);
    const GradcheckReport report = gradcheck(f, {random({2, 2}, 1)});
    BOOST_TEST_REQUIRE(report.walk.has_value());
    BOOST_TEST(report.walk->culprit->operation == operation);
  }
}

BOOST_AUTO_TEST_CASE(operations_recorded_before_are_not_searched) {
  const Tensor weight = 2 * variable(random({3, 3}, 4));  // has its own history
  Doubling mistake("tanh", "");
  const Observing planted(mistake);
  const auto f = [&](const Tensors& in) { return Tensors{tanh(matmul(in[0], weight))}; };
  const GradcheckReport report = gradcheck(f, {random({2, 3}, 1)});
  BOOST_TEST_REQUIRE(report.walk.has_value());
  BOOST_TEST(report.walk->operations == 2u);
  BOOST_TEST(report.walk->culprit->operation == "tanh");
}

BOOST_AUTO_TEST_CASE(an_empty_tape_is_reported) {
  const Function f = [](const Tensors& in) { return Tensors{exp(detach(in[0]))}; };
  const std::string text = printed(gradcheck(f, {random({3}, 1)}));
  BOOST_TEST(text.find("No operation on the inputs was recorded") != std::string::npos, text);
}

// autograd/gradcheck/README.md shows this report and explains it line by line.
BOOST_AUTO_TEST_CASE(the_report_in_the_readme_is_what_is_printed) {
  const Tensor x = variable(random({2, 3}, 1), "x"), weight = variable(random({3, 3}, 2), "weight");
  const auto f = [](const Tensors& in) {
    const NameScope scope("layer.0");
    return Tensors{tanh(apply(Project{}, in[0], in[1]))};
  };
  const std::string text = printed(gradcheck(f, {x, weight}));
  const std::string page = without_numbers(read_file("autograd/gradcheck/README.md"));
  BOOST_TEST(page.find(without_numbers(text)) != std::string::npos, "it does not show:\n" << text);
}

// In f64 the operation is right. It is replayed in the type that it ran in.
BOOST_AUTO_TEST_CASE(an_operation_is_checked_in_its_own_type) {
  const Function f = [](const Tensors& x) {
    return Tensors{sin(cast(apply(ByType{}, cast(x[0], DType::f32)), DType::f64))};
  };
  const GradcheckReport report = gradcheck(f, {random({3}, 1)});
  BOOST_TEST(!report);
  BOOST_TEST_REQUIRE(report.walk.has_value());
  BOOST_TEST_REQUIRE(report.walk->culprit.has_value());
  BOOST_TEST(report.walk->culprit->operation == "test_by_type");
  BOOST_TEST(report.walk->wrong == 1u);
}

BOOST_AUTO_TEST_CASE(a_vjp_that_throws_is_a_finding_and_its_operation_is_named) {
  const Function f = [](const Tensors& x) {
    const NameScope scope("head");
    return Tensors{exp(apply(Careless{}, sin(x[0])))};
  };
  const GradcheckReport report = gradcheck(f, {random({3}, 1)});
  BOOST_TEST(!report);
  BOOST_TEST(report.count(Finding::Kind::error) == 1u);
  const std::string text = printed(report);
  BOOST_TEST(text.find("error: order 1: the vjp of test_careless in head: values: this operand "
                       "was not kept") != std::string::npos,
             text);
  BOOST_TEST(text.find("number 2 of 3: test_careless in head") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(an_error_in_the_second_order_does_not_lose_the_first) {
  const Function f = [](const Tensors& x) { return Tensors{apply(CarelessTwice{}, x[0])}; };
  BOOST_TEST(gradcheck(f, {random({3}, 1)}));
  const GradcheckReport report = gradcheck(f, {random({3}, 1)}, {.order = 2});
  BOOST_TEST(!report);
  BOOST_TEST(report.coverage.size() == 1u);
  BOOST_TEST(report.measurements.size() == 1u);
  BOOST_TEST(printed(report).find("the vjp of test_careless_twice: no second order") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_f_itself_throws_reaches_the_caller) {
  const Function f = [](const Tensors& x) { return Tensors{matmul(x[0], x[0])}; };
  BOOST_CHECK_EXCEPTION(gradcheck(f, {random({2, 3}, 1)}), Error, [](const Error& error) {
    return std::string(error.what()).starts_with("matmul: inner sizes differ");
  });
}

BOOST_AUTO_TEST_CASE(the_walk_can_be_turned_off) {
  Doubling mistake("tanh", "layer.1");
  const Observing planted(mistake);
  BOOST_TEST(!gradcheck(two_layers, layer_inputs, {.walk = false}).walk);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

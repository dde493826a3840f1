// A vjp whose numbers are right may still do harm: to its cotangent, to values that others read, to
// the next call.
#include <boost/test/unit_test.hpp>

#include "autograd/storage.h"
#include "tests/autograd/gradcheck/support.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Kind = Finding::Kind;

// z = a b, with a habit.
enum class Habit {
  none,
  returns_cotangent,  // of a sum: allowed
  edits_cotangent,
  edits_input,
  keeps_buffer,
  adds_to_buffer,
  stale,
  clips,
  clips_values,
  drops_small,
  absolute,
  norm_of_two,
  wrong_if_alone,
  wrong_if_first_is_constant,
  throws_if_alone,
  wrong_if_recorded,
};

struct Product {
  static constexpr auto name = "test_product";
  static constexpr Operands reads = {input(0), input(1)};
  Habit habit = Habit::none;
  std::shared_ptr<Tensor> memory = std::make_shared<Tensor>();

  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto a = in[0].values<T>(), b = in[1].values<T>();
    const auto y = out[0].edit<T>();
    for (std::size_t i = 0; i < a.size(); ++i) y[i] = a[i] * b[i];
    if (habit == Habit::stale) *memory = copy(in[1]);  // of the last run, whichever that is
  }
  Tensors vjp(const Pullback& back) const;
};

// (x², x³), whose vjp takes for granted that both outputs are used, or forgets one that is alone.
struct Powers {
  static constexpr auto name = "test_powers";
  static constexpr Operands reads = {input(0)};
  enum class Rule { right, presumes, forgets } rule = Rule::right;
  std::array<Form, 2> form(Inputs in) const { return {in[0].form(), in[0].form()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto x = in[0].values<T>();
    const auto square = out[0].edit<T>(), cube = out[1].edit<T>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      square[i] = x[i] * x[i];
      cube[i] = square[i] * x[i];
    }
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor x = back.input(0);
    if (rule == Rule::presumes)
      return {2 * back.cotangent(0) * x + 3 * back.cotangent(1) * (x * x)};
    if (rule == Rule::forgets && !back.cotangent(0).defined()) return {Tensor()};
    return {2 * back.cotangent_or_zeros(0) * x + 3 * back.cotangent_or_zeros(1) * (x * x)};
  }
};
Function powers(Powers::Rule rule) {
  return [rule](const Tensors& x) {
    const auto [square, cube] = apply_all(Powers{rule}, sin(x[0]));
    return Tensors{square, cube * 2};
  };
}

double largest(const Tensor& x) { return max(abs(x)).item(); }

Tensors Product::vjp(const Pullback& back) const {
  Tensor g = back.cotangent();
  const Tensor a = back.input(0), b = back.input(1);
  const bool alone = back.needs(0) != back.needs(1);
  const Tensors right = {g * b, g * a};
  switch (habit) {
    case Habit::edits_cotangent:
      for (double& value : g.edit<double>()) value *= 2;
      break;
    case Habit::edits_input: {
      Tensor same = a;
      same.edit<double>()[0] += 0;
      break;
    }
    case Habit::keeps_buffer:
      if (!memory->defined()) *memory = copy(g);
      std::ranges::copy(right[0].values<double>(), memory->edit<double>().begin());
      return {*memory, right[1]};
    case Habit::adds_to_buffer:
      *memory = memory->defined() ? *memory + right[0] : right[0];
      return {*memory, right[1]};
    case Habit::stale:
      return {g * *memory, right[1]};
    case Habit::clips:
      if (const double size = largest(right[0]); size > 100)
        return {right[0] * (100 / size), right[1]};
      break;
    case Habit::clips_values:
      return {clamp(right[0], -1000, 1000), right[1]};
    case Habit::drops_small:
      if (largest(right[0]) < 1e-8) return {0 * right[0], right[1]};
      break;
    case Habit::absolute:
      return {abs(g) * b, right[1]};
    case Habit::norm_of_two:  // scales, but is no sum
      return {norm(g) * b, right[1]};
    case Habit::wrong_if_alone:
      return {alone ? 2 * right[0] : right[0], right[1]};
    case Habit::wrong_if_first_is_constant:
      return {right[0], back.needs(0) ? right[1] : right[0]};
    case Habit::wrong_if_recorded:
      return {recording() ? 2 * right[0] : right[0], right[1]};
    case Habit::throws_if_alone:
      require(!alone, "both or none");
      break;
    default:
      break;
  }
  return right;
}

// f = sin(a b) c
Function product(Habit habit) {
  return [op = Product{habit}](const Tensors& x) {
    const NameScope scope("layer");
    return Tensors{sin(apply(op, x[0], x[1])) * x[2]};
  };
}
const Tensors inputs = {variable(random({4}, 1), "a"), variable(random({4}, 2), "b"),
                        variable(random({4}, 3), "c")};

bool mentions(const GradcheckReport& report, const std::string& text) {
  return printed(report).find(text) != std::string::npos;
}

void finds(Habit habit, Kind kind, const std::string& text) {
  const GradcheckReport report = gradcheck(product(habit), inputs);
  BOOST_TEST((report.verdict() == Verdict::failed), text);
  BOOST_TEST(report.count(kind) > 0u, text);
  BOOST_TEST(mentions(report, text), "it does not say '" << text << "':\n" << report);
  BOOST_TEST(mentions(report, "test_product in layer"), report);
}

BOOST_AUTO_TEST_SUITE(gradcheck_calls)

BOOST_AUTO_TEST_CASE(well_behaved_vjps_pass) {
  BOOST_TEST(gradcheck(product(Habit::none), inputs));
  // Sums return the cotangent itself, reshapes a view of it, identities an input.
  const Function aliases = [](const Tensors& x) {
    return Tensors{x[0] + x[1], reshape(x[2] + x[0], {2, 2}), x[1], x[1]};
  };
  const GradcheckReport report = gradcheck(aliases, inputs, {.order = 2});
  BOOST_TEST(report);
  BOOST_TEST(report.findings.empty());
}

BOOST_AUTO_TEST_CASE(a_vjp_that_edits_its_cotangent_is_named) {
  finds(Habit::edits_cotangent, Kind::side_effect,
        "the vjp of test_product in layer: changes its cotangent");
}

BOOST_AUTO_TEST_CASE(a_vjp_that_edits_a_value_of_the_tape_is_named) {
  finds(Habit::edits_input, Kind::side_effect, "changes an input of the operation");
}

BOOST_AUTO_TEST_CASE(a_vjp_that_returns_a_buffer_it_keeps_is_named) {
  finds(Habit::keeps_buffer, Kind::side_effect, "a buffer that it keeps and writes again");
}

BOOST_AUTO_TEST_CASE(a_vjp_that_adds_to_what_it_returned_before_is_found) {
  finds(Habit::adds_to_buffer, Kind::side_effect, "the vjp called twice gives");
}

BOOST_AUTO_TEST_CASE(values_left_over_from_another_run_are_found) {
  finds(Habit::stale, Kind::side_effect, "called after a run at other inputs, gives");
}

BOOST_AUTO_TEST_CASE(a_vjp_that_clips_is_not_linear) {
  finds(Habit::clips, Kind::not_linear, "is it clipped?");
  finds(Habit::clips_values, Kind::not_linear, "is it clipped?");
  finds(Habit::drops_small, Kind::not_linear, "are small cotangents or gradients dropped?");
  finds(Habit::absolute, Kind::not_linear, "does the vjp take an absolute value?");
  finds(Habit::norm_of_two, Kind::not_linear, "-1 times as large");
}

BOOST_AUTO_TEST_CASE(a_vjp_that_is_wrong_for_some_inputs_only_is_found) {
  finds(Habit::wrong_if_alone, Kind::side_effect, "when only a needs a gradient");
  finds(Habit::wrong_if_first_is_constant, Kind::side_effect, "when a needs no gradient");
  finds(Habit::throws_if_alone, Kind::side_effect,
        "it throws: the vjp of test_product in layer: both");
}

BOOST_AUTO_TEST_CASE(a_vjp_that_is_wrong_for_some_outputs_only_is_found) {
  // Too many elements for the Jacobian, which looks at each output by itself.
  const Tensor x = random({100}, 1);
  BOOST_TEST(gradcheck(powers(Powers::Rule::right), {x}));
  const GradcheckReport presumes = gradcheck(powers(Powers::Rule::presumes), {x});
  BOOST_TEST(presumes.count(Kind::side_effect) == 1u);
  BOOST_TEST(mentions(presumes, "when only output 0 is used it throws: the vjp of test_powers"),
             presumes);
  const GradcheckReport forgets = gradcheck(powers(Powers::Rule::forgets), {x});
  BOOST_TEST(mentions(forgets, "what does the vjp do with an empty cotangent?"), forgets);
}

BOOST_AUTO_TEST_CASE(a_vjp_that_is_wrong_if_it_is_recorded_is_found) {
  finds(Habit::wrong_if_recorded, Kind::side_effect, "if the sweep is recorded (create_graph)");
}

BOOST_AUTO_TEST_CASE(a_function_that_changes_its_input_is_stopped_there) {
  const Function f = [](const Tensors& x) {
    Tensor same = x[1];
    same.edit<double>()[2] = 0;
    return Tensors{sin(x[0]) * 2};
  };
  const Tensors before = {copy(inputs[1])};
  const GradcheckReport report = gradcheck(f, inputs);
  BOOST_TEST((report.verdict() == Verdict::failed));
  BOOST_TEST(report.findings.size() == 1u);
  BOOST_TEST(mentions(report, "side effect: b[2]: the function changes this input in place"),
             report);
  BOOST_TEST(numbers(inputs[1]) == numbers(before[0]));
}

BOOST_AUTO_TEST_CASE(a_function_that_returns_a_buffer_it_keeps_is_found) {
  const auto buffer = std::make_shared<Tensor>(zeros({4}, DType::f64));
  const Function f = [=](const Tensors& x) {
    const Tensor y = sin(x[0]);
    std::ranges::copy(y.values<double>(), buffer->edit<double>().begin());
    return Tensors{Tensor(y.form(), buffer->storage(), y.history())};
  };
  const GradcheckReport report = gradcheck(f, {inputs[0]});
  BOOST_TEST(report.count(Kind::side_effect) == 1u);
  BOOST_TEST(mentions(report, "f returns a buffer that it keeps"), report);
}

BOOST_AUTO_TEST_CASE(a_function_that_remembers_its_last_inputs_is_found) {
  const auto last = std::make_shared<Tensor>();
  const Function f = [=](const Tensors& x) {
    if (!last->defined()) *last = copy(x[0]);
    const Tensor y = sin(x[0]) * *last;
    if (largest(*last - x[0]) > 0) *last = copy(x[0]);
    return Tensors{y};
  };
  BOOST_TEST((gradcheck(f, {inputs[0]}).verdict() == Verdict::failed));
}

// f takes the gradient of its own input, so it only runs if that is tracked.
BOOST_AUTO_TEST_CASE(a_function_that_differentiates_itself_passes) {
  const Function f = [](const Tensors& x) {
    const Tensor y = sum(sin(x[0]) * x[1]);
    return Tensors{y, vjp([&](const Tensors& z) { return Tensors{sum(sin(z[0]) * x[1])}; }, {x[0]},
                          {.create_graph = true})
                          .pullback({ones({}, DType::f64)})[0]};
  };
  BOOST_TEST(gradcheck(f, {inputs[0], inputs[1]}));
}

BOOST_AUTO_TEST_CASE(random_functions_are_left_to_the_check_of_repeatability) {
  std::uint64_t calls = 0;
  const Function noisy = [&](const Tensors& x) {
    return Tensors{x[0] + normal({4}, 0, 1, Key(++calls), DType::f64)};
  };
  const GradcheckReport report = gradcheck(noisy, {inputs[0]});
  BOOST_TEST(report.count(Kind::nondeterministic) == 1u);
  BOOST_TEST(report.count(Kind::side_effect) == 0u);
}

BOOST_AUTO_TEST_CASE(calls_can_be_left_out) {
  BOOST_TEST(gradcheck(product(Habit::clips), inputs, {.calls = false}));
}

BOOST_AUTO_TEST_CASE(allocations_are_counted_where_asked_for) {
  const auto count = [](const Function& f) {
    const GradcheckReport report = gradcheck(f, {inputs[0]}, {.allocations = true});
    BOOST_TEST_REQUIRE(report.allocations.has_value());
    BOOST_TEST(mentions(report, "; f makes "));
    return *report.allocations;
  };
  const Allocations one = count(of_one(sin));
  const Allocations two = count([](const Tensors& x) { return Tensors{sin(sin(x[0]))}; });
  BOOST_TEST(one.forward == 1u);
  BOOST_TEST(two.forward == 2u);
  BOOST_TEST(two.vjp > one.vjp);
  BOOST_TEST(one.vjp_bytes >= 4 * sizeof(double));
  BOOST_TEST(!gradcheck(of_one(sin), {inputs[0]}).allocations);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

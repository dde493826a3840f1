// Recorded values: right and wrong gradients, and files that do not fit together.
#include "examples/gradcheck/recording.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/grad.h"
#include "autograd/observer.h"
#include "nn/saving/safetensors.h"
#include "tests/autograd/gradcheck/support.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Kind = Finding::Kind;
using nn::SafeTensors;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Tensors of one shape as rows of one tensor.
Tensor stacked(const Tensors& rows) {
  Tensors with_axis;
  for (const Tensor& row : rows) with_axis.push_back(reshape(row, Shape{1}.joined(row.shape())));
  return concat(with_axis, 0);
}

struct Plan {
  Index random_directions = 0;
  bool single_elements = true;
  bool single_outputs = true;
  Index steps = 30;
};

// Records y = f(x), two inputs a and b and one output y, as another program would. Random
// cotangents are rows 0 and 1.
SafeTensors recorded_values(const Function& f, const Tensors& inputs, Plan plan = {}) {
  const Unobserved probing;
  Tensors xs;
  for (const Tensor& x : inputs) xs.push_back(variable(x));
  const Tensor y = f(xs)[0];
  SafeTensors file;
  const auto name = [](std::size_t i) { return std::string(1, static_cast<char>('a' + i)); };

  Tensors cotangents = {random(y.shape(), 21), random(y.shape(), 22)};
  for (Index j = 0; plan.single_outputs && j < y.numel(); ++j) {
    cotangents.push_back(zeros(y.shape(), DType::f64));
    cotangents.back().edit<double>()[at(j)] = 1;
  }
  std::vector<Tensors> gradients(inputs.size());
  for (Tensor& cotangent : cotangents) {
    cotangent = cast(cotangent, y.dtype());
    const Tensors found = grad({y}, xs, {cotangent}, {.zeros_if_independent = true});
    for (std::size_t i = 0; i < inputs.size(); ++i) gradients[i].push_back(found[i]);
  }

  std::vector<Tensors> directions;  // [directions][inputs]
  const auto still = [&] {
    Tensors zero;
    for (const Tensor& x : inputs) zero.push_back(zeros(x.shape(), DType::f64));
    return zero;
  };
  for (std::size_t i = 0; plan.single_elements && i < inputs.size(); ++i)
    for (Index k = 0; k < inputs[i].numel(); ++k) {
      directions.push_back(still());
      directions.back()[i].edit<double>()[at(k)] = k % 2 == 0 ? 1 : -0.5;
    }
  for (Index k = 0; k < plan.random_directions; ++k) {
    directions.emplace_back();
    for (std::size_t i = 0; i < inputs.size(); ++i)
      directions.back().push_back(random(inputs[i].shape(), 100 + 10 * at(k) + i));
  }

  Tensors ups, downs;
  std::vector<double> steps;
  for (Index s = 0; s < plan.steps; ++s) steps.push_back(std::ldexp(1.0, -3 - static_cast<int>(s)));
  for (const Tensors& u : directions) {
    Tensors up, down;
    for (const double h : steps)
      for (const double sign : {1.0, -1.0}) {
        Tensors there;
        for (std::size_t i = 0; i < inputs.size(); ++i)
          there.push_back(cast(cast(inputs[i], DType::f64) + sign * h * u[i], inputs[i].dtype()));
        (sign > 0 ? up : down).push_back(detach(f(there)[0]));
      }
    ups.push_back(stacked(up));
    downs.push_back(stacked(down));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Tensors own;
    for (const Tensors& u : directions) own.push_back(u[i]);
    file.tensors["input." + name(i)] = inputs[i];
    file.tensors["gradient." + name(i)] = stacked(gradients[i]);
    file.tensors["direction." + name(i)] = stacked(own);
  }
  file.tensors["output.y"] = detach(y);
  file.tensors["cotangent.y"] = stacked(cotangents);
  file.tensors["up.y"] = stacked(ups);
  file.tensors["down.y"] = stacked(downs);
  file.tensors["step"] = from(steps, {std::ssize(steps)});
  return file;
}

recorded::Recording read(const SafeTensors& values) {
  const Folder folder;
  nn::write_safetensors(folder / "values.safetensors", values);
  return recorded::read(folder / "values.safetensors");
}

GradcheckReport checked(const SafeTensors& values) { return recorded::check(read(values)); }

// The error without the folder's name.
std::string refusal(const SafeTensors& values) {
  try {
    read(values);
  } catch (const Error& error) {
    const std::string text = error.what(), file = "values.safetensors: ";
    return text.substr(text.find(file) + file.size());
  }
  return "";
}

Tensors product(const Tensors& x) { return {tanh(matmul(x[0], x[1]))}; }
const Tensors factors = {random({2, 3}, 1), random({3, 2}, 2)};

SafeTensors with_factor(SafeTensors values, const std::string& name, double factor) {
  values.tensors.at(name) = factor * values.tensors.at(name);
  return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recording_suite)

BOOST_AUTO_TEST_CASE(right_gradients_are_ok_and_the_whole_jacobian_is_checked) {
  const GradcheckReport report =
      checked(recorded_values(product, factors, {.random_directions = 2}));
  BOOST_TEST(report);
  BOOST_TEST(report.worst_error < 1e-9);
  BOOST_TEST_REQUIRE(report.coverage.size() == 1u);
  const Coverage& coverage = report.coverage[0];
  BOOST_TEST(coverage.inputs == 12);
  BOOST_TEST(coverage.measured == 12);
  BOOST_TEST(coverage.outputs == 4);
  BOOST_TEST(coverage.jacobian);
  BOOST_TEST(coverage.cotangents == 2);
}

BOOST_AUTO_TEST_CASE(a_wrong_gradient_is_found_and_diagnosed) {
  const SafeTensors right = recorded_values(product, factors, {.random_directions = 2});
  const GradcheckReport report = checked(with_factor(right, "gradient.b", 2));
  BOOST_TEST((report.verdict() == Verdict::failed));
  BOOST_TEST(report.count(Kind::mismatch) == 6u);  // b's elements, not the random directions too
  for (const Finding& finding : report.findings) BOOST_TEST(finding.input == 1);
  BOOST_TEST_REQUIRE(report.diagnoses.size() == 1u);
  BOOST_TEST(report.diagnoses[0].name == "b");
  BOOST_TEST((report.diagnoses[0].kind == Diagnosis::Kind::factor));
}

BOOST_AUTO_TEST_CASE(an_error_of_a_millionth_is_found) {
  const SafeTensors right = recorded_values(product, factors);
  BOOST_TEST(!checked(with_factor(right, "gradient.a", 1 + 1e-6)));
}

BOOST_AUTO_TEST_CASE(one_wrong_element_of_one_row_is_named) {
  SafeTensors values = recorded_values(product, factors);
  Tensor gradient = copy(values.tensors["gradient.a"]);  // [6, 2, 3]
  gradient.edit<double>()[3 * 6 + 4] += 0.1;
  values.tensors["gradient.a"] = gradient;
  const GradcheckReport report = checked(values);
  BOOST_TEST_REQUIRE(report.findings.size() == 1u);
  BOOST_TEST(report.findings[0].where == "a[1, 1]");
  BOOST_TEST(report.findings[0].cotangent == "y[0, 1]");
  BOOST_TEST(report.findings[0].element == 4);
}

BOOST_AUTO_TEST_CASE(random_directions_alone_show_right_from_wrong) {
  const Plan plan{.random_directions = 4, .single_elements = false};
  const SafeTensors right = recorded_values(product, factors, plan);
  const GradcheckReport good = checked(right),
                        bad = checked(with_factor(right, "gradient.b", 1.01));
  BOOST_TEST(good);
  BOOST_TEST(good.coverage[0].projections == 4);
  BOOST_TEST(good.coverage[0].could_be_missed > 0);
  BOOST_TEST(good.coverage[0].could_be_missed < 1e-5);
  BOOST_TEST((bad.verdict() == Verdict::failed));
  BOOST_TEST(bad.findings[0].where == "along direction 0");
}

BOOST_AUTO_TEST_CASE(what_was_recorded_in_f32_is_judged_with_its_noise) {
  const Tensors single = {cast(factors[0], DType::f32), cast(factors[1], DType::f32)};
  const SafeTensors right = recorded_values(product, single);
  const GradcheckReport good = checked(right);
  BOOST_TEST(good);
  BOOST_TEST(good.coverage[0].could_be_missed > 1e-6);  // and the report says so
  BOOST_TEST(printed(good).find("of the gradient do not show") != std::string::npos);
  BOOST_TEST(!checked(with_factor(right, "gradient.a", 1.1)));
}

BOOST_AUTO_TEST_CASE(a_kink_is_no_failure_and_a_slope_beside_it_is_one) {
  const auto f = [](const Tensors& x) { return Tensors{relu(x[0])}; };
  const Tensor x = tensor({0, 1, -1}, DType::f64);
  SafeTensors values = recorded_values(f, {x}, {.random_directions = 2});
  const GradcheckReport good = checked(values);
  BOOST_TEST(good);
  BOOST_TEST_REQUIRE(good.count(Kind::kink) == 1u);
  BOOST_TEST(good.findings[0].where == "a[0]");
  Tensor gradient = copy(values.tensors["gradient.a"]);
  gradient.edit<double>()[2 * 3] = 1.5;  // of y[0] by a[0]
  values.tensors["gradient.a"] = gradient;
  BOOST_TEST(!checked(values));
}

BOOST_AUTO_TEST_CASE(a_jump_and_a_value_that_is_not_finite_are_found) {
  const auto step = [](const Tensors& x) {
    return Tensors{x[0] + cast(greater(x[0], zeros(x[0].shape(), DType::f64)), DType::f64)};
  };
  const GradcheckReport jump = checked(recorded_values(step, {tensor({1e-30}, DType::f64)}));
  BOOST_TEST(jump.count(Kind::jump) == 1u);
  SafeTensors values = recorded_values(product, factors);
  Tensor y = copy(values.tensors["output.y"]);
  y.edit<double>()[1] = std::nan("");
  values.tensors["output.y"] = y;
  const GradcheckReport report = checked(values);
  BOOST_TEST_REQUIRE(report.count(Kind::not_finite) == 1u);
  BOOST_TEST(report.findings[0].where == "y[0, 1]");
}

BOOST_AUTO_TEST_CASE(what_no_direction_moves_and_no_cotangent_weighs_is_undecidable) {
  SafeTensors values = recorded_values(product, factors);
  Tensor direction = copy(values.tensors["direction.a"]);
  direction.edit<double>()[0] = 0;  // a[0, 0] in direction 0
  values.tensors["direction.a"] = direction;
  BOOST_CHECK_THROW(checked(values), Error);  // direction 0 moves nothing at all
  direction.edit<double>()[1] = 1;
  const GradcheckReport report = checked(values);
  BOOST_TEST((report.verdict() != Verdict::ok));

  const SafeTensors random = recorded_values(product, factors, {.single_outputs = false});
  SafeTensors dark = random;
  Tensor cotangent = copy(dark.tensors["cotangent.y"]), gradient = copy(dark.tensors["gradient.a"]);
  for (const Index row : {0, 1}) cotangent.edit<double>()[at(4 * row)] = 0;
  dark.tensors["cotangent.y"] = cotangent;
  BOOST_TEST((checked(random).verdict() == Verdict::ok));
  BOOST_TEST(checked(dark).count(Kind::undecidable) == 1u);
}

BOOST_AUTO_TEST_CASE(a_gradient_of_a_zero_cotangent_is_not_linear) {
  SafeTensors values = recorded_values(product, factors, {.single_outputs = false});
  Tensor cotangent = copy(values.tensors["cotangent.y"]);
  std::ranges::fill(cotangent.edit<double>().subspan(4), 0.0);  // row 1
  values.tensors["cotangent.y"] = cotangent;
  BOOST_TEST(checked(values).count(Kind::not_linear) == 1u);
}

BOOST_AUTO_TEST_CASE(few_steps_give_a_coarse_verdict_that_never_flatters) {
  const auto f = [](const Tensors& x) { return Tensors{sin(20 * x[0])}; };
  const SafeTensors values = recorded_values(f, {random({3}, 4)}, {.steps = 3});
  BOOST_TEST((checked(values).verdict() == Verdict::undecidable));
  BOOST_TEST((checked(with_factor(values, "gradient.a", 1.001)).verdict() != Verdict::ok));
}

BOOST_AUTO_TEST_CASE(a_derivative_below_the_noise_is_undecidable_and_zero_is_not) {
  // 1e12 + 1e-6 x: no difference shows the slope.
  const auto drowned = [](const Tensors& x) { return Tensors{1e-6 * x[0] + 1e12}; };
  const Tensor x = tensor({1}, DType::f64);
  BOOST_TEST((checked(recorded_values(drowned, {x})).verdict() == Verdict::undecidable));
  const auto constant = [](const Tensors& all) { return Tensors{0.0 * all[0] + 5.0}; };
  BOOST_TEST(checked(recorded_values(constant, {x})));
  const auto saturated = [](const Tensors& all) { return Tensors{tanh(all[0])}; };
  BOOST_TEST(checked(recorded_values(saturated, {tensor({40, 1}, DType::f64)})));
}

BOOST_AUTO_TEST_CASE(an_output_that_drowns_in_another_is_undecidable) {
  const auto f = [](const Tensors& x) { return Tensors{sin(x[0])}; };
  const Plan mixed{.single_outputs = false};
  SafeTensors values = recorded_values(f, {random({3}, 4)}, mixed);
  const SafeTensors large = recorded_values(
      [](const Tensors& x) { return Tensors{1e14 * cos(x[0])}; }, {random({3}, 4)}, mixed);
  for (const char* name : {"output.", "cotangent.", "up.", "down."})
    values.tensors[name + std::string("z")] = large.tensors.at(name + std::string("y"));
  Tensor& gradient = values.tensors["gradient.a"];
  gradient = gradient + large.tensors.at("gradient.a");
  const GradcheckReport report = checked(values);
  BOOST_TEST((report.verdict() == Verdict::undecidable));
  BOOST_TEST_REQUIRE(report.findings.size() == 1u);
  BOOST_TEST(report.findings[0].where == "y");
}

BOOST_AUTO_TEST_CASE(integers_are_constants) {
  const auto f = [](const Tensors& x) { return Tensors{x[0] * x[0]}; };
  SafeTensors values = recorded_values(f, {random({3}, 4)});
  values.tensors["input.ids"] = from(std::vector<Index>{1, 2}, {2});
  values.tensors["output.lengths"] = from(std::vector<Index>{1}, {1});
  BOOST_TEST(checked(values));
}

BOOST_AUTO_TEST_CASE(no_wrong_element_of_any_gradient_passes) {
  const SafeTensors right = recorded_values(product, factors);
  for (const char* name : {"gradient.a", "gradient.b"})
    for (Index k = 0; k < right.tensors.at(name).numel(); ++k) {
      SafeTensors wrong = right;
      Tensor gradient = copy(right.tensors.at(name));
      gradient.edit<double>()[at(k)] += 1e-5;
      wrong.tensors[name] = gradient;
      BOOST_TEST((checked(wrong).verdict() == Verdict::failed), name << ", element " << k);
    }
}

BOOST_AUTO_TEST_CASE(strange_numbers_anywhere_are_no_crash_and_no_ok) {
  const SafeTensors right = recorded_values(product, factors, {.random_directions = 1});
  for (const auto& [name, tensor] : right.tensors)
    for (const double strange : {std::nan(""), -HUGE_VAL, 1e308}) {
      SafeTensors values = right;
      Tensor changed = copy(tensor);
      changed.edit<double>()[0] = strange;
      values.tensors[name] = changed;
      try {
        // One step of thirty may be lost.
        const bool only_a_step = name == "up.y" || name == "down.y";
        BOOST_TEST((checked(values).verdict() != Verdict::ok || only_a_step),
                   name << " " << strange);
      } catch (const Error& error) {
        BOOST_TEST(std::string(error.what()).find("step") != std::string::npos);
      }
    }
}

BOOST_AUTO_TEST_CASE(what_is_missing_or_does_not_fit_is_named) {
  const SafeTensors values = recorded_values(product, factors);
  for (const char* name : {"gradient.a", "direction.b", "cotangent.y", "up.y", "down.y", "step"}) {
    SafeTensors without = values;
    without.tensors.erase(name);
    BOOST_TEST(refusal(without).starts_with(std::string(name) + " is missing: "), refusal(without));
  }
  for (const auto& [name, part] : {std::pair("input.a", "gradient.a belongs to input.a"),
                                   std::pair("output.y", "cotangent.y belongs to output.y")}) {
    SafeTensors without = values;
    without.tensors.erase(name);
    BOOST_TEST(refusal(without).find(part) != std::string::npos, refusal(without));
    BOOST_TEST(refusal(without).find("direction.a belongs") == std::string::npos);
  }
  const auto changed = [&](const std::string& name, const Tensor& x) {
    SafeTensors other = values;
    other.tensors[name] = x;
    return refusal(other);
  };
  BOOST_TEST(
      changed("grad.a", zeros({1})).starts_with("there is no use for a tensor named 'grad.a'"));
  BOOST_TEST(changed("gradient.a", zeros({2, 3})) ==
             "gradient.a has the shape [2, 3]; it must be [6] of [2, 3], the gradient for each "
             "cotangent");
  BOOST_TEST(
      changed("up.y", values.tensors.at("input.a")).starts_with("up.y has the shape [2, 3]"));
  BOOST_TEST(changed("step", tensor({0.5, 0.25}, DType::f64)).starts_with("step has 2 steps"));
  BOOST_TEST(changed("step", tensor({0.5, 0.25, 0.2}, DType::f64)) ==
             "step goes from 0.25 to 0.2; each must be half of the one before");
  BOOST_TEST(changed("step", tensor({0, 0, 0}, DType::f64)).starts_with("step has the value 0"));
}

BOOST_AUTO_TEST_CASE(a_file_with_nothing_to_check_is_refused) {
  SafeTensors values;
  values.tensors["input.ids"] = from(std::vector<Index>{1}, {1});
  values.tensors["output.y"] = zeros({2}, DType::f64);
  BOOST_TEST(refusal(values) == "there is nothing to check: no input has real elements");
  values.tensors["input.x"] = zeros({0, 3}, DType::f64);
  BOOST_TEST(refusal(values) == "there is nothing to check: no input has real elements");
  values.tensors["input.x"] = zeros({3}, DType::f64);
  values.tensors["output.y"] = zeros({0}, DType::f64);
  BOOST_TEST(refusal(values) == "there is nothing to check: no output has real elements");
}

BOOST_AUTO_TEST_CASE(steps_that_leave_the_domain_are_left_out) {
  const auto f = [](const Tensors& x) { return Tensors{log(x[0])}; };
  const SafeTensors values = recorded_values(f, {tensor({0.01, 3}, DType::f64)});
  BOOST_TEST(checked(values));
  BOOST_TEST(!checked(with_factor(values, "gradient.a", 1.0001)));
}

BOOST_AUTO_TEST_CASE(axes_may_be_joined) {
  SafeTensors values = recorded_values(product, factors);
  Tensor& up = values.tensors["up.y"];
  up = reshape(up, {up.size(0), up.size(1), 4});
  BOOST_TEST(checked(values));
}

BOOST_AUTO_TEST_SUITE_END()

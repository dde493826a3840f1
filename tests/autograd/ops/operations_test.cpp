// Tests made from the table of samples: what must hold for every operation.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/support/files.h"
#include "tests/autograd/ops/samples.h"
#include "tests/autograd/ops/samples/awkward.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr Key key{20240229};

Tensors variables(const Tensors& values) {
  Tensors result;
  for (const Tensor& value : values) result.push_back(variable(value));
  return result;
}

Tensors cast_all(const Tensors& xs, DType dtype) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(cast(x, dtype));
  return result;
}

Tensor random_like(const Tensor& x, Key of) {
  return cast(normal(x.shape(), 0, 1, of, DType::f64), x.dtype());
}

// A function's value and its first and second derivatives along fixed random cotangents.
struct Derivatives {
  Tensor value;
  Tensors first, second;
};
Derivatives derivatives(const Sample& sample, const Tensors& values) {
  constexpr GradOptions lenient = {.create_graph = true, .zeros_if_independent = true};
  const Tensors xs = variables(values);
  const Tensor y = sample.f(xs);
  if (!is_real(y.dtype())) return {y, {}, {}};
  const Tensors first = grad(Tensors{y}, xs, {random_like(y, key.child("value"))}, lenient);
  Tensors cotangents;
  for (const Tensor& x : first)
    cotangents.push_back(random_like(x, key.child("first").child(cotangents.size())));
  return {y, first, grad(first, xs, cotangents, lenient)};
}

double worst(const Tensors& actual, const Tensors& expected) {
  if (actual.size() != expected.size()) return 1e300;
  double result = 0;
  for (std::size_t i = 0; i < actual.size(); ++i)
    result = std::max(result, distance(actual[i], cast(expected[i], DType::f64)));
  return result;
}

// |actual − expected| relative to the largest element: in f32, small elements come from large ones
// that cancel.
double scaled_distance(const Tensor& actual, const Tensor& expected) {
  if (actual.shape() != expected.shape()) return 1e300;
  const Tensor size = expected.numel() == 0 ? scalar(1, DType::f64) : max(abs(expected));
  const double scale = std::max(1.0, size.item());
  double result = 0;
  const std::vector<double> a = numbers(actual), b = numbers(expected);
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!(std::isnan(a[i]) && std::isnan(b[i])) && a[i] != b[i])
      result = std::max(result, std::abs(a[i] - b[i]) / scale);
  return result;
}

// The names of all operations recorded on the way to these tensors.
void collect_names(const Tensors& ys, std::set<std::string>& names) {
  std::set<const Node*> seen;
  std::vector<NodePtr> open;
  const auto enter = [&](const Tensor& x) {
    if (x.tracked() && seen.insert(x.history().node.get()).second) open.push_back(x.history().node);
  };
  for (const Tensor& y : ys) enter(y);
  while (!open.empty()) {
    const NodePtr node = open.back();
    open.pop_back();
    names.insert(node->name());
    for (const SavedInput& operand : node->inputs()) enter(operand.value);
  }
}

// f broadcasts if an input that is cut to size 1 along some axis gives the same result as when it
// is repeated along that axis.
bool seems_to_broadcast(const Sample& sample) {
  if (!sample.smooth || sample.inputs.size() != 2) return false;
  const Tensors values = sample.make(key);
  for (std::size_t i = 0; i < 2; ++i)
    for (Index axis = 0; axis < values[i].rank(); ++axis) {
      if (values[i].size(axis) < 2) continue;
      Tensors cut = values, repeated = values;
      cut[i] = slice(values[i], axis, 0, 1);
      repeated[i] = broadcast_to(cut[i], values[i].shape());
      try {
        const Tensor y = sample.f(repeated);
        if (y.numel() > 0 && distance(sample.f(cut), y) < 1e-12) return true;
      } catch (const Error&) {  // no broadcasting along this axis
      }
    }
  return false;
}

std::string text_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

// The names of all functions declared in ops.h: `Tensor name(`, at the start of a line.
std::vector<std::string> declared_functions() {
  std::istringstream header(read_file("autograd/ops.h"));
  std::vector<std::string> names;
  const std::string start = "Tensor ";
  for (std::string line; std::getline(header, line);)
    if (const auto open = line.find('('); line.starts_with(start) && open != std::string::npos)
      names.push_back(line.substr(start.size(), open - start.size()));
  return names;
}

bool starts_with_operation(const std::string& text) {
  for (const std::string& name : registered_operations())
    if (text.starts_with(name + ": ")) return true;
  return std::ranges::any_of(
      samples(), [&](const Sample& sample) { return text.starts_with(sample.operation + ": "); });
}

void check_derivatives(int order) {
  double worst_error = 0;
  std::string worst_name;
  for (const Sample& sample : samples()) {
    if (!sample.smooth) continue;
    const GradcheckReport report =
        gradcheck([&](const Tensors& xs) { return Tensors{sample.f(xs)}; }, sample.make(key),
                  {.order = order});
    const Verdict verdict = report.verdict();
    const Coverage& first = report.coverage.at(0);
    const bool nothing = first.inputs == 0 || first.outputs == 0;
    const bool hidden = verdict == Verdict::undecidable && (nothing || is_extreme(sample.label));
    BOOST_TEST((verdict == Verdict::ok || hidden), sample.name() << ": " << report);
    if (report.worst_error < worst_error) continue;
    worst_error = report.worst_error;
    worst_name = sample.name();
  }
  std::ostringstream line;
  line << "derivatives of order " << order << " against finite differences, " << samples().size()
       << " samples: worst relative error " << worst_error << " in " << worst_name;
  BOOST_TEST_MESSAGE(line.str());
  std::cout << line.str() << std::endl;
}

BOOST_AUTO_TEST_SUITE(operations)

// ---- The table itself ---------------------------------------------------------------------------

// A sample covers the operation it is named after, the operations on its tape, and those on the
// tape of its gradient, where the fused backwards are.
BOOST_AUTO_TEST_CASE(every_registered_operation_has_a_sample) {
  std::set<std::string> covered;
  for (const Sample& sample : samples()) {
    covered.insert(sample.operation);
    if (!sample.smooth) continue;
    Tensors tapes = derivatives(sample, sample.make(key)).first;
    tapes.push_back(sample.f(variables(sample.make(key))));
    collect_names(tapes, covered);
  }
  for (const std::string& name : registered_operations())
    if (!name.starts_with("test_"))
      BOOST_TEST(covered.contains(name), "no sample for the operation " << name);
}

BOOST_AUTO_TEST_CASE(every_public_function_has_a_sample) {
  const std::vector<std::string> functions = declared_functions();
  BOOST_TEST(std::ranges::count(functions, "softmax") == 1);
  std::set<std::string> sampled;
  for (const Sample& sample : samples()) sampled.insert(sample.operation);
  for (const std::string& name : functions)
    BOOST_TEST(sampled.contains(name), "no sample for the function " << name);
}

// Sizes of 0 and 1, broadcasting on both sides, one tensor as two inputs, large and tiny
// magnitudes: a case without a sample has not been checked.
BOOST_AUTO_TEST_CASE(the_samples_show_every_awkward_case) {
  std::map<std::string, std::set<Awkward>> shown;
  for (const Sample& sample : samples())
    if (sample.smooth) shown[sample.operation].merge(awkwardness(sample));
  for (const auto& [operation, cases] : shown)
    for (const Awkward which : required(operation))
      BOOST_TEST(cases.contains(which), operation << " has no sample with " << name_of(which));
}

// An excuse must go when it is no longer needed, or when its operation is gone.
BOOST_AUTO_TEST_CASE(every_excuse_is_needed) {
  std::set<std::string> operations;
  std::map<std::string, std::set<Awkward>> shown;
  for (const Sample& sample : samples()) shown[sample.operation].merge(awkwardness(sample));
  for (const Excuse& excuse : excuses()) {
    BOOST_TEST(shown.contains(excuse.operation), excuse.operation);
    BOOST_TEST(!shown[excuse.operation].contains(excuse.which),
               excuse.operation << " is excused from " << name_of(excuse.which)
                                << ", and has a sample with it");
  }
}

BOOST_AUTO_TEST_CASE(operations_that_broadcast_are_listed) {
  std::set<std::string> found;
  for (const Sample& sample : samples())
    if (seems_to_broadcast(sample)) found.insert(sample.operation);
  BOOST_TEST(found.size() > 5);
  for (const std::string& operation : found)
    BOOST_TEST(broadcasts(operation), operation << " broadcasts: list it in awkward.cpp");
}

BOOST_AUTO_TEST_CASE(no_two_samples_have_the_same_name) {
  std::set<std::string> names;
  for (const Sample& sample : samples())
    BOOST_TEST(names.insert(sample.name()).second, "twice: " << sample.name());
}

// ---- Derivatives --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(first_order_agrees_with_finite_differences) { check_derivatives(1); }

BOOST_AUTO_TEST_CASE(second_order_agrees_with_finite_differences) { check_derivatives(2); }

// A pullback is linear: zeros give zeros.
BOOST_AUTO_TEST_CASE(the_vjp_of_zero_is_zero) {
  for (const Sample& sample : samples()) {
    const Tensors xs = variables(sample.make(key));
    const Tensor y = sample.f(xs);
    if (!is_real(y.dtype())) continue;
    const Tensors gradients =
        grad(Tensors{y}, xs, {zeros(y.shape(), y.dtype())}, {.zeros_if_independent = true});
    for (const Tensor& gradient : gradients)
      BOOST_TEST(distance(gradient, Grid(gradient.shape())) == 0, sample.name());
  }
}

BOOST_AUTO_TEST_CASE(gradients_have_the_form_of_their_inputs) {
  for (const Sample& sample : samples())
    for (const DType dtype : {DType::f32, DType::f64}) {
      const Tensors values = cast_all(sample.make(key), dtype);
      const Derivatives d = derivatives(sample, values);
      for (std::size_t i = 0; i < d.first.size(); ++i) {
        BOOST_TEST((d.first[i].form() == values[i].form()), sample.name());
        BOOST_TEST((d.second[i].form() == values[i].form()), sample.name());
      }
    }
}

BOOST_AUTO_TEST_CASE(no_operation_writes_to_its_inputs) {
  for (const Sample& sample : samples()) {
    const Tensors values = sample.make(key);
    Tensors before;
    for (const Tensor& value : values) before.push_back(copy(value));
    derivatives(sample, values);
    for (std::size_t i = 0; i < values.size(); ++i)
      BOOST_TEST(same_bits(values[i], before[i]), sample.name());
  }
}

BOOST_AUTO_TEST_CASE(a_second_run_gives_the_same_bits) {
  for (const Sample& sample : samples()) {
    const Derivatives once = derivatives(sample, sample.make(key));
    const Derivatives again = derivatives(sample, sample.make(key));
    BOOST_TEST(same_bits(once.value, again.value), sample.name());
    for (std::size_t i = 0; i < once.first.size(); ++i) {
      BOOST_TEST(same_bits(once.first[i], again.first[i]), sample.name());
      BOOST_TEST(same_bits(once.second[i], again.second[i]), sample.name());
    }
  }
}

// ---- Types and forms ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(f32_agrees_with_f64) {
  for (const Sample& sample : samples()) {
    // Numbers that f32 can hold, so that they are the same in both types.
    const Tensors narrow = cast_all(sample.make(key), DType::f32);
    const Derivatives d = derivatives(sample, narrow);
    const Derivatives exact = derivatives(sample, cast_all(narrow, DType::f64));
    if (is_real(exact.value.dtype()))
      BOOST_TEST((d.value.dtype() == DType::f32), sample.name() << " is not f32");
    BOOST_TEST(scaled_distance(d.value, cast(exact.value, DType::f64)) < 1e-4, sample.name());
    for (std::size_t i = 0; i < d.first.size(); ++i)
      BOOST_TEST(scaled_distance(d.first[i], exact.first[i]) < 1e-4, sample.name()
                                                                         << ", gradient " << i);
  }
}

BOOST_AUTO_TEST_CASE(fused_agrees_with_composed) {
  for (const Sample& sample : samples()) {
    const Derivatives fused = derivatives(sample, sample.make(key));
    const Composed guard;
    const Derivatives plain = derivatives(sample, sample.make(key));
    BOOST_TEST(distance(fused.value, cast(plain.value, DType::f64)) < 1e-10, sample.name());
    BOOST_TEST(worst(fused.first, plain.first) < 1e-9, sample.name() << ", first order");
    BOOST_TEST(worst(fused.second, plain.second) < 1e-8, sample.name() << ", second order");
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_recorded_when_recording_is_off) {
  for (const Sample& sample : samples()) {
    const Tensors xs = variables(sample.make(key));
    const NoRecording guard;
    const Tensor y = sample.f(xs);
    const bool is_input =
        std::ranges::any_of(xs, [&](const Tensor& x) { return x.storage() == y.storage(); });
    BOOST_TEST((!y.tracked() || is_input), sample.name());
  }
}

// ---- Errors -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(errors_say_what_is_wrong) {
  for (const ErrorSample& sample : error_samples()) {
    const std::string text = text_of(sample.call);
    BOOST_TEST(text == sample.text, sample.operation << " (" << sample.label << ") says '" << text
                                                     << "', expected '" << sample.text << "'");
  }
}

BOOST_AUTO_TEST_CASE(composed_forms_refuse_what_fused_ones_refuse) {
  const Composed guard;
  for (const ErrorSample& sample : error_samples())
    BOOST_TEST(text_of(sample.call) != "(no error)",
               sample.operation << " (" << sample.label << ") is let through when composed");
}

BOOST_AUTO_TEST_CASE(mixing_f32_and_f64_is_an_error) {
  for (const Sample& sample : samples()) {
    if (sample.inputs.size() < 2) continue;
    Tensors xs = sample.make(key);
    xs.back() = cast(xs.back(), DType::f32);
    const std::string text = text_of([&] { sample.f(xs); });
    BOOST_TEST((text.find("f32") != std::string::npos && text.find("f64") != std::string::npos),
               sample.name() << " says '" << text << "'");
    BOOST_TEST(starts_with_operation(text), sample.name() << " says '" << text << "'");
  }
}

// i64 is for indices and for operations that only move elements.
BOOST_AUTO_TEST_CASE(integers_are_refused_where_they_do_not_belong) {
  const std::set<std::string> takes_any = {
      "equal",     "greater",      "less",        "cast",   "reshape", "permute",
      "transpose", "broadcast_to", "slice",       "split",  "concat",  "stack",
      "where",     "gather",       "scatter_add", "sum_to", "one_hot"};
  std::map<std::string, std::string> unclear;  // one text for each operation
  for (const Sample& sample : samples()) {
    if (takes_any.contains(sample.operation)) continue;
    if (sample.label == "nothing dropped") continue;  // returns x as it is
    if (sample.label == "a row of -inf") continue;    // which i64 cannot hold
    for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
      Tensors xs = sample.make(key);
      xs[i] = zeros(xs[i].shape(), DType::i64);
      const std::string text = text_of([&] { sample.f(xs); });
      if (!starts_with_operation(text))
        unclear.emplace(sample.operation,
                        sample.label + ", input " + std::to_string(i) + ", says '" + text + "'");
    }
  }
  for (const auto& [operation, text] : unclear) BOOST_ERROR(operation + ": " + text);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

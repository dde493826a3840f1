#include "autograd/gradcheck/precision.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <optional>

#include "autograd/gradcheck/flat_function.h"
#include "autograd/gradcheck/numeric_derivative.h"
#include "autograd/gradcheck/random_rounding.h"
#include "autograd/gradcheck/recorded_run.h"
#include "autograd/observer.h"
#include "autograd/ops.h"
#include "autograd/tools/inspect.h"

namespace adjoint::checking {
namespace {

using Kind = Finding::Kind;

constexpr int draws = 6;                     // of random rounding errors
constexpr int few_draws = 4;                 // for a large function
constexpr Index large = 10'000;              // elements of all inputs
constexpr double safety = 20;                // times the largest move that they cause
constexpr double least_precision = 0.01;     // with a larger relative tolerance it takes agreement
constexpr double least_agreement = 0.003;    // relative
constexpr double rounding_of_single = 1e-4;  // of a derivative, after some cancellation
constexpr double largest_single = std::numeric_limits<float>::max();
constexpr double smallest_single = std::numeric_limits<float>::min();

Tensors cast_all(const Tensors& xs, DType dtype) {
  Tensors result;
  for (const Tensor& x : xs)
    result.push_back(is_real(x.dtype()) ? cast(detach(x), dtype) : detach(x));
  return result;
}

bool has(const Tensors& xs, DType dtype) {
  return std::ranges::count(xs, dtype, &Tensor::dtype) > 0;
}

// ---- One run -----------------------------------------------------------------------------------

// The values of each real output, and the gradient of each real input.
struct Results {
  std::vector<Vector> values, gradients;
};

Results run(const Function& f, const Tensors& inputs, const Tensors& cotangents) {
  const RecordedRun recorded(f, inputs);
  Results results;
  for (const Tensor& y : recorded.real_ys) results.values.push_back(flatten({y}));
  results.gradients = recorded.gradients(cotangents);
  return results;
}

// ---- Comparing ---------------------------------------------------------------------------------

double root_mean_square(const Vector& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

// The largest number in the real tensors.
double largest(const Tensors& tensors) {
  double result = 0;
  for (const double value : flatten(tensors))
    if (std::isfinite(value)) result = std::max(result, std::abs(value));
  return result;
}

// One tensor in f64, in f32, and as far as rounding may move it.
struct Compared {
  double error = 0;                       // the largest difference
  double size = 0;                        // the largest number in f64
  std::optional<std::size_t> wrong = {};  // the element furthest beyond its tolerance
  double allowed = 0;                     // its tolerance
  bool unjudged = false;  // rounding may explain any number, and f32 does not agree by itself
};

// How far each element may be off. `terms` is the size of the terms that may have cancelled where
// the f64 result is zero.
Vector tolerances(const Vector& wide, const std::vector<const Vector*>& moved, double size,
                  double terms) {
  Vector noise(wide.size(), moved.empty() ? infinity : 0);  // then only ∞ and NaN are wrong
  for (const Vector* draw : moved)
    for (std::size_t i = 0; i < wide.size(); ++i)
      noise[i] = std::max(noise[i], std::abs((*draw)[i] - wide[i]));
  // An element may move little by chance. And sums inside an operation may cancel: it is exact
  // relative to the largest of its results only.
  const double typical = root_mean_square(noise) / 16;
  for (std::size_t i = 0; i < noise.size(); ++i) {
    noise[i] = safety * std::max(noise[i], typical) + 0x1p-19 * size + smallest_single;
    if (std::abs(wide[i]) <= 0x1p-40 * terms) noise[i] += 0x1p-19 * terms;
  }
  return noise;
}

Compared compare(const Vector& wide, const Vector& single, const std::vector<const Vector*>& moved,
                 double terms) {
  Compared result;
  for (const double value : wide) result.size = std::max(result.size, std::abs(value));
  const Vector allowed = tolerances(wide, moved, result.size, terms);
  Vector errors(wide.size());
  double furthest = 1;
  bool zero = true;  // in f64, which rounds 2²⁹ times less than f32
  for (std::size_t i = 0; i < wide.size(); ++i) {
    const double error = std::abs(single[i] - wide[i]);
    if (std::abs(wide[i]) > 0x1p-24 * allowed[i]) zero = false;
    if (!std::isfinite(error) && std::abs(wide[i]) > largest_single) continue;  // rounds to ∞
    if (std::isfinite(error)) errors[i] = error;
    const double beyond = std::isfinite(error) ? error / allowed[i] : infinity;
    if (!(beyond > furthest)) continue;
    furthest = beyond;
    result.wrong = i;
    result.allowed = allowed[i];
  }
  result.error = *std::ranges::max_element(errors);
  const double usual = root_mean_square(wide);
  result.unjudged = !zero && root_mean_square(allowed) > least_precision * usual &&
                    root_mean_square(errors) > least_agreement * usual;
  return result;
}

bool is_finite(const Results& results) {
  const auto finite = [](const Vector& v) {
    return std::ranges::all_of(v, [](double x) { return std::isfinite(x); });
  };
  return std::ranges::all_of(results.values, finite) &&
         std::ranges::all_of(results.gradients, finite);
}

bool same_sizes(const Results& a, const Results& b) {
  const auto same = [](const Vector& v, const Vector& w) { return v.size() == w.size(); };
  return std::ranges::equal(a.values, b.values, same) &&
         std::ranges::equal(a.gradients, b.gradients, same);
}

// The f64 results when every operation rounds to f32 at random, in those draws that stay finite.
std::vector<Results> shaken(const Function& f, const Tensors& xs, const Results& wide,
                            const Tensors& cotangents, Key key) {
  std::vector<Results> result;
  Index elements = 0;
  for (const Tensor& x : xs) elements += x.numel();
  for (int draw = 0; draw < (elements > large ? few_draws : draws); ++draw) try {
      RandomRounding rounding(key.child(at(draw)), draw % 2 == 0);
      const Tensors moved = rounding.rounded(xs);
      const Observing guard(rounding);
      Results results = run(f, moved, rounding.rounded(cotangents));
      if (is_finite(results) && same_sizes(results, wide)) result.push_back(std::move(results));
    } catch (const Error&) {  // it left the domain
    }
  return result;
}

class Comparison {
 public:
  Comparison(const Function& f, const Tensors& inputs, const std::vector<std::string>& names,
             Key key, GradcheckReport& report)
      : f_(f), inputs_(inputs), names_(names), key_(key), report_(report) {}

  std::optional<Tensors> run_all();

 private:
  struct Single {
    Tensors xs;
    Results results;
  };
  std::optional<Single> run_in_single();
  void unjudged(const std::string& where, const std::string& why);
  void judge(const Single& single, const std::vector<Results>& moved);
  void add(const Compared& c, const Finding& finding, const Vector& wide, const Vector& single);
  Finding about_output(std::size_t j, std::size_t element) const;
  Finding about_input(std::size_t k, std::size_t element) const;

  const Function& f_;
  const Tensors& inputs_;
  const std::vector<std::string>& names_;
  Key key_;
  GradcheckReport& report_;
  Tensors cotangents_;
  std::vector<std::size_t> outputs_, real_inputs_;  // positions of the real ones
  std::vector<Shape> output_shapes_;
  Results wide_;
  SinglePrecision verdict_;
};

// Not a finding if f was given in f64: then that is what was asked for.
void Comparison::unjudged(const std::string& where, const std::string& why) {
  if (!verdict_.unjudged.empty()) return;
  verdict_.unjudged = text_from(where, ": ", why);
  if (has(inputs_, DType::f64)) return;
  report_.add({.kind = Kind::undecidable, .where = where, .note = "in f32 " + why});
}

// With the inputs as they were given, if they are of both types; else all in f32.
std::optional<Comparison::Single> Comparison::run_in_single() {
  std::vector<Tensors> candidates;
  if (has(inputs_, DType::f32) && has(inputs_, DType::f64)) candidates.push_back(inputs_);
  candidates.push_back(cast_all(inputs_, DType::f32));
  std::string words;
  for (const Tensors& xs : candidates) try {
      return Single{xs, run(f_, xs, cotangents_)};
    } catch (const Error& error) {
      if (words.empty()) words = error.what();
    }
  unjudged("the function", "it does not run: " + words);
  return std::nullopt;
}

std::optional<Tensors> Comparison::run_all() {
  const Tensors rounded = cast_all(cast_all(inputs_, DType::f32), DType::f64);
  try {
    const RecordedRun recorded(f_, rounded);
    cotangents_ = recorded.random_cotangents(key_.child("cotangent"));
    outputs_ = recorded.positions;
    for (const Tensor& y : recorded.real_ys) output_shapes_.push_back(y.shape());
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      if (is_real(inputs_[i].dtype())) real_inputs_.push_back(i);
    wide_ = run(f_, rounded, cotangents_);
  } catch (const Error& error) {  // rounded to f32, the inputs are outside f's domain
    verdict_.unjudged = text_from("it throws where the inputs are rounded to f32: ", error.what());
  }
  if (verdict_.unjudged.empty() && !is_finite(wide_))
    verdict_.unjudged = "it is not finite where the inputs are rounded to f32";
  std::optional<Single> single;
  if (verdict_.unjudged.empty()) single = run_in_single();
  const std::size_t before = report_.count(Kind::precision);
  if (single) judge(*single, shaken(f_, rounded, wide_, cotangents_, key_.child("rounding")));
  report_.single = verdict_;
  if (!single || report_.count(Kind::precision) == before) return std::nullopt;
  return single->xs;
}

void Comparison::judge(const Single& single, const std::vector<Results>& moved) {
  if (!same_sizes(wide_, single.results))
    return unjudged("the function", "the shapes depend on the type");
  if (has(inputs_, DType::f64) && !is_finite(single.results))
    return unjudged("the function", "it leaves the range of f32");
  const auto each = [&](std::vector<Vector> Results::*part, double SinglePrecision::*worst,
                        double terms, auto about) {
    for (std::size_t k = 0; k < (wide_.*part).size(); ++k) {
      if ((wide_.*part)[k].empty()) continue;
      const Vector &wide = (wide_.*part)[k], &narrow = (single.results.*part)[k];
      std::vector<const Vector*> draws_of_it;
      for (const Results& draw : moved) draws_of_it.push_back(&(draw.*part)[k]);
      const Compared c = compare(wide, narrow, draws_of_it, terms);
      if (c.size > 0x1p-40 * terms) verdict_.*worst = std::max(verdict_.*worst, c.error / c.size);
      add(c, (this->*about)(k, c.wrong.value_or(0)), wide, narrow);
    }
  };
  each(&Results::values, &SinglePrecision::values, largest(single.xs), &Comparison::about_output);
  each(&Results::gradients, &SinglePrecision::gradients, largest(cotangents_),
       &Comparison::about_input);
  if (!is_finite(single.results) && report_.count(Kind::precision) == 0)
    unjudged("the function", "it leaves the range of f32");
}

void Comparison::add(const Compared& c, const Finding& finding, const Vector& wide,
                     const Vector& single) {
  if (c.unjudged && !c.wrong)
    unjudged(finding.where, text_from("it is off by up to ", std::setprecision(2), c.error,
                                      ", which rounding may explain"));
  if (!c.wrong) return;
  Finding wrong = finding;
  wrong.kind = Kind::precision;
  wrong.analytic = single[*c.wrong];
  wrong.numeric = wide[*c.wrong];
  wrong.error = c.allowed;
  const double larger = std::max(std::abs(wrong.analytic), std::abs(wrong.numeric));
  const double apart = std::abs(wrong.analytic - wrong.numeric);
  wrong.relative = std::isfinite(apart) ? apart / larger : infinity;
  wrong.note =
      text_from(finding.input < 0 ? "the value" : "the gradient", " is ", std::setprecision(9),
                wrong.analytic, " in f32 and ", wrong.numeric, " in f64");
  if (std::isfinite(c.allowed))
    wrong.note += text_from("; rounding explains ± ", std::setprecision(2), c.allowed);
  report_.add(wrong);
}

Finding Comparison::about_output(std::size_t j, std::size_t element) const {
  const auto position = static_cast<Index>(element);
  return {.where = text_from("output ", outputs_[j], index_text(output_shapes_[j], position))};
}

Finding Comparison::about_input(std::size_t k, std::size_t element) const {
  const std::size_t input = real_inputs_[k];
  const auto position = static_cast<Index>(element);
  return {.where = names_[input] + index_text(inputs_[input].shape(), position),
          .cotangent = "random 1",
          .input = static_cast<int>(input),
          .element = position};
}

}  // namespace

Runnable make_runnable(const Function& f, const Tensors& inputs, Key key) {
  const auto works = [&](const Tensors& xs) {
    const RecordedRun recorded(f, xs);
    recorded.gradients(recorded.random_cotangents(key.child("probe")));
  };
  const Tensors wide = cast_all(inputs, DType::f64);
  std::string words;
  try {
    works(wide);
    return {f, wide, {}, wide};
  } catch (const Error& error) {
    words = error.what();
  }
  for (const Tensors& xs : {inputs, cast_all(inputs, DType::f32)}) try {
      if (!has(xs, DType::f32)) continue;
      works(xs);
      std::vector<DType> types;
      for (const Tensor& x : xs) types.push_back(x.dtype());
      const Function in_own_types = [f, types](const Tensors& given) {
        Tensors own;
        for (std::size_t i = 0; i < given.size(); ++i) own.push_back(cast(given[i], types[i]));
        return f(own);
      };
      return {in_own_types, wide, words, xs};
    } catch (const Error&) {
    }
  return {f, wide, {}, wide};  // it runs in no type, as the check itself will say
}

std::optional<Tensors> check_in_single(const Function& f, const Tensors& inputs,
                                       const std::vector<std::string>& names,
                                       const GradcheckOptions& options, GradcheckReport& report) {
  return Comparison(f, inputs, names, options.key.child("f32"), report).run_all();
}

std::string first_in_single(const Tensors& xs, const Tensors& ys) {
  if (has(xs, DType::f32)) return {};
  std::map<std::uint64_t, NodePtr> nodes;  // in the order of computation
  for (const Tensor& y : ys)
    for (const NodePtr& node : tape(y)) nodes.emplace(node->number(), node);
  for (const auto& [number, node] : nodes)
    if (!node->is_leaf() && node->outputs()[0].form.dtype == DType::f32)
      return node->scope().empty() ? node->name() : text_from(node->name(), " in ", node->scope());
  return {};
}

void blame_single_precision(const Walk& walk, GradcheckReport& report) {
  const std::string where = first_in_single(walk.xs, walk.ys);
  if (walk.summary.culprit || where.empty()) return;
  for (Finding& finding : report.findings) {
    if (finding.kind != Kind::mismatch || finding.relative > rounding_of_single) continue;
    finding.kind = Kind::precision;
    finding.note = text_from("right to ", std::setprecision(1), finding.relative,
                             " only: f computes in f32 from ", where, " on");
  }
}

}  // namespace adjoint::checking

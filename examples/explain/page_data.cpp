#include "examples/explain/page_data.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "autograd/gradcheck/external_function.h"
#include "autograd/observer.h"
#include "autograd/ops.h"
#include "autograd/support/ambient.h"
#include "autograd/support/printable.h"
#include "autograd/tools/explorer/kept_broadcasts.h"
#include "autograd/tools/explorer/tiled_lengths.h"
#include "autograd/tools/inspect.h"
#include "autograd/tools/story_words.h"
#include "nn/checks.h"

namespace adjoint::expression {
namespace {

using telling::counted;

constexpr Index most_elements = 64;        // that are moved one by one
constexpr std::size_t work = 50'000;       // elements · operations
constexpr std::size_t most_checked = 100;  // operations of a tape whose wrong sweeps are checked
constexpr Index most_measured = 1024;      // derivatives of single outputs
constexpr int half_decades = 22;           // from h = 1e-1 to 1e-12

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// The program as a function of its inputs.
class Expression {
 public:
  Expression(const Program& program, const EvaluationOptions& options, const Evaluation& evaluation)
      : program_(program), options_(options), names_(evaluation.names) {}
  Tensor operator()(const Tensors& xs) const {
    EvaluationOptions options = options_;
    options.dtype = xs[0].dtype();
    for (std::size_t i = 0; i < xs.size(); ++i) options.variables[names_[i]] = xs[i];
    return evaluate(program_, options).result;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  const Program& program_;
  const EvaluationOptions& options_;
  const std::vector<std::string>& names_;
};

Tensors in_f64(const Tensors& xs) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(cast(detach(x), DType::f64));
  return result;
}

// ---- Numeric derivatives ------------------------------------------------------------------------

// The sum of the result as a function of the first elements of each input.
class OfFirstElements {
 public:
  OfFirstElements(const Expression& f, const Tensors& xs, Index most) : f_(f) {
    each = std::max<Index>(1, most / std::ssize(xs));
    for (const Tensor& x : xs) {
      const Tensor flat = reshape(x, {x.numel()});
      const Index moved = std::min(each, x.numel());
      parts.push_back(slice(flat, 0, 0, moved));
      rests_.push_back(slice(flat, 0, moved, x.numel()));
      shapes_.push_back(x.shape());
      all &= moved == x.numel();
    }
  }
  Tensor operator()(const Tensors& moved) const {
    Tensors xs;
    for (std::size_t i = 0; i < moved.size(); ++i)
      xs.push_back(reshape(concat({moved[i], rests_[i]}, 0), shapes_[i]));
    return sum(f_(xs));
  }
  /// The central difference quotient with step h.
  double quotient(std::size_t input, Index element, double h) const try {
    const NoRecording guard;
    const auto moved_by = [&](double step) {
      Tensors moved = parts;
      moved[input] = copy(moved[input]);
      moved[input].edit<double>()[at(element)] += step;
      return (*this)(moved).item();
    };
    return (moved_by(h) - moved_by(-h)) / (2 * h);
  } catch (const Error&) {
    return std::nan("");  // outside of where it is defined
  }

  Tensors parts;
  Index each;       ///< of the elements of each input, at most
  bool all = true;  ///< whether no element is left out

 private:
  const Expression& f_;
  Tensors rests_;
  std::vector<Shape> shapes_;
};

NumericElement judged(const GradcheckReport& report, const Measurement& m, Index element) {
  const Index row = m.cotangents.size(0) - 1;  // the last cotangent is that of the sum alone: 1
  const auto value = [&](const Tensor& x) { return x.at({row, element}); };
  NumericElement result{.element = element,
                        .gradient = value(m.analytic),
                        .numeric = value(m.numeric),
                        .bound = 10 * value(m.error),
                        .accepted = true};
  for (const Finding& finding : report.findings) {
    if (finding.input != m.input || finding.element != element) continue;
    result.accepted = !finding.failed() && finding.kind != Finding::Kind::undecidable;
    result.note = name_of(finding.kind);
    if (!finding.note.empty()) result.note += ": " + finding.note;
  }
  return result;
}

NumericDerivatives numeric_derivatives(const Expression& f, const Tensors& xs, std::size_t nodes,
                                       bool single) {
  const auto most = static_cast<Index>(std::max<std::size_t>(1, work / nodes));
  const OfFirstElements phi(f, xs, std::min(most_elements, most));
  NumericDerivatives result;
  for (int k = 0; k <= half_decades; ++k) result.steps.push_back(std::pow(10, -1 - k / 2.0));
  try {
    const GradcheckReport report =
        gradcheck([&](const Tensors& parts) { return Tensors{phi(parts)}; }, phi.parts,
                  {.names = f.names(),
                   .cotangents = 1,
                   .single = false,
                   .calls = false,
                   .walk = false,
                   .taylor = 0});
    for (const Measurement& m : report.measurements) {
      NumericDerivatives::Leaf leaf{.label = m.name};
      for (Index element = 0; element < m.shape.numel(); ++element) {
        NumericElement judgement = judged(report, m, element);
        for (const double h : result.steps)
          judgement.quotients.push_back(phi.quotient(at(m.input), element, h));
        leaf.elements.push_back(std::move(judgement));
      }
      result.leaves.push_back(std::move(leaf));
    }
  } catch (const Error& error) {
    result.note = printable_line(error.what(), 300);
  }
  if (single) result.note = "Both are computed in f64. ";
  if (!phi.all)
    result.note += text_from("Only the first ", counted(phi.each, "element"), " of each input ",
                             phi.each == 1 ? "is" : "are", " moved.");
  return result;
}

// ---- What checks say ----------------------------------------------------------------------------

// The headline and the diagnoses, and all of it as the report.
void add_findings(WhatIf& what_if, const GradcheckReport& found) {
  const std::string text = printable(text_from(found), 0);
  const std::size_t before = what_if.findings.size();
  if (found) what_if.findings.emplace_back("gradcheck: ok");
  for (const Finding& finding : found.findings)
    if (finding.kind == Finding::Kind::error)
      what_if.findings.push_back("refused: " + printable_line(finding.note, 300));
  // A diagnosis of the one wrong operation says more than its consequences for the expression.
  const auto& walk = found.walk;
  if (walk && walk->culprit) {
    for (const Diagnosis& diagnosis : walk->culprit->report->diagnoses)
      what_if.findings.push_back(text_from("gradcheck: the first wrong operation is ",
                                           walk->culprit->operation, "; ", diagnosis.name, ": ",
                                           diagnosis.text));
  } else {
    for (const Diagnosis& diagnosis : found.diagnoses)
      what_if.findings.push_back("gradcheck: " + printable_line(diagnosis.name) + ": " +
                                 diagnosis.text);
  }
  if (what_if.findings.size() == before)
    what_if.findings.push_back(text.substr(0, text.find('\n')));
  what_if.report += text + '\n';
}

// What gradcheck says of the right function with the gradients of a wrong sweep.
void check(WhatIf& what_if, const Expression& f, const Tensors& xs, bool parts) {
  const auto forward = [&](const Tensors& inputs, bool) {
    const NoRecording guard;
    return Tensors{detach(f(inputs))};
  };
  const auto vjp = [&](const Tensors& inputs, const Tensors&, const Tensors& cotangents) {
    const FlagGuard record(&Ambient::recording, true);
    const KeepValues keep;
    Tensors leaves;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      leaves.push_back(variable(inputs[i], f.names()[i]));
    const Tensor y = f(leaves);
    Tensors gradients = gradients_with(what_if.mistake, y, cotangents[0], leaves);
    for (std::size_t i = 0; parts && i < gradients.size(); ++i)
      gradients[i] = part_that_fits(gradients[i], inputs[i].shape());
    return gradients;
  };
  add_findings(what_if, check_external({"the expression", "the sweep", forward, vjp}, xs,
                                       {.names = f.names(),
                                        .jacobian_up_to = most_measured,
                                        .cotangents = 1,
                                        .calls = false,
                                        .taylor = 0}));
}

// The engine refuses a gradient of another shape. One that writes into a buffer keeps the part that
// fits, and gradcheck can tell which operation is to blame.
void check_parts(WhatIf& what_if, const Expression& f, const Tensors& xs) {
  GradcheckReport found;
  {
    exploring::KeptBroadcasts mistake;
    const Observing guard(mistake);
    const KeepValues keep;
    found = gradcheck([&](const Tensors& inputs) { return Tensors{f(inputs)}; }, xs,
                      {.names = f.names(),
                       .jacobian_up_to = most_measured,
                       .cotangents = 1,
                       .single = false,
                       .calls = false,
                       .taylor = 0});
  }
  if (!found)
    add_findings(what_if, found);
  else  // the operation is not one of a single element
    check(what_if, f, xs, true);
}

// The wrong attention by itself: gradcheck has nothing against it, since its gradient is that of
// what it computes. What finds it is that examples mix.
void check_attention(WhatIf& what_if, const Tensor& y) {
  std::vector<NodePtr> nodes = tape(y);
  std::ranges::reverse(nodes);
  for (const NodePtr& node : nodes) {
    const auto sizes = exploring::padded_attention(*node);
    if (!sizes) continue;
    Tensors inputs;
    for (const SavedInput& input : node->inputs()) {
      Shape joined{sizes->batch, input.value.size(-2), input.value.size(-1)};
      inputs.push_back(reshape(cast(detach(input.value), DType::f64), joined));
    }
    const auto tiled = [&](const Tensors& xs) {  // query, key, value, lengths
      exploring::PaddedAttention wrong = *sizes;
      wrong.batch = xs[0].size(0);
      const std::span<const Index> lengths = xs[3].values<Index>();
      wrong.lengths.assign(lengths.begin(), lengths.end());
      return Tensors{exploring::attention_by_lengths(xs, wrong, true)};
    };
    inputs.push_back(from(sizes->lengths, {sizes->batch}));
    const nn::PropertyReport report =
        nn::batch_independence(tiled, inputs, {.names = {"query", "key", "value", "lengths"}});
    const std::string text = text_from(report);
    what_if.findings.push_back(printable_line(text.substr(0, text.find('\n')), 300));
    if (!report) what_if.findings.push_back("Usual cause: " + report.cause);
    what_if.report += text + '\n';
    return;
  }
}

void check(std::vector<WhatIf>& what_ifs, const Expression& f, const Evaluation& evaluation,
           std::size_t nodes) {
  const Tensors xs = in_f64(evaluation.variables);
  Index elements = 0;
  for (const Tensor& x : xs) elements += x.numel();
  for (WhatIf& what_if : what_ifs) {
    if (!what_if.why_not.empty()) continue;
    if (elements > most_elements || nodes > most_checked) {
      what_if.findings.push_back(text_from("It was not checked: gradcheck takes long for ",
                                           counted(elements, "input element"), " and ",
                                           counted(static_cast<Index>(nodes), "operation"), "."));
      continue;
    }
    try {
      if (what_if.mistake == Mistake::tiled_lengths) check_attention(what_if, evaluation.result);
      check(what_if, f, xs, false);
      if (what_if.mistake == Mistake::kept_broadcast) check_parts(what_if, f, xs);
    } catch (const Error& error) {
      what_if.findings.push_back("It could not be checked: " + printable_line(error.what(), 300));
    }
  }
}

}  // namespace

ExplorerOptions page_data(const Program& program, const EvaluationOptions& options,
                          const Evaluation& evaluation, const TapeStory& story,
                          const std::string& title) {
  const Expression f(program, options, evaluation);
  ExplorerOptions data{.title = title, .what_ifs = what_ifs(evaluation.result, story)};
  check(data.what_ifs, f, evaluation, story.nodes.size());
  data.numeric = numeric_derivatives(f, in_f64(evaluation.variables), story.nodes.size(),
                                     options.dtype == DType::f32);
  return data;
}

}  // namespace adjoint::expression

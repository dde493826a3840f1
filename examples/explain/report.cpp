#include "examples/explain/report.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "autograd/support/ambient.h"
#include "autograd/support/files.h"
#include "autograd/support/json.h"
#include "autograd/support/largest_tensor.h"
#include "autograd/support/printable.h"
#include "autograd/tools/explain.h"
#include "autograd/tools/explorer.h"
#include "autograd/tools/inspect.h"
#include "autograd/tools/tape_json.h"
#include "autograd/tools/tape_story.h"
#include "examples/explain/page_data.h"

namespace adjoint::expression {
namespace {

// Elements of all inputs: each is moved on its own.
constexpr Index most_for_second_order = 64, most_for_check = 1000, most_for_second_check = 200;
constexpr int exit_undecidable = 3;

class Report {
 public:
  Report(std::ostream& stream, const Program& program, const Settings& settings)
      : stream_(stream),
        program_(program),
        settings_(settings),
        options_{.dtype = settings.f32 ? DType::f32 : DType::f64},
        end_(program.statements.empty() ? Place() : program.statements.back().place) {}

  int print() {
    const LargestTensor limit(static_cast<std::size_t>(options_.most_elements) * sizeof(double));
    const KeepValues keep;
    evaluation_ = evaluate(program_, options_);
    if (evaluation_.nan) throw *evaluation_.nan;
    try {
      if (settings_.gradcheck) return check();
      show();
      return 0;
    } catch (const Problem&) {
      throw;
    } catch (const Error& error) {
      refuse(end_, error.what());
    }
  }

 private:
  void show() {
    const Tensor& y = evaluation_.result;
    const bool drawn = settings_.json || settings_.dot || !settings_.html.empty();
    if (!y.tracked() && drawn) refuse(end_, "there is no tape: the result depends on no variable");
    if (!settings_.html.empty()) {
      const TapeStory story = tape_story(y);
      write_file(settings_.html, explorer_page(story, page_data(program_, options_, evaluation_,
                                                                story, settings_.title)));
      stream_ << "the page is in " << printable_line(settings_.html, 0) << '\n';
    } else if (settings_.json) {
      stream_ << tape_as_json(y) << '\n';
    } else if (settings_.dot) {
      print_dot(stream_, tape_story(y));
    } else if (!y.tracked()) {
      stream_ << y << "\n\nThe result depends on no variable: there is nothing to differentiate.\n";
    } else {
      const Blocks second = settings_.order == 2 ? second_derivatives() : Blocks();
      explain(stream_, y);
      print_independent();
      if (settings_.order == 2) print(second);
    }
  }

  // Inputs that were used, but from which no gradient flows.
  void print_independent() {
    const std::vector<NodePtr> nodes = tape(evaluation_.result);
    for (std::size_t i = 0; i < evaluation_.names.size(); ++i)
      if (std::ranges::find(nodes, evaluation_.variables[i].history().node) == nodes.end())
        stream_ << "\nNo operation passes a gradient from the result to " << evaluation_.names[i]
                << ": the gradient of " << evaluation_.names[i] << " is zero.\n";
  }

  Blocks second_derivatives() const {
    Tensors values;
    Index elements = 0;
    for (const Tensor& x : evaluation_.variables) {
      values.push_back(detach(x));
      elements += x.numel();
    }
    if (elements > most_for_second_order)
      refuse(end_, "second derivatives are shown for at most ", most_for_second_order,
             " input elements; there are ", elements);
    const adjoint::Function f = [&](const Tensors& xs) { return Tensors{sum(at(xs))}; };
    return hessian(f, values);
  }

  void print(const Blocks& second) {
    const std::vector<std::string>& names = evaluation_.names;
    stream_ << "\nSecond derivatives, from a sweep that was itself recorded";
    if (evaluation_.result.numel() != 1) stream_ << ", of the sum of the result";
    stream_ << '\n';
    for (std::size_t i = 0; i < names.size(); ++i)
      for (std::size_t j = i; j < names.size(); ++j)
        stream_ << "\n∂²/∂" << names[i] << (i == j ? "²" : "∂" + names[j]) << " =\n"
                << second[i][j] << '\n';
  }

  int check() {
    if (evaluation_.variables.empty())
      refuse(end_, "there is nothing to check: the result depends on no variable");
    Tensors values;
    Index elements = 0;
    for (const Tensor& x : evaluation_.variables) {
      values.push_back(detach(x));
      elements += x.numel();
    }
    const Index most = settings_.order == 2 ? most_for_second_check : most_for_check;
    if (elements > most)
      refuse(end_, "at most ", most, " input elements are checked; there are ", elements);
    if (const std::string infinite = not_finite(); !infinite.empty()) return undecidable(infinite);
    const GradcheckReport found =
        gradcheck([&](const Tensors& xs) { return Tensors{at(xs)}; }, values,
                  {.order = settings_.order, .names = evaluation_.names});
    if (settings_.json)
      stream_ << to_json(found) << '\n';
    else
      stream_ << printable(text_from(found), 0) << '\n';
    return found.verdict() == Verdict::ok       ? 0
           : found.verdict() == Verdict::failed ? 1
                                                : exit_undecidable;
  }

  // What is not finite at the point, so that no difference can be compared with it: "the gradient
  // of x is inf". Empty if all is finite.
  std::string not_finite() const {
    const Tensor& y = evaluation_.result;
    if (const auto value = infinity_of(y)) return text_from("the value is ", *value);
    if (!y.tracked()) return {};
    const bool second = settings_.order == 2;
    const Tensors first = gradients(y, second);
    if (const std::string found = infinity_among(first, "the gradient of "); !found.empty())
      return found;
    for (std::size_t i = 0; second && i < first.size(); ++i)
      if (first[i].tracked())
        if (const std::string found =
                infinity_among(gradients(first[i], false), "a second derivative with respect to ");
            !found.empty())
          return found;
    return {};
  }
  Tensors gradients(const Tensor& y, bool recorded) const {
    return grad(Tensors{y}, evaluation_.variables, {ones(y.shape(), y.dtype())},
                {.create_graph = recorded, .zeros_if_independent = true});
  }
  std::string infinity_among(const Tensors& xs, const char* what) const {
    for (std::size_t i = 0; i < xs.size(); ++i)
      if (const auto value = infinity_of(xs[i]))
        return text_from(what, evaluation_.names[i], " is ", *value);
    return {};
  }
  static std::optional<double> infinity_of(const Tensor& x) {
    std::optional<double> found;
    dispatch(x.dtype(), [&]<class T>() {
      if constexpr (Real<T>)
        for (const T value : x.values<T>())
          if (!found && !std::isfinite(value)) found = static_cast<double>(value);
    });
    return found;
  }

  int undecidable(const std::string& reason) {
    const std::string text =
        "gradcheck: undecidable: " + reason + " here; check it at another point";
    if (settings_.json)
      stream_ << json_object(
                     {{"schema", json(1)}, {"verdict", json("undecidable")}, {"text", json(text)}})
              << '\n';
    else
      stream_ << text << '\n';
    return exit_undecidable;
  }

  // The result for other values of the inputs.
  Tensor at(const Tensors& xs) const {
    EvaluationOptions options = options_;
    options.dtype = xs[0].dtype();
    for (std::size_t i = 0; i < xs.size(); ++i) options.variables[evaluation_.names[i]] = xs[i];
    return evaluate(program_, options).result;
  }

  std::ostream& stream_;
  const Program& program_;
  const Settings& settings_;
  EvaluationOptions options_;
  Place end_;  // of messages about the result as a whole
  Evaluation evaluation_;
};

}  // namespace

int report(std::ostream& stream, const Program& program, const Settings& settings) {
  return Report(stream, program, settings).print();
}

}  // namespace adjoint::expression

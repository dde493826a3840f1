#include "autograd/gradcheck/external_function.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "autograd/node.h"
#include "autograd/ops.h"
#include "autograd/pullback.h"

namespace adjoint {
namespace {

bool same_values(const Tensor& a, const Tensor& b) {
  const Tensor same_type = cast(a, b.dtype());
  return dispatch(b.dtype(), [&]<class T>() {
    return std::ranges::equal(same_type.values<T>(), b.values<T>());
  });
}

// What happened while the checker called the function.
struct Session {
  const ExternalFunction& function;
  Tensors point;                    // the inputs that are checked
  std::vector<Form> outputs = {};   // of the first answer
  std::optional<Finding> end = {};  // why there is no answer any more

  bool at_point(const Tensors& inputs) const {
    return std::ranges::equal(inputs, point, same_values);
  }
  [[noreturn]] void stop(const std::string& where, const Error& error) {
    if (!end) end = about(where, error);
    throw error;
  }
  static Finding about(const std::string& where, const Error& error) {
    return {.kind = Finding::Kind::error, .where = where, .note = error.what()};
  }
};

Tensors detached(const Tensors& tensors) {
  Tensors result;
  for (const Tensor& x : tensors) result.push_back(detach(x));
  return result;
}

// After the end every value is NaN: the checker soon comes to its end, too.
Tensors nothing(const std::vector<Form>& forms) {
  Tensors result;
  for (const Form& form : forms)
    result.push_back(is_real(form.dtype)
                         ? full(form.shape, std::numeric_limits<double>::quiet_NaN(), form.dtype)
                         : zeros(form.shape, form.dtype));
  return result;
}

std::vector<Form> forms_of(const Tensors& tensors) {
  std::vector<Form> forms;
  for (const Tensor& x : tensors) forms.push_back(x.form());
  return forms;
}

void keep_forms(Session& session, const Tensors& outputs) {
  const std::vector<Form> forms = forms_of(outputs);
  if (session.outputs.empty()) session.outputs = forms;
  require(session.outputs == forms, "the shapes of the outputs depend on the values of the inputs");
}

Tensors evaluate(Session& session, const Tensors& inputs) {
  if (session.end && !session.outputs.empty()) return nothing(session.outputs);
  const bool at_point = session.at_point(inputs);
  const std::string& where = session.function.forward_name;
  try {
    Tensors outputs = session.function.forward(inputs, at_point);
    keep_forms(session, outputs);
    return outputs;
  } catch (const Gone& error) {
    if (session.outputs.empty()) session.stop(where, error);
    session.end = Session::about(where, error);
    return nothing(session.outputs);
  } catch (const Error& error) {
    if (at_point) session.stop(where, error);
    fail(where, ": ", error.what());
  }
}

Tensors pull_back(Session& session, const Tensors& inputs, const Tensors& outputs,
                  const Tensors& cotangents) {
  if (session.end) return nothing(forms_of(inputs));
  const std::string& where = session.function.vjp_name;
  try {
    Tensors gradients = session.function.vjp(inputs, outputs, cotangents);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      gradients[i] = is_real(inputs[i].dtype()) ? cast(gradients[i], inputs[i].dtype()) : Tensor();
    return gradients;
  } catch (const Gone& error) {
    session.end = Session::about(where, error);
    return nothing(forms_of(inputs));
  } catch (const Error& error) {
    if (session.at_point(inputs)) session.stop(where, error);
    fail(where, ": ", error.what());
  }
}

Tensors push_forward(Session& session, const Tensors& inputs, const Tensors& tangents) {
  if (session.end) return nothing(session.outputs);
  try {
    return session.function.jvp(inputs, tangents);
  } catch (const Error& error) {
    session.stop("jvp", error);
  }
}

// The one entry on the tape.
class ExternalNode final : public Node {
 public:
  ExternalNode(std::shared_ptr<Session> session, const Tensors& inputs, const Tensors& outputs)
      : Node("external function"), session_(std::move(session)) {
    for (const Tensor& x : inputs) inputs_.push_back(save_input(x, true));
    for (const Tensor& y : outputs) outputs_.push_back(save_output(y, true));
    keep(inputs_, outputs_);
  }
  ~ExternalNode() override { release_inputs(); }

  Tensors vjp(const Pullback& back) const override;
  Tensors replay(const Tensors& inputs) const override;

 private:
  std::shared_ptr<Session> session_;
  std::vector<SavedInput> inputs_;
  std::vector<SavedOutput> outputs_;
};

Tensors call(const std::shared_ptr<Session>& session, const Tensors& inputs) {
  Tensors outputs = evaluate(*session, detached(inputs));
  if (!recording() || std::ranges::none_of(inputs, &Tensor::tracked)) return outputs;
  const auto node = std::make_shared<ExternalNode>(session, inputs, outputs);
  for (std::size_t j = 0; j < outputs.size(); ++j)
    if (is_real(outputs[j].dtype())) outputs[j].exchange_history({node, static_cast<int>(j)});
  return outputs;
}

Tensors ExternalNode::replay(const Tensors& inputs) const { return call(session_, inputs); }

Tensors ExternalNode::vjp(const Pullback& back) const {
  const NoRecording guard;
  Tensors inputs, outputs, cotangents;
  for (std::size_t i = 0; i < back.input_count(); ++i) inputs.push_back(detach(back.input(i)));
  for (std::size_t j = 0; j < back.output_count(); ++j) {
    outputs.push_back(detach(back.output(j)));
    const bool real = is_real(outputs[j].dtype());
    cotangents.push_back(real ? detach(back.cotangent_or_zeros(j)) : Tensor());
  }
  return pull_back(*session_, inputs, outputs, cotangents);
}

// Keeps what was measured before the end. The rest may be about the NaNs that came after it.
void keep_measurements(GradcheckReport& report, const Finding& end) {
  std::erase_if(report.findings, [](const Finding& finding) {
    const bool measured = std::isfinite(finding.analytic) && std::isfinite(finding.numeric);
    return !measured ||
           (finding.kind != Finding::Kind::mismatch && finding.kind != Finding::Kind::kink);
  });
  if (report.count(Finding::Kind::mismatch) == 0) report.diagnoses.clear();
  report.worst_error = 0;
  for (const Finding& finding : report.findings) report.add_error(finding.relative);
  report.findings.insert(report.findings.begin(), end);
}

// The checker has nothing to walk over, and there is one precision only.
void adapt(GradcheckOptions& options, const std::shared_ptr<Session>& session) {
  options.walk = options.single = false;
  if (session->function.jvp)
    options.jvp = [session](const Tensors& inputs, const Tensors& tangents) {
      return push_forward(*session, inputs, tangents);
    };
}

}  // namespace

GradcheckReport check_external(const ExternalFunction& f, const Tensors& inputs,
                               GradcheckOptions options) {
  require(options.order == 1,
          "gradcheck: a function outside the library is checked in order 1, not ", options.order);
  const auto session = std::make_shared<Session>(Session{f, detached(inputs)});
  adapt(options, session);
  const Function function = [&](const Tensors& xs) { return call(session, xs); };
  GradcheckReport report;
  try {
    report = gradcheck(function, inputs, options);
  } catch (const Error&) {
    if (!session->end) throw;
  }
  if (session->end) keep_measurements(report, *session->end);
  return report;
}

void name_outputs(GradcheckReport& report, const std::vector<std::string>& names) {
  const auto rename = [&](std::string& text) {
    constexpr std::string_view title = "output ";
    for (std::size_t at = text.find(title); at < text.size(); at = text.find(title, at + 1)) {
      const char* digits = text.data() + at + title.size();
      std::size_t number = 0;
      const auto [end, error] = std::from_chars(digits, text.data() + text.size(), number);
      if (error != std::errc() || number >= names.size()) continue;
      text.replace(at, static_cast<std::size_t>(end - text.data()) - at, names[number]);
      at += names[number].size();
    }
  };
  for (Finding& finding : report.findings)
    for (std::string* text : {&finding.where, &finding.cotangent, &finding.note}) rename(*text);
  for (Diagnosis& diagnosis : report.diagnoses) rename(diagnosis.text);
}

}  // namespace adjoint

#include "examples/gradcheck/program.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "autograd/gradcheck/external_function.h"
#include "autograd/ops.h"
#include "autograd/support/printable.h"
#include "examples/gradcheck/inputs.h"
#include "examples/gradcheck/process.h"
#include "examples/gradcheck/protocol.h"

namespace adjoint::program {
namespace {

constexpr Index most_in_a_line = 10'000;  // elements of a request; more go through files

// A private folder, in memory if the system offers that. It is removed at the end.
class Folder {
 public:
  Folder() {
    const std::filesystem::path memory = "/dev/shm";
    const bool usable = ::access(memory.c_str(), W_OK) == 0;
    std::string name =
        (usable ? memory : std::filesystem::temp_directory_path()) / "adjoint-gradcheck-XXXXXX";
    require(::mkdtemp(name.data()) != nullptr, "cannot make a folder like ", name);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Files files() const { return {path_ / "request.safetensors", path_ / "answer.safetensors"}; }

 private:
  std::filesystem::path path_;
};

NamedTensors named(const std::vector<ArrayDescription>& forms, const Tensors& tensors) {
  NamedTensors result;
  for (std::size_t i = 0; i < tensors.size(); ++i) result.emplace_back(forms[i].name, tensors[i]);
  return result;
}

// The program as a function: every call is a request and its answer.
class Program {
 public:
  explicit Program(Peer& peer) : peer_(peer) {}

  Description describe() {
    const std::int64_t id = ++id_;
    try {
      Description description = read_description(peer_.ask(request("describe", id, {})), id);
      outputs_ = description.outputs;
      has_jvp_ = description.has_jvp;
      return description;
    } catch (const Error& error) {
      fail("describe: ", peer_.end(error.what()));
    }
  }

  /// Says which inputs there are. Only the real ones have gradients.
  void set_inputs(const Point& point) {
    bool narrow = false;
    for (std::size_t i = 0; i < point.values.size(); ++i) {
      const Tensor& x = point.values[i];
      inputs_.push_back({point.names[i], x.shape(), x.dtype()});
      if (is_real(x.dtype())) real_inputs_.push_back(inputs_.back());
      narrow |= x.dtype() == DType::f32;
    }
    for (ArrayDescription& y : outputs_)
      if (!y.dtype) y.dtype = narrow ? DType::f32 : DType::f64;
    if (narrow) default_output_ = DType::f32;
  }
  bool has_jvp() const { return has_jvp_; }
  bool is_narrow() const { return default_output_ == DType::f32; }

  Tensors forward(const Tensors& inputs) {
    const NamedTensors answer = ask("forward", {{"inputs", typed(inputs)}}, "outputs", outputs_);
    if (outputs_.empty())
      for (const auto& [name, y] : answer) outputs_.push_back({name, y.shape(), default_output_});
    Tensors result;
    for (std::size_t j = 0; j < answer.size(); ++j) {
      outputs_[j].shape = answer[j].second.shape();  // the same for all answers
      result.push_back(cast(answer[j].second, outputs_[j].dtype.value()));
    }
    return result;
  }

  std::vector<std::string> output_names() const {
    std::vector<std::string> names;
    for (const ArrayDescription& y : outputs_) names.push_back(printable_line(y.name));
    return names;
  }

  /// Tangents are given for the real inputs.
  Tensors jvp(const Tensors& inputs, const Tensors& tangents) {
    Tensors real;
    std::ranges::copy_if(tangents, std::back_inserter(real), &Tensor::defined);
    Tensors result;
    for (const auto& [name, y] :
         ask("jvp", {{"inputs", typed(inputs)}, {"tangents", named(real_inputs_, real)}},
             "tangents", outputs_))
      result.push_back(y);
    return result;
  }

  Tensors vjp(const Tensors& inputs, const Tensors& cotangents) {
    const NamedTensors answer =
        ask("vjp", {{"inputs", typed(inputs)}, {"cotangents", named(outputs_, cotangents)}},
            "gradients", real_inputs_);
    Tensors result;
    for (auto next = answer.begin(); const ArrayDescription& x : inputs_)
      result.push_back(is_real(x.dtype.value()) ? (next++)->second : Tensor());
    return result;
  }

 private:
  // As the program takes them: what was f32 is f32 again.
  NamedTensors typed(const Tensors& inputs) const {
    Tensors result;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      result.push_back(cast(inputs[i], inputs_[i].dtype.value()));
    return named(inputs_, result);
  }

  NamedTensors ask(const std::string& kind,
                   const std::vector<std::pair<std::string, NamedTensors>>& fields,
                   const std::string& answer, const std::vector<ArrayDescription>& expected) {
    Index elements = 0;
    for (const auto& [field, arrays] : fields)
      for (const auto& [name, x] : arrays) elements += x.numel();
    if (elements > most_in_a_line && !folder_) folder_.emplace();
    const Files files = elements > most_in_a_line ? folder_->files() : Files();
    const std::int64_t id = ++id_;
    std::string line;
    try {
      line = peer_.ask(request(kind, id, fields, files));
      return read_arrays(line, id, answer, expected);
    } catch (const Refused&) {
      throw;
    } catch (const Error& error) {
      throw Gone(peer_.end(error.what()));
    }
  }

  Peer& peer_;
  std::optional<Folder> folder_;
  std::int64_t id_ = 0;
  std::vector<ArrayDescription> inputs_, real_inputs_, outputs_;
  DType default_output_ = DType::f64;
  bool has_jvp_ = false;
};

Point ask_for_inputs(Program& program, const ProgramOptions& options) {
  try {
    const Description description = program.describe();
    return choose_point(options.inputs, description.inputs, options.check.key.child("inputs"));
  } catch (const Error& error) {
    fail(printable_line(options.command), ": ", error.what());
  }
}

}  // namespace

GradcheckReport check_program(const ProgramOptions& options) {
  require(options.seconds > 0, "an answer must be given some time, not ", options.seconds, " s");
  Process process(options.command, options.seconds);
  return check_program(process, options);
}

GradcheckReport check_program(Peer& peer, const ProgramOptions& options) {
  Program program(peer);
  const Point point = ask_for_inputs(program, options);
  program.set_inputs(point);
  GradcheckOptions check = options.check;
  check.names.clear();
  for (const std::string& name : point.names) check.names.push_back(printable_line(name));
  check.domains = point.domains;
  ExternalFunction function{"forward", "vjp",
                            [&](const Tensors& inputs, bool) { return program.forward(inputs); },
                            [&](const Tensors& inputs, const Tensors&, const Tensors& cotangents) {
                              return program.vjp(inputs, cotangents);
                            }};
  if (program.has_jvp())
    function.jvp = [&](const Tensors& inputs, const Tensors& tangents) {
      return program.jvp(inputs, tangents);
    };
  GradcheckReport report = check_external(function, point.values, check);
  name_outputs(report, program.output_names());
  if (program.is_narrow()) report.notes.push_back("computed in f32");
  return report;
}

}  // namespace adjoint::program

#include "nn/saving/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "nn/saving/element_types.h"

namespace adjoint::nn {
namespace {

constexpr std::string_view format_name = "training state ", format_version = "1";
const std::string format_key = "adjoint";  // in the metadata

/// Takes the format out of the metadata.
void require_format(Metadata& metadata, const std::string& path) {
  const auto format = metadata.extract(format_key);
  require(!format.empty() && format.mapped().starts_with(format_name), path,
          ": not a training state");
  const std::string version = format.mapped().substr(format_name.size());
  require(version == format_version, path, ": a training state in format ", printable_line(version),
          ", written by another version of adjoint; this version reads format ", format_version);
}

class Writer : public State {
 public:
  SafeTensors content;

 private:
  void on_value(const std::string& path, Tensor& tensor) override {
    require(content.tensors.emplace(path, detach(tensor)).second,
            "saving: two tensors have the name ", path);
  }
  void on_value(const std::string& path, Index& count) override {
    store(path, std::to_string(count));
  }
  void on_value(const std::string& path, double& number) override { store(path, text_of(number)); }
  void on_fixed(const std::string& path, const std::string& value, Absent) override {
    store(path, value);
  }
  void store(const std::string& path, const std::string& value) {
    require(content.metadata.emplace(path, value).second, "saving: two values have the name ",
            path);
  }
};

/// The first few of a list, and the number of the others.
std::string some_of(const std::vector<std::string>& all, const std::string& separator) {
  constexpr std::size_t most = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), most); ++i)
    text += (i > 0 ? separator : "") + all[i];
  if (all.size() > most) text += separator + "and " + std::to_string(all.size() - most) + " more";
  return text;
}

using Entries = std::map<std::string, SafeTensorsFile::Entry>;

Entries entries_of(const SafeTensors& content) {
  Entries entries;
  for (const auto& [name, x] : content.tensors) {
    const ElementType& type = element_type(x.dtype());
    entries[name] = {.form = x.form(), .type = std::string(type.code)};
  }
  return entries;
}

/// Compares a file's header with what it visits, and notes what to copy. Until copy() it takes no
/// memory for tensors and changes nothing.
class Reader : public State {
 public:
  Reader(const Entries& entries, const Metadata& metadata, const std::string& owner)
      : entries_(entries), metadata_(metadata), owner_(owner) {}

  std::string differences() const {
    std::vector<std::string> unexpected, all;
    const auto add_unexpected = [&](const auto& entries) {
      for (const auto& [path, value] : entries)
        if (!visited_.contains(path)) unexpected.push_back(printable_line(path));
    };
    add_unexpected(metadata_);
    add_unexpected(entries_);
    if (!missing_.empty()) all.push_back("missing " + some_of(missing_, ", "));
    if (!unexpected.empty()) all.push_back("unexpected " + some_of(unexpected, ", "));
    if (!different_.empty()) all.push_back(some_of(different_, "; "));
    if (castable_) all.push_back("load the file in its own dtype, then cast the model");
    return some_of(all, "; ");
  }
  /// Copies the file's tensors and numbers.
  void copy(const std::map<std::string, Tensor>& tensors) const {
    for (const auto& [path, tensor] : targets_)
      dispatch(tensor.dtype(), [&, &name = path, &target = tensor]<class T>() {
        std::ranges::copy(tensors.at(name).values<T>(), Tensor(target).edit<T>().begin());
      });
    for (const auto& each : numbers_) each();
  }

 private:
  void on_value(const std::string& path, Tensor& tensor) override {
    const SafeTensorsFile::Entry* const stored = find(entries_, path);
    if (!stored) return;
    const Form& form = stored->form;
    if (form == tensor.form()) {
      targets_.emplace_back(path, tensor);
      return;
    }
    differ(path, " is ", form.dtype, ' ', form.shape,
           stored->widened() ? " (" + stored->type + " in the file)" : "", ", ", owner_, " has ",
           tensor.dtype(), ' ', tensor.shape());
    castable_ |= is_real(form.dtype) && form.dtype != tensor.dtype();
  }
  void on_value(const std::string& path, Index& count) override {
    parse(path, count, "an integer of at least 0", [](Index value) { return value >= 0; });
  }
  void on_value(const std::string& path, double& number) override {
    parse(path, number, "a number", [](double value) { return !std::isnan(value); });
  }
  void on_fixed(const std::string& path, const std::string& value, Absent absent) override {
    if (absent == Absent::accepted && !metadata_.contains(path)) return;
    const std::string* const stored = find(metadata_, path);
    if (stored && *stored != value)
      differ(path, " is ", printable_line(*stored), ", ", owner_, " has ", value);
  }

  template <class Value>
  const Value* find(const std::map<std::string, Value>& entries, const std::string& path) {
    visited_.insert(path);
    const auto found = entries.find(path);
    if (found != entries.end()) return &found->second;
    missing_.push_back(path);
    return nullptr;
  }
  template <class Number, class Valid>
  void parse(const std::string& path, Number& number, const char* expected, Valid valid) {
    const std::string* const text = find(metadata_, path);
    if (!text) return;
    Number value{};
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, value);
    if (error != std::errc() || stop != end || !valid(value))
      differ(path, " is ", printable_line(*text), ", which is not ", expected);
    else
      numbers_.push_back([&number, value] { number = value; });
  }
  template <class... Parts>
  void differ(const Parts&... parts) {
    different_.push_back(text_from(parts...));
  }

  const Entries& entries_;
  const Metadata& metadata_;
  const std::string& owner_;
  std::set<std::string> visited_;
  std::vector<std::string> missing_, different_;
  bool castable_ = false;
  std::vector<std::pair<std::string, Tensor>> targets_;
  std::vector<std::function<void()>> numbers_;
};

VisitState parameters_of(const Module& module) {
  return [&module](State& visit) {
    for (auto& [name, parameter] : named_parameters(module)) visit(name, parameter);
  };
}

/// Error unless the file matches what `visit` visits.
Reader compared(const VisitState& visit, const Entries& entries, const Metadata& metadata,
                const std::string& owner, const std::string& complaint) {
  Reader reader(entries, metadata, owner);
  visit(reader);
  const std::string differences = reader.differences();
  require(differences.empty(), complaint, differences);
  return reader;
}

}  // namespace

State& State::operator()(const std::string& name, Tensors& tensors, const Tensors& parameters) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::string& own = parameters[i].name();
    (*this)(name + "." + (own.empty() ? std::to_string(i) : own), tensors[i]);
  }
  return *this;
}

State& State::operator()(const std::string& name, Module& module) {
  for (auto& [own, parameter] : named_parameters(module)) (*this)(name + "." + own, parameter);
  return *this;
}

std::string State::text_of(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

SafeTensors collect(const VisitState& visit) {
  Writer writer;
  visit(writer);
  return std::move(writer.content);
}

void restore(const VisitState& visit, const SafeTensors& file, const std::string& owner,
             const std::string& complaint) {
  const Entries entries = entries_of(file);
  compared(visit, entries, file.metadata, owner, complaint).copy(file.tensors);
}

void save_state(const VisitState& visit, const std::filesystem::path& path) {
  SafeTensors content = collect(visit);
  content.metadata[format_key] = std::string(format_name).append(format_version);
  write_safetensors(path, with_checksum(std::move(content)));
  remove_leftovers(path);
}

void load_state(const VisitState& visit, const std::filesystem::path& path) {
  const SafeTensorsFile file(path);
  Metadata metadata = file.metadata();
  require_format(metadata, path.string());
  compared(visit, file.entries(), metadata, "this run",
           path.string() + ": saved by a different run: ")
      .copy(file.read().tensors);
}

void save_parameters(const Module& module, const std::filesystem::path& path,
                     const Metadata& metadata) {
  SafeTensors content = collect(parameters_of(module));
  content.metadata = metadata;
  write_safetensors(path, with_checksum(std::move(content)));
}

void load_parameters(Module& module, const std::filesystem::path& path) {
  load_parameters(module, SafeTensorsFile(path));
}

void load_parameters(Module& module, const SafeTensorsFile& file) {
  compared(parameters_of(module), file.entries(), {}, "the model",
           file.path().string() + ": does not fit this model: ")
      .copy(file.read().tensors);
}

}  // namespace adjoint::nn

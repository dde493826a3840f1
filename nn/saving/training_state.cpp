#include "nn/saving/training_state.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "autograd/support/files.h"
#include "nn/saving/checkpoint.h"

namespace adjoint::nn {
namespace {

constexpr auto format_key = "adjoint", format = "training state 1";

class Writer : public State {
 public:
  SafeTensors content{{}, {{format_key, format}}};

 private:
  void on_tensor(const std::string& path, Tensor& tensor) override {
    require(content.tensors.emplace(path, detach(tensor)).second,
            "save_state: two tensors have the name ", path);
  }
  void on_count(const std::string& path, Index& count) override {
    write(path, std::to_string(count));
  }
  void on_number(const std::string& path, double& number) override { write(path, text_of(number)); }
  void on_fixed(const std::string& path, const std::string& value) override { write(path, value); }

  void write(const std::string& path, const std::string& text) {
    require(content.metadata.emplace(path, text).second, "save_state: two values have the name ",
            path);
  }
};

/// Compares what it meets with the file, and keeps what is to be done until all of it fits.
class Reader : public State {
 public:
  explicit Reader(SafeTensors file) : file_(std::move(file)) { met_.insert(format_key); }

  /// In what the file is not this run's; empty when it is.
  std::string differences() const {
    constexpr std::size_t most = 5;
    std::vector<std::string> all = differences_;
    const auto unexpected = [&](const auto& entries) {
      for (const auto& [path, value] : entries)
        if (!met_.contains(path)) all.push_back(shown(path) + " is unexpected");
    };
    unexpected(file_.metadata);
    unexpected(file_.tensors);
    std::string text;
    for (std::size_t i = 0; i < std::min(all.size(), most); ++i)
      text += (i > 0 ? "; " : "") + all[i];
    if (all.size() > most) text += "; and " + std::to_string(all.size() - most) + " more";
    return text;
  }

  void restore() const {
    for (const std::function<void()>& assign : assignments_) assign();
  }

 private:
  void on_tensor(const std::string& path, Tensor& tensor) override {
    const Tensor* const stored = find(file_.tensors, path);
    if (!stored) return;
    if (stored->form() != tensor.form()) {
      differ(path, " is ", stored->dtype(), ' ', stored->shape(), ", this run has ", tensor.dtype(),
             ' ', tensor.shape());
      return;
    }
    assignments_.push_back([&tensor, stored] {
      dispatch(tensor.dtype(), [&]<class T>() {
        std::ranges::copy(stored->values<T>(), tensor.edit<T>().begin());
      });
    });
  }
  void on_count(const std::string& path, Index& count) override {
    assign(path, count, "a whole number from 0", [](Index value) { return value >= 0; });
  }
  void on_number(const std::string& path, double& number) override {
    assign(path, number, "a number", [](double value) { return !std::isnan(value); });
  }
  void on_fixed(const std::string& path, const std::string& value) override {
    const std::string* const stored = find(file_.metadata, path);
    if (stored && *stored != value) differ(path, " is ", shown(*stored), ", this run has ", value);
  }

  template <class Value>
  const Value* find(const std::map<std::string, Value>& entries, const std::string& path) {
    met_.insert(path);
    const auto found = entries.find(path);
    if (found != entries.end()) return &found->second;
    differ(path, " is missing");
    return nullptr;
  }
  template <class Number, class Valid>
  void assign(const std::string& path, Number& number, const char* expected, Valid valid) {
    const std::string* const text = find(file_.metadata, path);
    if (!text) return;
    Number value{};
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, value);
    if (error != std::errc() || stop != end || !valid(value))
      differ(path, " is ", shown(*text), ", which is not ", expected);
    else
      assignments_.push_back([&number, value] { number = value; });
  }
  template <class... Parts>
  void differ(const Parts&... parts) {
    std::ostringstream text;
    (text << ... << parts);
    differences_.push_back(text.str());
  }

  SafeTensors file_;
  std::set<std::string> met_;
  std::vector<std::string> differences_;
  std::vector<std::function<void()>> assignments_;
};

}  // namespace

State& State::operator()(const std::string& name, Tensors& tensors, const Tensors& parameters) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::string& own = parameters[i].name();
    (*this)(name + "." + (own.empty() ? std::to_string(i) : own), tensors[i]);
  }
  return *this;
}

State& State::operator()(const std::string& name, Module& module) {
  std::set<StoragePtr> met;
  Fields visit([&](const std::string& path, Tensor& parameter) {
    if (met.insert(parameter.storage()).second) (*this)(name + "." + path, parameter);
  });
  module.fields(visit);
  return *this;
}

std::string State::text_of(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

void save_state(const VisitState& parts, const std::filesystem::path& path) {
  Writer writer;
  parts(writer);
  write_safetensors(path, with_checksum(std::move(writer.content)));
  remove_leftovers(path);
}

void load_state(const VisitState& parts, const std::filesystem::path& path) {
  SafeTensors file = read_safetensors(path);
  const auto found = file.metadata.find(format_key);
  require(found != file.metadata.end() && found->second == format, path.string(),
          ": not a training state");
  Reader reader(std::move(file));
  parts(reader);
  const std::string differences = reader.differences();
  require(differences.empty(), path.string(), ": the state of another run: ", differences);
  reader.restore();
}

}  // namespace adjoint::nn

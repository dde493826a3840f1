#include "nn/saving/training_state.h"

#include <charconv>

#include "autograd/support/files.h"
#include "nn/saving/state_file.h"

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
  require(version == format_version, path, ": a training state in format ", shown(version),
          ", written by another version of adjoint; this version reads format ", format_version);
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

void save_state(const VisitState& visit, const std::filesystem::path& path) {
  SafeTensors content = collect(visit);
  content.metadata[format_key] = std::string(format_name).append(format_version);
  write_safetensors(path, with_checksum(std::move(content)));
  remove_leftovers(path);
}

void load_state(const VisitState& visit, const std::filesystem::path& path) {
  SafeTensors file = read_safetensors(path);
  require_format(file.metadata, path.string());
  restore(visit, file, "this run", path.string() + ": saved by a different run: ");
}

}  // namespace adjoint::nn

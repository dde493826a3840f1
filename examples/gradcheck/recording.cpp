#include "examples/gradcheck/recording.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "autograd/ops.h"
#include "autograd/support/printable.h"
#include "nn/saving/safetensors.h"

namespace adjoint::recorded {
namespace {

constexpr Index fewest_steps = 3;  // for an extrapolation with an estimate of its error

// The tensors of a file, taken one after the other; every error names the file.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path)
      : path_(path), tensors_(nn::read_safetensors(path).tensors) {
    for (const auto& [name, tensor] : tensors_) require_known(name);
  }

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(path_.string(), ": ", parts...);
  }

  // Names without their prefix: "x" for "input.x".
  std::vector<std::string> names(const std::string& prefix) const {
    std::vector<std::string> result;
    for (const auto& [name, tensor] : tensors_)
      if (name.starts_with(prefix)) result.push_back(name.substr(prefix.size()));
    return result;
  }

  const Tensor& take(const std::string& name, const std::string& meaning) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) refuse(shown(name), " is missing: ", meaning);
    return found->second;
  }
  bool has(const std::string& name) const { return tensors_.contains(name); }

  // A real tensor [leading axes, axes of `value`].
  Tensor take(const std::string& name, const Shape& leading, const Tensor& value,
              const std::string& meaning) const {
    const Shape expected = leading.joined({value.numel()});
    const Tensor& x = take(name, text_from(leading, " of shape ", value.shape(), ", ", meaning));
    if (!is_real(x.dtype())) refuse(shown(name), " must be F32 or F64, is ", x.dtype());
    const Shape& shape = x.shape();
    const Index rank = leading.rank();
    const bool fits = shape.rank() >= rank && shape.part(0, rank) == leading;
    const Shape own = fits ? shape.part(rank, shape.rank()) : Shape{};
    if (!fits || (own != value.shape() && own != Shape{value.numel()}))
      refuse(shown(name), " has the shape ", shape, "; it must be ", leading, " of ", value.shape(),
             ", ", meaning);
    return reshape(x, expected);
  }

  // What belongs to an input or output that is not there was given a wrong name.
  void require_owner(const std::string& prefix, const std::string& owner) const {
    for (const std::string& name : names(prefix))
      if (!has(owner + name))
        refuse(shown(prefix + name), " belongs to ", shown(owner + name), ", which is missing");
  }

  static std::string shown(const std::string& name) { return printable_line(name); }

 private:
  void require_known(const std::string& name) const {
    constexpr std::array prefixes = {"input.",     "output.", "cotangent.", "gradient.",
                                     "direction.", "up.",     "down."};
    const bool known =
        std::ranges::any_of(prefixes, [&](const char* prefix) { return name.starts_with(prefix); });
    if (name != "step" && !known)
      refuse("there is no use for a tensor named '", shown(name),
             "'; names are step and input.NAME, output.NAME, cotangent.NAME, gradient.NAME, "
             "direction.NAME, up.NAME, down.NAME");
  }

  std::filesystem::path path_;
  std::map<std::string, Tensor> tensors_;
};

template <class Variable>
const Variable& first_real(const std::vector<Variable>& variables, const Reader& file,
                           const char* what) {
  const auto found = std::ranges::find_if(
      variables, [](const Variable& x) { return is_real(x.value.dtype()) && x.value.numel() > 0; });
  if (found == variables.end())
    file.refuse("there is nothing to check: no ", what, " has real elements");
  return *found;
}

Index leading_size(const Reader& file, const std::string& name, const std::string& meaning) {
  const Tensor& x = file.take(name, meaning);
  if (x.rank() == 0 || x.size(0) == 0)
    file.refuse(Reader::shown(name), " has the shape ", x.shape(), "; it must be ", meaning);
  return x.size(0);
}

// [K, S], from [S] for all directions or [K, S].
Tensor read_steps(const Reader& file, Index directions) {
  const Tensor given = file.take("step", "the steps h, [steps] or [directions, steps]");
  const bool fits = given.rank() == 1 || (given.rank() == 2 && given.size(0) == directions);
  if (!fits || !is_real(given.dtype()))
    file.refuse("step has the shape ", given.shape(), " and the type ", given.dtype(),
                "; it must be real, [steps] or [", directions, ", steps]");
  const Index count = given.size(-1);
  const Tensor steps = cast(broadcast_to(given, {directions, count}), DType::f64);
  if (count < fewest_steps)
    file.refuse("step has ", count, " steps; an extrapolation needs at least ", fewest_steps,
                ", each half of the one before");
  const std::span<const double> h = steps.values<double>();
  const auto columns = static_cast<std::size_t>(count);
  for (std::size_t k = 0; k < h.size(); ++k) {
    if (!(h[k] > 0) || !std::isfinite(h[k]))
      file.refuse("step has the value ", h[k], "; it must be above 0");
    if (k % columns > 0 && !(std::abs(h[k] / h[k - 1] - 0.5) <= 1e-6))
      file.refuse("step goes from ", h[k - 1], " to ", h[k],
                  "; each must be half of the one before");
  }
  return steps;
}

}  // namespace

Recording read(const std::filesystem::path& path) {
  const Reader file(path);
  for (const char* prefix : {"gradient.", "direction."}) file.require_owner(prefix, "input.");
  for (const char* prefix : {"cotangent.", "up.", "down."}) file.require_owner(prefix, "output.");
  Recording result;
  for (const std::string& name : file.names("input."))
    result.inputs.push_back({name, file.take("input." + name, ""), {}, {}});
  for (const std::string& name : file.names("output."))
    result.outputs.push_back({name, file.take("output." + name, ""), {}, {}, {}});
  const std::string& x = first_real(result.inputs, file, "input").name;
  const std::string& y = first_real(result.outputs, file, "output").name;
  result.cotangents =
      leading_size(file, "cotangent." + y, "[cotangents, axes of output." + y + "]");
  result.directions = leading_size(file, "direction." + x, "[directions, axes of input." + x + "]");
  result.step = read_steps(file, result.directions);

  const Shape by_cotangent = {result.cotangents}, by_direction = {result.directions};
  const Shape by_step = {result.directions, result.steps()};
  for (Input& input : result.inputs) {
    if (!is_real(input.value.dtype())) continue;
    input.gradient = file.take("gradient." + input.name, by_cotangent, input.value,
                               "the gradient for each cotangent");
    input.direction = file.take("direction." + input.name, by_direction, input.value,
                                "how this input moves in each direction");
  }
  for (Output& output : result.outputs) {
    if (!is_real(output.value.dtype())) continue;
    output.cotangent =
        file.take("cotangent." + output.name, by_cotangent, output.value, "the cotangents");
    output.up = file.take("up." + output.name, by_step, output.value,
                          "the output at x + h u for each direction u and step h");
    output.down = file.take("down." + output.name, by_step, output.value,
                            "the output at x - h u for each direction u and step h");
  }
  return result;
}

}  // namespace adjoint::recorded

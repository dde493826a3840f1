#include "nn/saving/partial_loading.h"

#include <algorithm>
#include <set>

#include "autograd/support/printable.h"

namespace adjoint::nn {
namespace {

using Weight = TakenParameters::Weight;

// The weights of the other model by name. A tied one has several names.
using Weights = std::map<std::string, Tensor>;

Weights all_names(const Module& module) {
  Weights weights;
  Fields visit([&](const std::string& name, Tensor& weight) { weights[name] = weight; });
  const_cast<Module&>(module).fields(visit);  // only reads
  return weights;
}

void copy_rows(const Tensor& from, Tensor to, const RowSources& sources) {
  const std::size_t rows = sources.size();
  dispatch(to.dtype(), [&]<class T>() {
    const auto source = from.values<T>();
    const auto target = to.edit<T>();
    const std::size_t width = target.size() / rows;
    for (std::size_t row = 0; row < rows; ++row)
      if (sources[row] != none)
        std::ranges::copy(source.subspan(static_cast<std::size_t>(sources[row]) * width, width),
                          target.subspan(row * width, width).begin());
  });
}

void copy_all(const Tensor& from, Tensor to) {
  dispatch(to.dtype(),
           [&]<class T>() { std::ranges::copy(from.values<T>(), to.edit<T>().begin()); });
}

bool same_beyond_rows(const Shape& a, const Shape& b) {
  return a.rank() > 0 && a.rank() == b.rank() && a.with(0, 1) == b.with(0, 1);
}

void check_rows(const std::string& name, const RowSources& sources, Index rows, Index others) {
  require(std::ssize(sources) == rows, "taking parameters: ", name, " has ", rows,
          " rows, and the list of rows ", sources.size());
  for (const Index source : sources)
    require(source == none || (source >= 0 && source < others), "taking parameters: ", name,
            ": row ", source, " of ", others);
}

std::string form(const Tensor& x) { return text_from(x.dtype(), ' ', x.shape()); }

std::string difference(const Tensor& own, const Tensor& other) {
  return form(own) + " here, " + form(other) + " in the other model";
}

using Copy = std::function<void()>;

// Notes how much of a weight the other model's weight can give, and returns the copying; null if it
// can give nothing.
Copy fitted(Weight& weight, const Tensor& own, const Tensor& other, const RowSources* rows) {
  const bool by_rows = rows != nullptr && same_beyond_rows(own.shape(), other.shape());
  if (own.dtype() != other.dtype() || (!by_rows && own.shape() != other.shape())) {
    weight.reason = difference(own, other);
    return nullptr;
  }
  if (!by_rows) {
    weight.taken_rows = weight.rows;
    return [=] { copy_all(other, own); };
  }
  check_rows(weight.name, *rows, own.size(0), other.size(0));
  weight.rows = own.size(0);
  weight.taken_rows = weight.rows - std::ranges::count(*rows, none);
  if (!weight.whole()) weight.reason = text_from(weight.taken_rows, " of ", weight.rows, " rows");
  if (weight.taken_rows == 0) return nullptr;
  return [=] { copy_rows(other, own, *rows); };
}

TakenParameters take(Module& module, const Weights& others,
                     const std::map<std::string, RowSources>& rows) {
  TakenParameters result;
  std::set<std::string> found;
  std::vector<Copy> copies;  // after everything has been checked
  for (const NamedTensor& own : named_parameters(module)) {
    Weight& weight = result.weights.emplace_back(Weight{.name = own.name, .reason = {}});
    const auto other = others.find(own.name);
    if (other == others.end()) {
      weight.missing = true;
      weight.reason = "the other model has none of this name";
      continue;
    }
    found.insert(own.name);
    const auto listed = rows.find(own.name);
    const RowSources* const sources = listed == rows.end() ? nullptr : &listed->second;
    if (Copy copy = fitted(weight, own.tensor, other->second, sources))
      copies.push_back(std::move(copy));
  }
  // A weight with several names is left only if the module has none of them.
  const auto is_taken = [&](const Tensor& weight) {
    return std::ranges::any_of(found, [&](const std::string& name) {
      return others.at(name).storage() == weight.storage();
    });
  };
  for (const auto& [name, weight] : others)
    if (!found.contains(name) && !is_taken(weight)) result.left.push_back(printable_line(name));
  for (const auto& copy : copies) copy();
  return result;
}

}  // namespace

Index TakenParameters::whole() const { return std::ranges::count_if(weights, &Weight::whole); }

bool TakenParameters::empty() const {
  return std::ranges::all_of(weights, [](const Weight& w) { return w.taken_rows == 0; });
}

TakenParameters take_parameters(Module& module, const Module& other,
                                const std::map<std::string, RowSources>& rows) {
  return take(module, all_names(other), rows);
}

TakenParameters take_parameters(Module& module, const std::filesystem::path& file,
                                const std::map<std::string, RowSources>& rows) {
  return take(module, read_safetensors(file).tensors, rows);
}

}  // namespace adjoint::nn

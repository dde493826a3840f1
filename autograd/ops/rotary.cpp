// Rotary position embedding.

#include <cmath>
#include <map>
#include <span>
#include <vector>

#include "autograd/apply.h"
#include "autograd/ops.h"
#include "autograd/ops/rows.h"

namespace adjoint {
namespace {

// cos θ and sin θ of each pair of features, for every distinct position: the sequences of a batch
// share most of theirs.
template <Real T>
std::map<Index, std::vector<T>> turns(std::span<const Index> positions, Index pairs, double base,
                                      double direction) {
  std::map<Index, std::vector<T>> result;
  for (const Index position : positions) {
    std::vector<T>& turn = result[position];  // [pairs, 2]
    if (!turn.empty()) continue;
    for (Index j = 0; j < pairs; ++j) {
      const double speed = std::pow(base, -static_cast<double>(j) / static_cast<double>(pairs));
      const double angle = direction * static_cast<double>(position) * speed;
      turn.push_back(static_cast<T>(std::cos(angle)));
      turn.push_back(static_cast<T>(std::sin(angle)));
    }
  }
  return result;
}

// Turns the pair (a, b) of features 2j and 2j + 1 by the angle θ = position · base^(−2j/d):
//   y_a = a cos θ − b sin θ,   y_b = a sin θ + b cos θ
struct Rotary {
  static constexpr auto name = "rotary";
  static constexpr const char* rule[] = {
      "y = x, each pair of features turned by direction · position · base^(−2j/d)",
      "x̄ = ȳ, each pair turned back by the same angle",
  };
  static constexpr Operands reads = {};
  Tensor positions;  // i64, one for each row
  Index heads;
  double base;
  double direction;  // 1, or −1 to turn back
  Attributes attributes() const {
    return {{"heads", heads}, {"base", base}, {"direction", direction}};
  }

  Form form(Inputs in) const {
    const Shape& x = in[0].shape();
    require(x.rank() >= 1 && heads >= 1 && x[-1] % heads == 0 && x[-1] / heads % 2 == 0,
            "rotary: each of the ", heads, " heads must have an even width, x is ", x);
    require_row_numbers(name, "positions", positions, x);
    require(base > 0 && std::isfinite(base), "rotary: the base must be positive and finite, is ",
            base);
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1), head_width = width / heads;
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    const std::span<const Index> position = positions.values<Index>();
    const auto table = turns<T>(position, head_width / 2, base, direction);
    kernels::parallel_rows(positions.numel(), width, [&](Index row) {
      const T* const turn = table.at(position[static_cast<std::size_t>(row)]).data();
      for (Index at = row * width; at < (row + 1) * width; at += head_width)
        for (Index j = 0; j < head_width; j += 2) {
          const T cosine = turn[j], sine = turn[j + 1], a = x[at + j], b = x[at + j + 1];
          y[at + j] = a * cosine - b * sine;
          y[at + j + 1] = a * sine + b * cosine;
        }
    });
  }
  Tensors vjp(const Pullback& back) const {
    return {apply(Rotary{positions, heads, base, -direction}, back.cotangent())};
  }
};

}  // namespace

Tensor rotary(const Tensor& x, const Tensor& positions, Index heads, double base) {
  return apply(Rotary{positions, heads, base, 1}, x);
}

}  // namespace adjoint

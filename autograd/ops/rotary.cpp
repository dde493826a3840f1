// Rotary position embedding.

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "autograd/kernels/elementwise.h"
#include "autograd/apply.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

// cos θ and sin θ side by side for each pair of features, for each position that occurs: sequences
// of a batch share most of theirs.
template <Real T>
class Turns {
 public:
  Turns(std::span<const Index> positions, Index pairs, double base, double direction)
      : positions_(positions), distinct_(positions.begin(), positions.end()), width_(2 * pairs) {
    std::ranges::sort(distinct_);
    distinct_.erase(std::unique(distinct_.begin(), distinct_.end()), distinct_.end());
    for (const Index position : distinct_)
      for (Index j = 0; j < pairs; ++j) {
        const double speed = std::pow(base, -static_cast<double>(j) / static_cast<double>(pairs));
        const double angle = direction * static_cast<double>(position) * speed;
        table_.push_back(static_cast<T>(std::cos(angle)));
        table_.push_back(static_cast<T>(std::sin(angle)));
      }
  }
  const T* of(Index row) const {
    const Index position = positions_[static_cast<std::size_t>(row)];
    return table_.data() +
           (std::ranges::lower_bound(distinct_, position) - distinct_.begin()) * width_;
  }

 private:
  std::span<const Index> positions_;  // of the rows
  std::vector<Index> distinct_;       // in ascending order
  std::vector<T> table_;              // [distinct positions, width]
  Index width_;
};

// The pair (a, b) of features 2j and 2j + 1 is turned by the angle θ = position · base^(−2j/d):
//   y_a = a cos θ − b sin θ,   y_b = a sin θ + b cos θ        x̄ = ȳ turned back, by −θ
struct Rotary {
  static constexpr auto name = "rotary";
  static constexpr Operands reads = {};
  Tensor positions;  // a constant: i64 [number of rows]
  Index heads;
  double base;
  double direction;  // 1, or −1 for turning back

  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index width = in[0].size(-1), head_width = width / heads;
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    const Turns<T> turns(positions.values<Index>(), head_width / 2, base, direction);
    kernels::parallel_rows(positions.numel(), width, [&](Index row) {
      const T* const turn = turns.of(row);
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
  require(x.rank() >= 1 && heads >= 1 && x.size(-1) % (2 * heads) == 0, "rotary: each of the ",
          heads, " heads needs an even width, x is ", x.shape());
  const Index rows = x.shape().numel(0, x.rank() - 1);
  require(positions.defined() && positions.dtype() == DType::i64 && positions.numel() == rows,
          "rotary: positions must be i64, one for each of the ", rows, " rows of x ", x.shape());
  require(base > 0, "rotary: the base must be positive, is ", base);
  return apply(Rotary{positions, heads, base, 1}, x);
}

}  // namespace adjoint

// Convolution over positions, by unfolding: each position's window laid out as one row turns the
// convolution into a matrix product.

#include <algorithm>

#include "autograd/kernels/elementwise.h"
#include "autograd/apply.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

// How windows of `taps` positions lie on a sequence of `length`, padded on both sides.
struct Windows {
  Index taps, stride, padding;

  Index count(Index length) const { return (length + 2 * padding - taps) / stride + 1; }
  /// visit(window, tap, position) for every tap of every window that lies on the sequence.
  template <class Visit>
  void each(Index length, Visit visit) const {
    for (Index window = 0; window < count(length); ++window)
      for (Index tap = 0; tap < taps; ++tap) {
        const Index position = window * stride + tap - padding;
        if (position >= 0 && position < length) visit(window, tap, position);
      }
  }
};

Tensor fold(const Tensor& g, const Windows& windows, Index length);

// y[b, window, tap, :] = x[b, position of the tap, :], 0 in the padding        x̄ = fold(ȳ)
struct Unfold {
  static constexpr auto name = "unfold";
  static constexpr Operands reads = {};
  Windows windows;
  Form form(Inputs in) const {
    const Shape& x = in[0].shape();  // [batch, length, width]
    return {{x[0], windows.count(x[1]), windows.taps, x[2]}, in[0].dtype()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index length = in[0].size(1), width = in[0].size(2), count = out[0].size(1);
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    std::fill_n(y, out[0].numel(), T{0});
    kernels::parallel_rows(in[0].size(0), length * width, [&](Index b) {
      windows.each(length, [&](Index window, Index tap, Index position) {
        std::copy_n(x + (b * length + position) * width, width,
                    y + ((b * count + window) * windows.taps + tap) * width);
      });
    });
  }
  Tensors vjp(const Pullback& back) const {
    return {fold(back.cotangent(), windows, back.shape(0)[1])};
  }
};

// y[b, position, :] = Σ x[b, window, tap, :] over the taps that lie there      x̄ = unfold(ȳ)
struct Fold {
  static constexpr auto name = "fold";
  static constexpr Operands reads = {};
  Windows windows;
  Index length;
  Form form(Inputs in) const {
    const Shape& x = in[0].shape();  // [batch, windows, taps, width]
    return {{x[0], length, x[3]}, in[0].dtype()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const Index count = in[0].size(1), width = in[0].size(3);
    const T* const x = in[0].values<T>().data();
    T* const y = out[0].edit<T>().data();
    std::fill_n(y, out[0].numel(), T{0});
    kernels::parallel_rows(in[0].size(0), length * width, [&](Index b) {
      windows.each(length, [&](Index window, Index tap, Index position) {
        const T* const from = x + ((b * count + window) * windows.taps + tap) * width;
        T* const to = y + (b * length + position) * width;
        for (Index i = 0; i < width; ++i) to[i] += from[i];
      });
    });
  }
  Tensors vjp(const Pullback& back) const { return {apply(Unfold{windows}, back.cotangent())}; }
};
Tensor fold(const Tensor& g, const Windows& windows, Index length) {
  return apply(Fold{windows, length}, g);
}

Tensor unfold(const char* name, const Tensor& x, Index taps, const Conv1dOptions& options) {
  require(options.stride >= 1 && options.padding >= 0, name,
          ": the stride must be at least 1 and the padding at least 0, are ", options.stride,
          " and ", options.padding);
  require(taps >= 1 && x.size(1) + 2 * options.padding >= taps, name, ": ", taps,
          " taps are more than the length of x ", x.shape(), " with ", options.padding,
          " zeros on both sides");
  return apply(Unfold{{taps, options.stride, options.padding}}, x);
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv1dOptions& options) {
  require(weight.rank() == 3 && x.rank() == 3 && weight.size(2) == x.size(2),
          "conv1d: x is [batch, length, inputs], the weight [outputs, taps, inputs]; x is ",
          x.shape(), ", the weight ", weight.shape());
  const Index outputs = weight.size(0), row = weight.size(1) * weight.size(2);
  const Tensor windows =
      unfold("conv1d", x, weight.size(1), options);  // [batch, windows, taps, inputs]
  const Tensor rows = reshape(windows, {x.size(0), windows.size(1), row});  // [batch, windows, row]
  return linear(rows, reshape(weight, {outputs, row}), bias);  // [batch, windows, outputs]
}

Tensor depthwise_conv1d(const Tensor& x, const Tensor& weight, const Conv1dOptions& options) {
  require(weight.rank() == 2 && x.rank() == 3 && weight.size(1) == x.size(2),
          "depthwise_conv1d: x is [batch, length, width], the weight [taps, width]; x is ",
          x.shape(), ", the weight ", weight.shape());
  const Tensor windows = unfold("depthwise_conv1d", x, weight.size(0), options);
  return sum(windows * weight, {2});  // [batch, windows, taps, width] to [batch, windows, width]
}

}  // namespace adjoint

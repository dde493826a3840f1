// Prints tensors in numpy's format.
//
//   [[ 1.0,  2.5],
//    [-3.0, 10.0]]  f32 [2, 2]

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "autograd/tensor.h"

namespace adjoint {
namespace {

constexpr Index edge = 3;           // elements shown at either end of a long axis
constexpr Index whole_limit = 200;  // tensors of up to this many elements are shown whole

std::string number(bool value) { return value ? "true" : "false"; }
std::string number(Index value) { return std::to_string(value); }
template <Real T>
std::string number(T value) {
  const std::string text = text_from(std::setprecision(5), value);
  const bool looks_whole = text.find_first_not_of("-0123456789") == std::string::npos;
  return text + (looks_whole ? ".0" : "");  // 2 prints as 2.0, to show that it is real
}

class Printer {
 public:
  Printer(std::ostream& stream, const Tensor& x)
      : stream_(stream), x_(x), elide_(x.numel() > whole_limit) {
    each_element(0, 0, [&](Index position) { width_ = std::max(width_, text(position).size()); });
    write(0, 0);
  }

 private:
  std::string text(Index position) const {
    return dispatch(x_.dtype(), [&]<class T>() {
      return number(x_.values<T>()[static_cast<std::size_t>(position)]);
    });
  }

  // The shown indices of one axis; −1 stands for those left out.
  std::vector<Index> shown(Index axis) const {
    std::vector<Index> indices;
    const Index size = x_.size(axis);
    const bool gap = elide_ && size > 2 * edge;
    for (Index i = 0; i < (gap ? edge : size); ++i) indices.push_back(i);
    if (gap) indices.push_back(-1);
    for (Index i = size - edge; gap && i < size; ++i) indices.push_back(i);
    return indices;
  }

  template <class Visit>
  void each_element(Index axis, Index position, const Visit& visit) const {
    if (axis == x_.rank()) return visit(position);
    for (const Index i : shown(axis))
      if (i >= 0) each_element(axis + 1, position * x_.size(axis) + i, visit);
  }

  void write(Index axis, Index position) {
    if (axis == x_.rank()) {
      stream_ << std::setw(static_cast<int>(width_)) << text(position);
      return;
    }
    const bool innermost = axis + 1 == x_.rank();
    const std::string separator =
        innermost ? ", " : ",\n" + std::string(static_cast<std::size_t>(axis) + 1, ' ');
    stream_ << '[';
    for (bool first = true; const Index i : shown(axis)) {
      if (!std::exchange(first, false)) stream_ << separator;
      if (i < 0)
        stream_ << "...";
      else
        write(axis + 1, position * x_.size(axis) + i);
    }
    stream_ << ']';
  }

  std::ostream& stream_;
  const Tensor& x_;
  bool elide_;
  std::size_t width_ = 0;  // of every column: that of the widest number shown
};

}  // namespace

std::ostream& operator<<(std::ostream& stream, const Tensor& x) {
  if (!x.defined()) return stream << "(empty)";
  if (x.storage())
    Printer(stream, x);
  else
    stream << "(values not kept)";
  return stream << "  " << x.dtype() << ' ' << x.shape();
}

std::string operand_text(const char* role, std::size_t index, const Tensor& x) {
  return text_from(role, ' ', index) + (x.name().empty() ? "" : " ('" + x.name() + "')");
}

}  // namespace adjoint

// How a tensor prints: like numpy, so that people can read it at once.
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
constexpr Index whole_limit = 200;  // tensors of up to so many elements are shown whole

std::string number(bool value) { return value ? "true" : "false"; }
std::string number(Index value) { return std::to_string(value); }
template <Real T>
std::string number(T value) {
  std::ostringstream text;
  text << std::setprecision(5) << value;
  // A whole number of a real type still shows what it is: 2 prints as 2.0.
  const bool looks_whole = text.str().find_first_not_of("-0123456789") == std::string::npos;
  return text.str() + (looks_whole ? ".0" : "");
}

class Printer {
 public:
  Printer(std::ostream& stream, const Tensor& x) : stream_(stream), x_(x) {
    elide_ = x.numel() > whole_limit;
    measure(0, 0);
    write(0, 0);
  }

 private:
  std::string element(Index position) const {
    return dispatch(x_.dtype(), [&]<class T>() {
      return number(x_.values<T>()[static_cast<std::size_t>(position)]);
    });
  }

  // Visits the shown indices of one axis; `gap` is called where some are left out.
  template <class Visit, class Gap>
  void each_shown(Index axis, Visit visit, Gap gap) {
    const Index size = x_.size(axis);
    for (Index i = 0; i < size; ++i) {
      if (elide_ && size > 2 * edge && i == edge) {
        gap();
        i = size - edge;
      }
      visit(i);
    }
  }

  // All columns get the width of the widest number shown.
  void measure(Index axis, Index position) {
    if (axis == x_.rank()) {
      width_ = std::max(width_, element(position).size());
      return;
    }
    each_shown(
        axis, [&](Index i) { measure(axis + 1, position * x_.size(axis) + i); }, [] {});
  }

  void write(Index axis, Index position) {
    if (axis == x_.rank()) {
      stream_ << std::setw(static_cast<int>(width_)) << element(position);
      return;
    }
    const bool innermost = axis + 1 == x_.rank();
    const std::string separator =
        innermost ? ", " : ",\n" + std::string(static_cast<std::size_t>(axis) + 1, ' ');
    stream_ << '[';
    bool first = true;
    const auto separate = [&] {
      if (!first) stream_ << separator;
      first = false;
    };
    each_shown(
        axis,
        [&](Index i) {
          separate();
          write(axis + 1, position * x_.size(axis) + i);
        },
        [&] {
          separate();
          stream_ << "...";
        });
    stream_ << ']';
  }

  std::ostream& stream_;
  const Tensor& x_;
  bool elide_ = false;
  std::size_t width_ = 0;
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

}  // namespace adjoint

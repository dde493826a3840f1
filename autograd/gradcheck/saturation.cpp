#include "autograd/gradcheck/saturation.h"

#include <cmath>

namespace adjoint::checking {
namespace {

constexpr double visible = 10;  // times the noise
constexpr double clear = 1000;  // times the noise
constexpr double abrupt = 1e6;  // times the noise
constexpr int bisections = 45;

// Whether changes at ten and a hundred times the way follow a power of it, as they do behind a kink
// or where a square begins. An exponential grows ever faster.
bool is_power(double first, double second, double third) {
  const double growth = second / first, next = third / second;
  return growth > 5 && next > growth / 2 && next < growth * 2;
}

}  // namespace

bool is_saturated(const Differentiator& both, Index i) {
  const double x = both.f.point[at(i)];
  const auto change_at = [&](double value) {
    Vector point = both.f.point;
    point[at(i)] = value;
    return both.visible_change(point);
  };
  for (const double other : {0.0, -x, 16 * x, -16 * x}) {
    if (change_at(other) <= clear) continue;
    double near = 0, far = 1;  // parts of the way from x to the other value
    for (int k = 0; k < bisections; ++k) {
      const double middle = (near + far) / 2;
      (change_at(x + middle * (other - x)) > visible ? far : near) = middle;
    }
    const auto change_behind = [&](double part) {
      return change_at(x + far * (1 + part) * (other - x));
    };
    for (double part = 1e-10; part < 1e-3; part *= 10) {
      const double first = change_behind(part), second = change_behind(10 * part),
                   third = change_behind(100 * part);
      const bool jump = first > abrupt;
      if (jump || (first > 3 * visible && is_power(first, second, third))) return false;
    }
    return true;
  }
  return false;
}

}  // namespace adjoint::checking

#include "nn/checks/property_report.h"

#include <algorithm>
#include <ostream>
#include <sstream>

namespace adjoint::nn {
namespace {

constexpr std::size_t most_lines = 5;

void print(std::ostream& stream, const Violation& violation) {
  stream << "\n  " << violation.where << ' ' << violation.what;
  if (violation.elements > 1) stream << " (" << violation.elements << " elements)";
}

}  // namespace

std::ostream& operator<<(std::ostream& stream, const PropertyReport& report) {
  stream << report.property();
  if (report) return stream << ": holds, " << report.compared() << " elements compared";
  std::vector<Violation> worst = report.violations();
  std::ranges::stable_sort(worst, std::ranges::greater(), &Violation::size);
  stream << ": violated in " << worst.size() << (worst.size() == 1 ? " way" : " ways");
  for (std::size_t i = 0; i < std::min(worst.size(), most_lines); ++i) print(stream, worst[i]);
  if (worst.size() > most_lines) stream << "\n  and in " << worst.size() - most_lines << " more";
  return stream << "\n  usual cause: " << report.cause();
}

std::string place(const std::string& name, const Shape& shape, Index element) {
  std::string indices;
  for (Index axis = shape.rank(); axis-- > 0; element /= shape[axis])
    indices = (axis > 0 ? ", " : "[") + std::to_string(element % shape[axis]) + indices;
  return indices.empty() ? name : name + indices + ']';
}

std::string number(double value) {
  std::ostringstream text;
  text.precision(3);
  text << value;
  return text.str();
}

}  // namespace adjoint::nn

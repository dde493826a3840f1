#include "autograd/gradcheck/oracle_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iomanip>
#include <ostream>

#include "autograd/support/error.h"

namespace adjoint {
namespace {

using Kind = TaylorRate::Kind;

// "2.00", or "none" with the reason.
std::string rate_text(const TaylorRate& taylor) {
  if (taylor.kind == Kind::straight) return "none (f is straight, no remainder)";
  if (taylor.kind == Kind::undecided) return "none (" + taylor.note + ')';
  return text_from(std::fixed, std::setprecision(2), taylor.rate,
                   taylor.kind == Kind::wrong ? ", not 2" : "");
}

void print_taylor(std::ostream& stream, const GradcheckReport& report) {
  const std::vector<TaylorRate>& all = report.taylor;
  if (all.empty()) return;
  stream << "; Taylor rate " << rate_text(all[0]);
  for (std::size_t i = 1; i < all.size(); ++i)
    if (rate_text(all[i]) != rate_text(all[i - 1])) stream << ", " << rate_text(all[i]);
  const bool wrong = std::ranges::count(all, Kind::wrong, &TaylorRate::kind) > 0;
  if (wrong && report.verdict() != Verdict::failed) stream << ", as a convention at a kink has it";
}

void print_dot_products(std::ostream& stream, const std::vector<DotProduct>& all) {
  if (all.empty()) return;
  const auto wrong = std::ranges::count_if(all, std::not_fn(&DotProduct::agrees));
  stream << "; jvp and vjp ";
  if (wrong > 0)
    stream << "differ in " << wrong << " of " << all.size() << " dot products";
  else
    stream << "agree in " << all.size() << " dot products";
}

}  // namespace

const char* name_of(TaylorRate::Kind kind) {
  constexpr const char* names[] = {"right", "straight", "wrong", "undecided"};
  return names[static_cast<int>(kind)];
}

void print_oracles(std::ostream& stream, const GradcheckReport& report) {
  print_taylor(stream, report);
  print_dot_products(stream, report.dot_products);
}

std::ostream& operator<<(std::ostream& output, const TaylorRate& taylor) {
  TextStream stream;
  stream << "Taylor test " << taylor.where << ", order " << taylor.order << ": rate "
         << rate_text(taylor) << "\n  h         |f(x+hu) − f(x)|  remainder  rate";
  for (const TaylorRate::Step& step : taylor.steps) {
    char line[100], rate[20] = "";
    if (!std::isnan(step.rate)) std::snprintf(rate, sizeof rate, "  %5.2f", step.rate);
    std::snprintf(line, sizeof line, "\n  %.2e  %16.3e  %9.3e%s", step.h, step.change,
                  step.remainder, rate);
    stream << line;
  }
  return output << stream.str();
}

}  // namespace adjoint

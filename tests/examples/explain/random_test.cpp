// Random expressions of numbers, whose values are known from how they were made.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>

#include "autograd/grad.h"
#include "tests/autograd/support.h"
#include "tests/examples/explain/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

// A number with its derivative along x, and the text that stands for it. `binds`: how strongly its
// outermost operator holds it together.
struct Made {
  std::string text;
  double value, slope;
  int binds;
};
enum Binds { sums, products, signs, powers, atoms };

class Maker {
 public:
  Maker(Dice& dice, double x) : dice_(dice), x_(x) {}

  Made make(int depth) {
    if (depth == 0 || dice_.between(0, 9) == 0) return atom();
    switch (dice_.between(0, 7)) {
      case 0:
        return infix(depth, '+', sums);
      case 1:
        return infix(depth, '-', sums);
      case 2:
        return infix(depth, '*', products);
      case 3:
        return infix(depth, '/', products);
      case 4: {
        const Made a = within(make(depth - 1), signs);
        return {"-" + space() + a.text, -a.value, -a.slope, signs};
      }
      case 5: {
        const Made a = within(make(depth - 1), atoms);
        const auto n = static_cast<double>(dice_.between(2, 3));
        const Index form = dice_.between(0, 1);  // x^2, or x^--2
        return {a.text + space() + "^" + space() + (form == 0 ? "" : "--") + text_from(n),
                std::pow(a.value, n), n * std::pow(a.value, n - 1) * a.slope, powers};
      }
      case 6: {
        const Made a = make(depth - 1);
        return {"sin(" + space() + a.text + ")", std::sin(a.value), std::cos(a.value) * a.slope,
                atoms};
      }
      default: {
        const Made a = make(depth - 1);
        const double y = std::tanh(a.value);
        return {"tanh(" + a.text + space() + ")", y, (1 - y * y) * a.slope, atoms};
      }
    }
  }

 private:
  std::string space() { return dice_.coin() ? "" : dice_.coin() ? " " : "\t "; }

  Made atom() {
    if (dice_.coin()) return {"x", x_, 1, atoms};
    const auto number = static_cast<double>(dice_.between(1, 9)) / 4;
    return {text_from(number), number, 0, atoms};
  }

  // In brackets where they are needed, and sometimes where they are not.
  Made within(Made a, int least) {
    if (a.binds < least || dice_.between(0, 9) == 0) a.text = "(" + space() + a.text + ")";
    return a;
  }

  Made infix(int depth, char symbol, int level) {
    const Made a = within(make(depth - 1), level), b = within(make(depth - 1), level + 1);
    const std::string text = a.text + space() + symbol + space() + b.text;
    switch (symbol) {
      case '+':
        return {text, a.value + b.value, a.slope + b.slope, level};
      case '-':
        return {text, a.value - b.value, a.slope - b.slope, level};
      case '*':
        return {text, a.value * b.value, a.slope * b.value + a.value * b.slope, level};
      default:
        return {text, a.value / b.value,
                (a.slope * b.value - a.value * b.slope) / (b.value * b.value), level};
    }
  }

  Dice& dice_;
  double x_;
};

bool close(double a, double b) {
  return std::abs(a - b) <= 1e-9 * (1 + std::abs(b)) || a == b || std::isnan(b);
}

BOOST_AUTO_TEST_SUITE(expression_random)

BOOST_AUTO_TEST_CASE(random_expressions_have_the_values_and_slopes_they_were_made_with) {
  Dice dice(Key(77));
  int compared = 0, differentiated = 0;
  for (int round = 0; round < 3000; ++round) {
    const double x = static_cast<double>(dice.between(-8, 8)) / 4;
    const Made made = Maker(dice, x).make(static_cast<int>(dice.between(1, 6)));
    if (!std::isfinite(made.value) || !std::isfinite(made.slope) || std::abs(made.value) > 1e6 ||
        std::abs(made.slope) > 1e6)
      continue;
    const bool has_x = made.text.find('x') != std::string::npos;
    const auto e = evaluated((has_x ? "x = " + text_from(x) + "; " : "") + made.text);
    BOOST_TEST(close(e.result.item(), made.value),
               made.text << " at " << x << " is " << e.result.item() << ", not " << made.value);
    ++compared;
    if (!e.result.tracked()) continue;
    const double slope = grad(e.result, e.variables)[0].item();
    BOOST_TEST(close(slope, made.slope),
               made.text << " at " << x << " has slope " << slope << ", not " << made.slope);
    ++differentiated;
  }
  BOOST_TEST(compared > 2000);
  BOOST_TEST(differentiated > 1000);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

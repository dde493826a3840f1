#include "autograd/kernels/registers.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "autograd/kernels/vector_math.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::kernels;

template <Real T>
std::vector<T> elements(const Register<T>& x) {
  std::vector<T> result(static_cast<std::size_t>(lanes<T>));
  store(result.data(), x);
  return result;
}

template <Real T>
std::vector<T> counting(Index count) {
  std::vector<T> result;
  for (Index i = 0; i < count; ++i) result.push_back(static_cast<T>(i + 1));
  return result;
}

template <Real T>
void check_parts() {
  for (Index count = 0; count <= lanes<T>; ++count) {
    // Exactly `count` elements are read and written.
    const std::vector<T> from = counting<T>(lanes<T>);
    std::vector<T> expected = counting<T>(count);
    expected.resize(static_cast<std::size_t>(lanes<T>));
    BOOST_TEST(elements<T>(load_first(from.data(), count)) == expected);
    std::vector<T> with_others = expected;
    std::fill(with_others.begin() + count, with_others.end(), T{-5});
    BOOST_TEST(elements<T>(load_first(from.data(), count, filled(T{-5}))) == with_others);
    std::vector<T> to(static_cast<std::size_t>(lanes<T>));
    store_first(to.data(), load(from.data()), count);
    BOOST_TEST(to == expected);
  }
}

template <Real T>
void check_totals() {
  constexpr Index n = lanes<T>;
  const std::vector<T> numbers = counting<T>(n * n);
  Register<T> rows[n];
  for (Index i = 0; i < n; ++i) rows[i] = load(numbers.data() + i * n);
  const std::vector<T> totals = elements<T>(totals_of<T>(rows));
  for (Index i = 0; i < n; ++i)  // row i holds i n + 1, …, i n + n
    BOOST_TEST(totals[static_cast<std::size_t>(i)] == i * n * n + n * (n + 1) / 2);
}

template <Real T>
void check_total() {
  const std::vector<T> numbers = counting<T>(lanes<T>);
  BOOST_TEST(total_of<T>(load(numbers.data())) == lanes<T> * (lanes<T> + 1) / 2);
}

template <Real T>
void check_transposition() {
  constexpr Index n = lanes<T>;
  const std::vector<T> numbers = counting<T>(n * n);
  Register<T> rows[n];
  for (Index i = 0; i < n; ++i) rows[i] = load(numbers.data() + i * n);
  transpose<T>(rows);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j)
      BOOST_TEST(elements<T>(rows[i])[static_cast<std::size_t>(j)] ==
                 numbers[static_cast<std::size_t>(j * n + i)]);
}

template <Real T>
void check_exp() {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const T smallest = std::log(std::numeric_limits<T>::min());
  double worst = 0;  // in units of the last place
  constexpr int count = 20000;
  for (int i = 0; i < count; ++i) {
    const T x = smallest * static_cast<T>(i) / count;
    const T y = elements<T>(exp_of_negative<T>(filled(x)))[0];
    const double exact = std::exp(static_cast<double>(x));
    if (x < ExpConstants<T>::smallest) continue;
    worst = std::max(worst, std::abs(static_cast<double>(y) - exact) /
                                (exact * static_cast<double>(std::numeric_limits<T>::epsilon())));
  }
  BOOST_TEST(worst < 2);
  BOOST_TEST(elements<T>(exp_of_negative<T>(Register<T>{}))[0] == 1);
  for (const T x : {smallest - 1, T{-1e30F}, -infinity})
    BOOST_TEST(elements<T>(exp_of_negative<T>(filled(x)))[0] == 0);
  BOOST_TEST(
      std::isnan(elements<T>(exp_of_negative<T>(filled(std::numeric_limits<T>::quiet_NaN())))[0]));
}

BOOST_AUTO_TEST_SUITE(registers)

BOOST_AUTO_TEST_CASE(parts_of_a_register) {
  check_parts<float>();
  check_parts<double>();
}

BOOST_AUTO_TEST_CASE(a_square_is_transposed) {
  check_transposition<float>();
  check_transposition<double>();
}

BOOST_AUTO_TEST_CASE(the_elements_of_a_register_are_added_up) {
  check_total<float>();
  check_total<double>();
}

BOOST_AUTO_TEST_CASE(the_registers_of_a_square_are_added_up) {
  check_totals<float>();
  check_totals<double>();
}

BOOST_AUTO_TEST_CASE(exp_for_softmax) {
  check_exp<float>();
  check_exp<double>();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

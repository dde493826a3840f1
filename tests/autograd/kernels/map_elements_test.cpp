#include "autograd/kernels/map_elements.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

namespace {

using namespace adjoint;
using namespace adjoint::kernels;

template <Real T>
std::vector<T> numbers(Index count) {
  std::vector<T> result;
  for (Index i = 0; i < count; ++i) result.push_back(std::sin(static_cast<T>(i) + T{1}));
  return result;
}

// Spans of exactly `count` elements, which a sanitizer guards, between others that must not change.
template <Real T>
void check_counts() {
  const auto f = [](T a, T b) { return a * b + T{0.1F}; };
  for (Index count = 0; count <= 5 * Block<T>::size; ++count) {
    const std::vector<T> a = numbers<T>(count), b = numbers<T>(count);
    std::vector<T> y(static_cast<std::size_t>(count + 9), T{7}), in_place = a;
    map_elements(f, count, y.data(), a.data(), b.data());
    map_elements(f, count, in_place.data(), in_place.data(), b.data());
    for (Index i = 0; i < count + 9; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const double expected =
          i < count ? static_cast<double>(a[at]) * static_cast<double>(b[at]) + 0.1 : 7;
      BOOST_TEST(std::abs(static_cast<double>(y[at]) - expected) < 1e-6);
      if (i < count) BOOST_TEST(in_place[at] == y[at]);
    }
  }
}

BOOST_AUTO_TEST_SUITE(mapped_elements)

BOOST_AUTO_TEST_CASE(exactly_the_elements_asked_for_are_computed) {
  check_counts<float>();
  check_counts<double>();
}

BOOST_AUTO_TEST_CASE(other_types_are_mapped_one_by_one) {
  const std::vector<float> x = numbers<float>(21);
  std::vector<Index> y(21);
  map_elements([](float v) { return v > 0 ? Index{1} : Index{0}; }, 21, y.data(), x.data());
  for (std::size_t i = 0; i < 21; ++i) BOOST_TEST(y[i] == (x[i] > 0 ? 1 : 0));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

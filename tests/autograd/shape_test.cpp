#include "autograd/shape.h"

#include <boost/test/unit_test.hpp>
#include <sstream>

#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

std::string printed(const Shape& shape) {
  std::ostringstream stream;
  stream << shape;
  return stream.str();
}

BOOST_AUTO_TEST_SUITE(shape)

BOOST_AUTO_TEST_CASE(sizes_and_axes) {
  const Shape shape{2, 3, 4};
  BOOST_TEST(shape.rank() == 3);
  BOOST_TEST(shape[0] == 2);
  BOOST_TEST(shape[-1] == 4);
  BOOST_TEST(shape.numel() == 24);
  BOOST_TEST(shape.numel(1, 3) == 12);
  BOOST_TEST(shape.numel(1, 1) == 1);
  BOOST_TEST(shape.resolve(-3) == 0);
  BOOST_TEST(Shape{}.numel() == 1);
  BOOST_TEST((Shape{3, 0}.numel()) == 0);
  BOOST_TEST(printed(shape) == "[2, 3, 4]");
  BOOST_TEST(printed({}) == "[]");
}

BOOST_AUTO_TEST_CASE(wrong_axes_and_sizes) {
  const Shape shape{2, 3};
  BOOST_CHECK_EXCEPTION(shape[2], Error, says("shape: [2, 3] has no axis 2"));
  BOOST_CHECK_EXCEPTION(shape[-3], Error, says("shape: [2, 3] has no axis -3"));
  BOOST_CHECK_EXCEPTION(Shape{}[-1], Error, says("shape: [] has no axis -1"));
  BOOST_CHECK_EXCEPTION((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), Error,
                        says("shape: at most 8 axes, got 9"));
  BOOST_CHECK_EXCEPTION((Shape{2, -1}), Error, says("shape: an axis cannot have size -1"));
}

BOOST_AUTO_TEST_CASE(derived_shapes) {
  const Shape shape{2, 3, 4};
  BOOST_TEST((shape.part(1, 3) == Shape{3, 4}));
  BOOST_TEST((shape.part(1, 1) == Shape{}));
  BOOST_TEST((shape.with(-1, 7) == Shape{2, 3, 7}));
  BOOST_TEST((shape.inserted(1, 5) == Shape{2, 5, 3, 4}));
  BOOST_TEST((shape.inserted(3, 5) == Shape{2, 3, 4, 5}));
  BOOST_TEST((shape.without(-2) == Shape{2, 4}));
  BOOST_TEST((shape.joined({5}) == Shape{2, 3, 4, 5}));
  BOOST_TEST((Shape{}.joined({}) == Shape{}));
}

BOOST_AUTO_TEST_CASE(equality_looks_at_the_sizes_in_use) {
  BOOST_TEST((Shape{2, 3}.without(1) == Shape{2}));
  BOOST_TEST((Shape{2, 1} != Shape{2}));
}

BOOST_AUTO_TEST_CASE(broadcasting) {
  const auto result = [](const Shape& a, const Shape& b) { return broadcast("test", a, b); };
  BOOST_TEST((result({2, 3}, {3}) == Shape{2, 3}));
  BOOST_TEST((result({3}, {2, 3}) == Shape{2, 3}));
  BOOST_TEST((result({2, 1}, {1, 3}) == Shape{2, 3}));
  BOOST_TEST((result({}, {2}) == Shape{2}));
  BOOST_TEST((result({1}, {0}) == Shape{0}));
  BOOST_TEST((result({4, 1, 2}, {3, 1}) == Shape{4, 3, 2}));
  BOOST_TEST(broadcastable({2, 3}, {1}));
  BOOST_TEST(!broadcastable({2, 3}, {2}));
  BOOST_TEST(!broadcastable({0}, {2}));
  BOOST_CHECK_EXCEPTION(result({2, 3}, {2}), Error,
                        says("test: shapes [2, 3] and [2] do not broadcast: aligned at the last "
                             "axis, sizes must be equal or 1"));
}

BOOST_AUTO_TEST_CASE(axes_as_callers_name_them) {
  const auto resolve = [](const Shape& shape, const std::vector<Index>& axes) {
    return resolve_axes("test", shape, axes);
  };
  using List = std::vector<Index>;
  BOOST_TEST(resolve({2, 3, 4}, {-1, 0}) == (List{0, 2}));
  BOOST_TEST(resolve({2, 3}, {}) == (List{0, 1}));
  BOOST_TEST(resolve({}, {}) == List{});
  BOOST_CHECK_EXCEPTION(resolve({2}, {1}), Error, says("test: no axis 1 in a tensor of shape [2]"));
  BOOST_CHECK_EXCEPTION(resolve({2, 3}, {0, -2}), Error, says("test: an axis is named twice"));
}

BOOST_AUTO_TEST_CASE(more_elements_than_can_be_counted_are_an_error) {
  BOOST_CHECK_THROW((Shape{Index{1} << 40, Index{1} << 40}), Error);
  BOOST_CHECK_THROW((Shape{0, Index{1} << 40, Index{1} << 40}), Error);
  BOOST_TEST((Shape{0, Index{1} << 40}).numel() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// Sizes that no memory can hold: products and sums beyond the range of Index, and tensors without
// elements whose other axes are huge. Each gives an Error or the right answer, and at once.
#include <array>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <functional>
#include <limits>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "autograd/ops.h"
#include "tests/autograd/child.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr Index largest = std::numeric_limits<Index>::max();
constexpr Index power(int exponent) { return Index{1} << exponent; }
const DType b8 = DType::b8, i64 = DType::i64;

std::shared_ptr<AttentionPattern> pattern_of(AttentionPattern::Example example) {
  auto pattern = std::make_shared<AttentionPattern>();
  pattern->examples.push_back(example);
  return pattern;
}
std::shared_ptr<AttentionPattern> causal_from(Index first_position) {
  auto pattern = pattern_of({0, 2, 0, 3, first_position, 0});
  pattern->causal = true;
  return pattern;
}

BOOST_AUTO_TEST_SUITE(sizes)

using adjoint::tensor;

BOOST_AUTO_TEST_CASE(sizes_that_overflow_are_refused) {
  struct Case {
    const char* beginning;  // of the message, which names the operation
    std::function<void()> call;
  };
  const Tensor few = ones({2, 2}), rows = ones({4});
  const Case cases[] = {
      {"split: the sizes",
       [=] {
         split(few, 0, {largest, largest, 4});
       }},
      {"split: the parts add up to", [=] { split(few, 0, {largest}); }},
      {"where: shape: [4194304, 4194304, 4194304]",
       [] {
         where(zeros({power(22), 1, 1}, b8), ones({1, power(22), 1}), ones({1, 1, power(22)}));
       }},
      {"where: shape:",
       [] {
         where(zeros({12648448, 1, 1}, b8), ones({1, 65537, 1}), ones({1, 1, 22253377}));
       }},
      {"add: shape: [0, 1099511627776, 1099511627776]",
       [] {
         zeros({0, 1, power(40)}) + zeros({0, power(40), 1});
       }},
      {"less: shape:",
       [] {
         less(zeros({0, 1, power(40)}), zeros({0, power(40), 1}));
       }},
      {"concat: the sizes",
       [] {
         concat(Tensors(20, zeros({power(59), 0})), 0);
       }},
      {"concat: shape:",
       [] {
         concat(Tensors(2, zeros({power(59), 0})), 0);
       }},
      {"concat: shape:",
       [] {
         concat(Tensors(16, zeros({0, power(58)})), 1);
       }},
      {"concat: shape:",
       [] {
         stack(Tensors(4, zeros({0, power(58)})));
       }},
      {"shape: [4294967296, 4294967296, 1]",
       [=] {
         reshape(rows, {power(32), power(32), -1});
       }},
      {"shape:",
       [=] {
         reshape(rows, {power(62) + 1, 4, -1});
       }},
      {"shape: an axis cannot have size -2",
       [=] {
         reshape(rows, {-2, -1});
       }},
      {"shape: an axis cannot have size -1",
       [=] {
         reshape(rows, {-1, -1});
       }},
      {"linear: shape:",
       [] {
         linear(zeros({power(30), power(29), 0}), zeros({power(10), 0}));
       }},
      {"matmul: shape:",
       [] {
         matmul(zeros({power(40), 0}), zeros({0, power(40)}));
       }},
      {"matmul: shape:",
       [] {
         matmul(zeros({power(30), 1, 1, 0}), zeros({1, power(30), 0, 1}));
       }},
      {"rotary: each of the",
       [] {
         rotary(ones({1, 4}), zeros({1}, i64), power(62));
       }},
      {"one_hot: shape:",
       [] {
         one_hot(zeros({0, power(30)}, i64), power(40));
       }},
      {"one_hot: shape: an axis cannot have size -3", [] { one_hot(zeros({0}, i64), -3); }},
      {"gather: shape:",
       [] {
         gather(zeros({power(40), 0}), zeros({0, power(40)}, i64), 1);
       }},
      {"scatter_add: shape:",
       [] {
         scatter_add(zeros({0, power(40)}), zeros({0}, i64), 0, power(40));
       }},
      {"embedding: shape:",
       [] {
         embedding(zeros({0, power(40)}, i64), zeros({0, power(40)}));
       }},
      {"shape:", [] { eye(power(30)); }},
      {"shape:", [] { AttentionPattern::whole(power(40), power(40), 1); }},
      {"shape:", [] { AttentionPattern::whole(1, -1, 1); }},
      {"shape:", [] { AttentionPattern().dense(power(40), power(40)); }},
      {"attention: the pattern's example",
       [] {
         attention(ones({2, 4}), ones({3, 4}), ones({3, 4}), pattern_of({0, 1, 1, largest}));
       }},
      {"attention: the pattern's example",
       [] {
         attention(ones({2, 4}), ones({3, 4}), ones({3, 4}), pattern_of({1, largest, 0, 1}));
       }},
      {"attention: the pattern's example",
       [] {
         attention_weights(ones({2, 4}), ones({3, 4}), pattern_of({0, 1, 1, largest}));
       }},
      {"attention: positions",
       [] {
         attention(ones({2, 4}), ones({3, 4}), ones({3, 4}), causal_from(largest));
       }},
      {"attention: positions",
       [] {
         attention(ones({2, 4}), ones({3, 4}), ones({3, 4}), causal_from(-1));
       }},
      {"attention: shape:",
       [] {
         attention(zeros({power(30), power(29), 0}), zeros({1, 0}), zeros({1, 1024}),
                   std::make_shared<AttentionPattern>());
       }},
      {"attention: an example of 2 queries", [] { AttentionPattern::whole(1, 2, 3).dense(1, 3); }},
  };
  for (const Case& wrong : cases) {
    const std::string text = error_of(wrong.call);
    BOOST_TEST(text.starts_with(wrong.beginning), text << "\n  expected " << wrong.beginning);
  }
}

// Overflowing products may wrap around to small positive numbers, which checking the sign would
// miss.
BOOST_AUTO_TEST_CASE(random_products_fit_or_are_refused) {
  Dice dice(Key(1));
  for (int round = 0; round < 20'000; ++round) {
    const Index rank = dice.between(1, 8);
    std::vector<Index> sizes;
    long double product = 1;
    for (Index axis = 0; axis < rank; ++axis) {
      sizes.push_back(dice.between(0, 5) == 0
                          ? 0
                          : dice.between(0, power(static_cast<int>(dice.between(0, 62)))));
      product *= static_cast<long double>(std::max<Index>(1, sizes.back()));
    }
    const bool fits = product <= static_cast<long double>(Shape::max_elements);
    const auto makes = [&](const auto& make) { return error_of([&] { make(); }) == "no error"; };
    BOOST_REQUIRE(makes([&] { Shape shape{std::span<const Index>(sizes)}; }) == fits);
    if (!fits) continue;
    const Shape shape{std::span<const Index>(sizes)};
    const Index axis = dice.between(0, rank - 1),
                size = power(static_cast<int>(dice.between(0, 62)));
    const long double changed = product /
                                static_cast<long double>(std::max<Index>(1, shape[axis])) *
                                static_cast<long double>(size);
    BOOST_REQUIRE(makes([&] { (void)shape.with(axis, size); }) ==
                  (changed <= static_cast<long double>(Shape::max_elements)));
    if (rank < 8)
      BOOST_REQUIRE(makes([&] { (void)shape.inserted(axis, size); }) ==
                    (product * static_cast<long double>(size) <=
                     static_cast<long double>(Shape::max_elements)));
  }
}

BOOST_AUTO_TEST_CASE(sums_of_sizes_fit_or_are_refused) {
  BOOST_TEST(sum_of_sizes("test", largest - 1, 1) == largest);
  BOOST_CHECK_EXCEPTION(
      sum_of_sizes("test", largest, 1), Error,
      says("test: the sizes 9223372036854775807 and 1 add up to more than an index can hold"));
}

BOOST_AUTO_TEST_CASE(axes_that_do_not_exist_are_refused) {
  BOOST_CHECK_EXCEPTION((Shape{2, 3}.part(1, 3)), Error, says("shape: [2, 3] has no axes [1, 3)"));
  BOOST_CHECK_EXCEPTION((Shape{2, 3}.part(-1, 1)), Error,
                        says("shape: [2, 3] has no axes [-1, 1)"));
  BOOST_CHECK_EXCEPTION((Shape{2, 3}.inserted(3, 1)), Error,
                        says("shape: no axis can be inserted at 3 of [2, 3]"));
  BOOST_CHECK_EXCEPTION((Shape{2, 3}.with(0, -1)), Error,
                        says("shape: an axis cannot have size -1"));
}

// ---- Tensors without elements -------------------------------------------------------------------

// A loop over 2³⁸ empty rows would take minutes.
BOOST_AUTO_TEST_CASE(nothing_takes_no_time) {
  const Index many = power(38);
  const std::pair<const char*, std::function<Tensor(const Tensor&)>> unary[] = {
      {"softmax", softmax},
      {"log_softmax", log_softmax},
      {"exp", [](const Tensor& x) { return exp(x); }},
      {"masked_softmax", [](const Tensor& x) { return masked_softmax(x, zeros(x.shape(), b8)); }},
      {"dropout", [](const Tensor& x) { return dropout(x, 0.5, Key(1)); }},
      {"sum of all", [](const Tensor& x) { return sum(x); }},
      {"slice", [](const Tensor& x) { return slice(x, 1, 0, x.size(1) / 2); }},
      {"slice of the last axis", [](const Tensor& x) { return slice(x, -1, 0, 0); }},
      {"concat",
       [](const Tensor& x) {
         return concat({x, x}, 1);
       }},
      {"concat of the last axis",
       [](const Tensor& x) {
         return concat({x, x}, -1);
       }},
      {"split",
       [](const Tensor& x) {
         return split(x, 0, {1, 2, x.size(0) - 3})[1];
       }},
      {"stack",
       [](const Tensor& x) {
         return stack({x, x});
       }},
      {"transpose", [](const Tensor& x) { return transpose(x, 0, 1); }},
      {"reshape",
       [](const Tensor& x) {
         return reshape(x, {x.size(1), 0, x.size(0)});
       }},
      {"gather",
       [](const Tensor& x) {
         return gather(x, tensor({0, 1}, i64), 0);
       }},
      {"gather of an inner axis",
       [](const Tensor& x) {
         return gather(x, tensor({0, 1}, i64), 1);
       }},
      {"scatter_add",
       [](const Tensor& x) { return scatter_add(slice(x, 0, 0, 1), tensor({0}, i64), 0, 3); }},
      {"matmul",
       [](const Tensor& x) {
         return matmul(transpose(x), zeros({x.size(1), 0}));
       }},
      {"where", [](const Tensor& x) { return where(zeros(x.shape(), b8), x, x); }},
      {"broadcast_to", [](const Tensor& x) { return broadcast_to(slice(x, 0, 0, 1), x.shape()); }},
      {"max", [](const Tensor& x) { return max(x, {0}); }},
      {"logsumexp", [](const Tensor& x) { return logsumexp(x, {1}); }},
      {"sum", [](const Tensor& x) { return sum(x, {0}); }},
      {"mean", [](const Tensor& x) { return mean(x, {0}); }},
      {"variance", [](const Tensor& x) { return variance(x, {0}); }},
      {"cast", [](const Tensor& x) { return cast(x, DType::f64); }},
  };
  for (const auto& [name, f] : unary)
    for (const Shape& shape : {Shape{4, many, 0}, Shape{many, 4, 0}}) {
      const auto start = std::chrono::steady_clock::now();
      const Tensor x = variable(zeros(shape));
      const Tensor y = f(x);
      BOOST_TEST(y.numel() <= 1, name);
      if (name != std::string("log_softmax"))  // its gradient needs the sums of all rows
        BOOST_TEST((grad(sum(y), {x})[0].shape() == shape), name);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      BOOST_TEST(seconds.count() < 1, name << ' ' << shape);
    }
}

BOOST_AUTO_TEST_CASE(attention_to_nothing_takes_no_time) {
  const Index many = power(32);
  const auto pattern = pattern_of({0, many, 0, many});
  const Tensor x = variable(zeros({many, 0}));
  const Tensor y = attention(x, x, x, pattern);
  BOOST_TEST((y.shape() == Shape{many, 0}));
  BOOST_TEST((grad(sum(y), {x})[0].shape() == Shape{many, 0}));
}

BOOST_AUTO_TEST_CASE(a_visible_key_is_counted_without_overflow) {
  AttentionPattern pattern;
  pattern.causal = true;
  for (const Index first : {Index{0}, Index{1}, Index{7}, power(40), largest, -largest})
    for (Index query = 0; query < 4; ++query)
      BOOST_TEST(pattern.visible_keys({0, 4, 0, 3, first, 0}, query) ==
                 (first < 0 ? 0 : std::min<Index>(3, std::min<Index>(first, 9) + query + 1)));
}

// ---- Memory -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(where_memory_ends_the_operation_and_the_shape_are_named) {
  const std::string text = error_of([] { zeros({power(50)}); });
  BOOST_TEST(text == "out of memory: f32 [1125899906842624] needs 4503599627370496 bytes");
  const Tensor row = ones({1, power(22)}), column = ones({power(25), 1});
  BOOST_TEST(error_of([&] { row + column; }) ==
             "add: out of memory: f32 [33554432, 4194304] needs 562949953421312 bytes");
  BOOST_TEST(error_of([&] { matmul(column, row); }) ==
             "matmul: out of memory: f32 [33554432, 4194304] needs 562949953421312 bytes");
  if (sanitized) return;  // a sanitizer ends the program when a container asks for too much
  BOOST_TEST(error_of([&] { AttentionPattern::whole(power(50), 1, 1); }) ==
             "attention: out of memory for a pattern of 1125899906842624 examples");
}

BOOST_AUTO_TEST_CASE(no_exception_of_a_container_reaches_the_user) {
  const Tensor a = zeros({2, 3}), b = zeros({4});
  const std::array<const Tensor*, 2> inputs = {&a, &b};
  const auto renamed = [&](const auto& exception) {
    return error_of([&] {
      try {
        throw exception;
      } catch (...) {
        detail::rethrow_naming("test", Inputs(inputs));
      }
    });
  };
  const std::string expected = "test: out of memory, with inputs of shape [2, 3], [4]";
  BOOST_TEST(renamed(std::bad_alloc()) == expected);
  BOOST_TEST(renamed(std::length_error("vector::reserve")) == expected);
  BOOST_TEST(renamed(SizeError("too long")) == "test: too long");
  BOOST_TEST(renamed(SizeError("test: too long")) == "test: too long");
  BOOST_TEST(renamed(Error("something else")) == "something else");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

#include "autograd/tensor.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <iomanip>
#include <limits>
#include <sstream>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "autograd/node.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

std::string printed(const Tensor& x) {
  std::ostringstream stream;
  stream << x;
  return stream.str();
}

BOOST_AUTO_TEST_SUITE(tensor)

using adjoint::tensor;  // the suite has the same name

// ---- Making them --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(nested_lists) {
  const auto shape = [](std::initializer_list<NestedList> list) { return tensor(list).shape(); };
  BOOST_TEST((shape({1, 2, 3}) == Shape{3}));
  BOOST_TEST((shape({1}) == Shape{1}));
  BOOST_TEST((shape({{1}}) == Shape{1, 1}));
  BOOST_TEST((shape({{{1}}}) == Shape{1, 1, 1}));
  BOOST_TEST((shape({{1, 2}, {3, 4}, {5, 6}}) == Shape{3, 2}));
  BOOST_TEST((shape({{{1, 2}}, {{3, 4}}}) == Shape{2, 1, 2}));
  BOOST_TEST((shape({}) == Shape{0}));
  BOOST_TEST((shape({{}}) == Shape{1, 0}));
  BOOST_TEST((shape({{}, {}}) == Shape{2, 0}));
  BOOST_TEST(numbers(tensor({{1, 2}, {3, 4.5}})) == (std::vector<double>{1, 2, 3, 4.5}));
  BOOST_TEST((tensor({1}).dtype() == DType::f32));
  BOOST_TEST((tensor({1}, DType::i64).dtype() == DType::i64));
}

BOOST_AUTO_TEST_CASE(lists_of_different_lengths_are_refused) {
  BOOST_CHECK_EXCEPTION(tensor({{1, 2}, {3}}), Error,
                        says("tensor: rows of one list differ in shape: [2] and [1]"));
  BOOST_CHECK_EXCEPTION(tensor({{1}, 2}), Error,
                        says("tensor: rows of one list differ in shape: [1] and []"));
}

BOOST_AUTO_TEST_CASE(from_spans_and_vectors) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const Tensor x = from(values, {2, 3});
  BOOST_TEST((x.form() == Form{{2, 3}, DType::f32}));
  BOOST_TEST(x.at({1, 0}) == 4);
  const double real[] = {1.5};
  BOOST_TEST(from(std::span<const double>(real), {}).item() == 1.5);
  BOOST_TEST((from(std::vector<Index>{7}, {1}).dtype() == DType::i64));
  const bool conditions[] = {true, false};
  BOOST_TEST((from(std::span<const bool>(conditions), {2}).dtype() == DType::b8));
  BOOST_TEST((from(std::vector<float>{}, {0, 3}).shape() == Shape{0, 3}));
  BOOST_CHECK_EXCEPTION(from(values, {4}), Error, says("from: 6 values for a tensor of shape [4]"));
}

BOOST_AUTO_TEST_CASE(constants) {
  BOOST_TEST(scalar(2.5).item() == 2.5);
  BOOST_TEST((scalar(1).shape() == Shape{}));
  BOOST_TEST(numbers(full({2}, 7, DType::i64)) == (std::vector<double>{7, 7}));
  BOOST_TEST(numbers(zeros({2}, DType::b8)) == (std::vector<double>{0, 0}));
  BOOST_TEST(numbers(ones({1, 2})) == (std::vector<double>{1, 1}));
  BOOST_TEST(numbers(arange(3, DType::i64)) == (std::vector<double>{0, 1, 2}));
  BOOST_TEST((arange(0).shape() == Shape{0}));
  BOOST_TEST(numbers(eye(2)) == (std::vector<double>{1, 0, 0, 1}));
  BOOST_TEST(zeros({3, 0, 2}).numel() == 0);
}

// ---- Reading and writing ------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(item_and_at) {
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}});
  BOOST_TEST(x.at({0, 2}) == 3);
  BOOST_TEST(x.at({-1, -3}) == 4);
  BOOST_TEST(tensor({{{5}}}).item() == 5);
  BOOST_TEST(tensor({1}, DType::b8).item() == 1);
  BOOST_CHECK_EXCEPTION(
      x.item(), Error,
      says("item: needs exactly one element, the shape is [2, 3]; reduce it with sum() or "
           "mean(), or read one element with at()"));
  BOOST_CHECK_EXCEPTION(
      zeros({0}).item(), Error,
      says("item: needs exactly one element, the shape is [0]; reduce it with sum() or "
           "mean(), or read one element with at()"));
  BOOST_CHECK_EXCEPTION(x.at({0}), Error, says("at: 1 indices for a tensor of shape [2, 3]"));
  BOOST_CHECK_EXCEPTION(x.at({0, 3}), Error,
                        says("at: index 3 on axis 1 of a tensor of shape [2, 3]"));
  BOOST_CHECK_EXCEPTION(x.at({-3, 0}), Error,
                        says("at: index -3 on axis 0 of a tensor of shape [2, 3]"));
}

BOOST_AUTO_TEST_CASE(the_wrong_element_type_is_refused) {
  Tensor x = tensor({1});
  BOOST_CHECK_EXCEPTION(x.values<double>(), Error,
                        says("values: asked for f64, the tensor holds f32; ask for that type, or "
                             "cast() the tensor"));
  BOOST_CHECK_EXCEPTION(x.edit<Index>(), Error,
                        says("values: asked for i64, the tensor holds f32; ask for that type, or "
                             "cast() the tensor"));
  BOOST_CHECK_EXCEPTION(Tensor().values<float>(), Error,
                        says("values: this tensor is empty: no value was assigned to it"));
  BOOST_CHECK_EXCEPTION(variable(ints({1})), Error,
                        says("variable: only f32 and f64 tensors can be differentiated; "
                             "cast() the value to one of them"));
  BOOST_CHECK_EXCEPTION(variable(Tensor()), Error,
                        says("variable: only f32 and f64 tensors can be differentiated; "
                             "cast() the value to one of them"));
}

BOOST_AUTO_TEST_CASE(a_copied_handle_shares_and_copy_does_not) {
  Tensor x = tensor({1, 2});
  const Tensor handle = x;
  const Tensor own = copy(x);
  x.edit<float>()[0] = 9;
  BOOST_TEST(handle.at({0}) == 9);
  BOOST_TEST(own.at({0}) == 1);
  BOOST_TEST((own.form() == x.form()));
  BOOST_TEST(!copy(variable(x)).tracked());
  for (const DType dtype : {DType::f64, DType::i64, DType::b8})
    BOOST_TEST(same_bits(copy(tensor({1, 0}, dtype)), tensor({1, 0}, dtype)));
}

BOOST_AUTO_TEST_CASE(edit_bumps_the_version_and_values_does_not) {
  Tensor x = tensor({1});
  const auto before = x.storage()->version();
  BOOST_TEST(x.values<float>()[0] == 1);
  BOOST_TEST(x.storage()->version() == before);
  x.edit<float>();
  BOOST_TEST(x.storage()->version() == before + 1);
}

BOOST_AUTO_TEST_CASE(an_undefined_tensor_is_no_tensor) {
  const Tensor x;
  BOOST_TEST(!x.defined());
  BOOST_TEST(!x.tracked());
  BOOST_TEST(tensor({1}).defined());
}

// ---- Leaves -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(variables_share_the_value_and_know_their_name) {
  const Tensor value = tensor({1, 2});
  const Tensor x = variable(value, "weight");
  BOOST_TEST(x.tracked());
  BOOST_TEST(x.name() == "weight");
  BOOST_TEST((x.storage() == value.storage()));
  BOOST_TEST(!value.tracked());
  BOOST_TEST(variable(value).name().empty());
  BOOST_TEST((x * 2).name().empty());
  BOOST_TEST(x.history().node->is_leaf());
  BOOST_TEST(!(x * 2).history().node->is_leaf());
}

BOOST_AUTO_TEST_CASE(detach_drops_the_history_only) {
  const Tensor x = variable(tensor({1, 2}));
  const Tensor y = x * 2;
  const Tensor z = detach(y);
  BOOST_TEST(!z.tracked());
  BOOST_TEST((z.storage() == y.storage()));
}

BOOST_AUTO_TEST_CASE(only_leaves_collect_gradients) {
  const std::string grad_text =
      "grad: only a leaf made by variable() collects a gradient; call grad(y, {x}) for that of "
      "another tensor";
  const std::string clear_text =
      "clear_grad: only a leaf made by variable() collects a gradient; call grad(y, {x}) for that "
      "of another tensor";
  Tensor plain = tensor({1}), y = variable(plain) * 2;
  BOOST_CHECK_EXCEPTION(plain.grad(), Error, says(grad_text));
  BOOST_CHECK_EXCEPTION(y.grad(), Error, says(grad_text));
  BOOST_CHECK_EXCEPTION(y.clear_grad(), Error, says(clear_text));
  BOOST_TEST(!variable(plain).grad().defined());
}

// ---- Printing -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(prints_like_numpy) {
  BOOST_TEST(printed(tensor({{1, 2.5}, {-3, 10}})) == "[[ 1.0,  2.5],\n [-3.0, 10.0]]  f32 [2, 2]");
  BOOST_TEST(printed(scalar(3)) == "3.0  f32 []");
  BOOST_TEST(printed(scalar(0.1, DType::f64)) == "0.1  f64 []");
  BOOST_TEST(printed(tensor({1, -20}, DType::i64)) == "[  1, -20]  i64 [2]");
  BOOST_TEST(printed(tensor({1, 0}, DType::b8)) == "[ true, false]  b8 [2]");
  BOOST_TEST(printed(tensor({{{1}, {2}}, {{3}, {4}}})) ==
             "[[[1.0],\n  [2.0]],\n [[3.0],\n  [4.0]]]  f32 [2, 2, 1]");
}

BOOST_AUTO_TEST_CASE(prints_what_is_not_ordinary) {
  const double infinity = std::numeric_limits<double>::infinity();
  BOOST_TEST(printed(tensor({std::nan(""), infinity, -infinity})) == "[ nan,  inf, -inf]  f32 [3]");
  BOOST_TEST(printed(tensor({1e10, 1e-5}, DType::f64)) == "[1e+10, 1e-05]  f64 [2]");
  BOOST_TEST(printed(tensor({1. / 3, -0.0}, DType::f64)) == "[0.33333,    -0.0]  f64 [2]");
  BOOST_TEST(printed(tensor({123456789012.}, DType::i64)) == "[123456789012]  i64 [1]");
  BOOST_TEST(printed(Tensor()) == "(empty)");
  BOOST_TEST(printed(zeros({0})) == "[]  f32 [0]");
  BOOST_TEST(printed(zeros({2, 0})) == "[[],\n []]  f32 [2, 0]");
  BOOST_TEST(printed(Tensor(Form{{2}, DType::f32}, nullptr)) == "(values not kept)  f32 [2]");
}

BOOST_AUTO_TEST_CASE(of_long_axes_only_the_ends_are_printed) {
  BOOST_TEST(printed(arange(201, DType::i64)) == "[  0,   1,   2, ..., 198, 199, 200]  i64 [201]");
  BOOST_TEST(printed(arange(200, DType::i64)).find("...") == std::string::npos);
  BOOST_TEST(printed(reshape(arange(700, DType::i64), {100, 7})) ==
             "[[  0,   1,   2, ...,   4,   5,   6],\n"
             " [  7,   8,   9, ...,  11,  12,  13],\n"
             " [ 14,  15,  16, ...,  18,  19,  20],\n"
             " ...,\n"
             " [679, 680, 681, ..., 683, 684, 685],\n"
             " [686, 687, 688, ..., 690, 691, 692],\n"
             " [693, 694, 695, ..., 697, 698, 699]]  i64 [100, 7]");
  BOOST_TEST(printed(zeros({101, 2})) ==
             "[[0.0, 0.0],\n [0.0, 0.0],\n [0.0, 0.0],\n ...,\n [0.0, 0.0],\n [0.0, 0.0],\n "
             "[0.0, 0.0]]  f32 [101, 2]");
}

// At most 256 elements are shown, whatever the shape.
BOOST_AUTO_TEST_CASE(large_tensors_of_any_rank_print_briefly) {
  Dice dice(Key(7));
  for (int round = 0; round < 300; ++round) {
    const Shape shape = dice.shape(dice.between(1, 8), 1, 8);
    if (shape.numel() > 2'000'000) continue;
    const std::string text = printed(full(shape, 7, DType::b8));
    const auto count = static_cast<Index>(std::ranges::count(text, 't'));  // of true
    BOOST_TEST(count <= 256, shape);
    if (shape.numel() <= 200)
      BOOST_TEST(count == shape.numel(), shape);
    else
      BOOST_TEST(count >= 6, shape);
  }
  BOOST_TEST(printed(reshape(arange(20 * 20 * 20 * 20, DType::i64), {20, 20, 20, 20})).size() <
             2000);
  BOOST_TEST(printed(reshape(arange(1000, DType::i64), {10, 10, 10}))
                 .starts_with("[[[  0,   1,   2, ...,   7,   8,   9],\n"
                              "  [ 10,  11,  12, ...,  17,  18,  19],\n"
                              "  [ 20,  21,  22, ...,  27,  28,  29],\n"
                              "  ...,\n"
                              "  [ 70,  71,  72, ...,  77,  78,  79],\n"
                              "  [ 80,  81,  82, ...,  87,  88,  89],\n"
                              "  [ 90,  91,  92, ...,  97,  98,  99]],\n"
                              " [[100, "));
}

BOOST_AUTO_TEST_CASE(tensors_without_elements_print_briefly) {
  BOOST_TEST(printed(zeros({Index{1} << 27, 0})) ==
             "[[],\n [],\n [],\n ...,\n [],\n [],\n []]  f32 [134217728, 0]");
  BOOST_TEST(printed(zeros({0, Index{1} << 50})) == "[]  f32 [0, 1125899906842624]");
  BOOST_TEST(printed(zeros({1000, 1000, 1000, 0})).size() < 3000);
}

BOOST_AUTO_TEST_CASE(a_nan_prints_without_a_sign) {
  const double nan = std::nan("");
  BOOST_TEST(printed(tensor({nan, -nan, -1}, DType::f64)) == "[ nan,  nan, -1.0]  f64 [3]");
  BOOST_TEST(printed(tensor({-nan, -0.0})) == "[ nan, -0.0]  f32 [2]");
}

// Columns are padded with spaces on the left, whatever the flags of the stream are.
BOOST_AUTO_TEST_CASE(the_state_of_the_stream_does_not_matter) {
  const Tensor x = tensor({{1, 20}, {300, 4}}, DType::i64);
  std::ostringstream stream;
  stream << std::hex << std::left << std::setfill('*') << std::showpos << std::fixed << x;
  BOOST_TEST(stream.str() == printed(x));
}

// Whole numbers beyond 2⁵³ are ids like any other.
BOOST_AUTO_TEST_CASE(large_whole_numbers_print_exactly) {
  const Index id = (Index{1} << 53) + 1;
  BOOST_TEST(printed(from(std::vector<Index>{id}, {1})) == "[9007199254740993]  i64 [1]");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

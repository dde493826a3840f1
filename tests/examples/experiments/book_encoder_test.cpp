// The book's attention and the encoder around it: equal to ours in the right order; and what shows
// the wrong order, which no gradient check does.
#include "examples/experiments/questions/book_encoder.h"

#include <boost/test/unit_test.hpp>

#include "nn/checks/gradcheck.h"
#include "nn/checks/properties.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::experiments;
using namespace adjoint::testing;

constexpr Orders right, wrong{HeadOrder::batch_major, LengthOrder::tile};
constexpr Orders other_right{HeadOrder::head_major, LengthOrder::tile};
constexpr Orders other_wrong{HeadOrder::head_major, LengthOrder::repeat};

// Three sequences of different lengths, padded with 0.
struct ThreeLengths {
  Tensor ids = ints({{3, 1, 4, 1}, {5, 2, 0, 0}, {6, 5, 3, 0}}), lengths = ints({4, 2, 3});

  BookEncoder encoder(const Orders& orders, Index blocks = 1) const {
    return nn::cast(
        BookEncoder(
            {.tokens = 7, .width = 8, .hidden = 6, .heads = 2, .blocks = blocks, .orders = orders},
            Key(1)),
        DType::f64);
  }
  // The rows that are not padding.
  Tensor real(const Tensor& rows) const {
    return real_rows(rows, nn::Layout::padded({4, 2, 3}, 4));
  }
};

BOOST_AUTO_TEST_SUITE(book_encoder)

BOOST_AUTO_TEST_CASE(heads_become_examples_in_either_order_and_back) {
  const Tensor x = normal({3, 5, 8}, 0, 1, Key(1));
  for (const HeadOrder order : {HeadOrder::batch_major, HeadOrder::head_major})
    BOOST_TEST(same_bits(transpose_output(transpose_qkv(x, 4, order), 4, order), x));
  const Tensor heads = normal({3, 2, 5}, 0, 1, Key(2));  // [batch, heads, …]
  for (const HeadOrder order : {HeadOrder::batch_major, HeadOrder::head_major})
    BOOST_TEST(same_bits(examples_as_heads(heads_as_examples(heads, order), 2, order), heads));
}

BOOST_FIXTURE_TEST_CASE(in_the_right_order_it_is_our_encoder, ThreeLengths) {
  for (const Orders& orders : {right, other_right}) {
    const BookEncoder book = encoder(orders, 2);
    const nn::Sequences source{ids, nn::Layout::padded({4, 2, 3}, 4)};
    const Tensor ours = book.layers(source, nn::Context::inference());
    BOOST_TEST(distance(real(book(ids, lengths)), real(ours)) < 1e-13);
  }
  for (const Orders& orders : {wrong, other_wrong})
    BOOST_TEST(distance(real(encoder(orders)(ids, lengths)), real(encoder(right)(ids, lengths))) >
               0.01);
}

// Finite differences show that the gradient belongs to the function, not that the function is
// right.
BOOST_FIXTURE_TEST_CASE(a_gradient_check_passes_in_every_order, ThreeLengths) {
  for (const Orders& orders : {right, wrong, other_right, other_wrong})
    BOOST_TEST(nn::gradcheck(encoder(orders),
                             [](const BookEncoder& m, const Tensors& x) { return m(x[0], x[1]); },
                             {ids, lengths}));
}

BOOST_FIXTURE_TEST_CASE(batch_independence_holds_in_the_right_order_alone, ThreeLengths) {
  const auto independent = [&](const Orders& orders) {
    const BookEncoder book = encoder(orders);
    return nn::batch_independence([&](const Tensors& x) { return Tensors{book(x[0], x[1])}; },
                                  {ids, lengths});
  };
  BOOST_TEST(independent(right));
  BOOST_TEST(independent(other_right));
  BOOST_TEST(!independent(wrong));
  BOOST_TEST(!independent(other_wrong));
}

BOOST_FIXTURE_TEST_CASE(weights_belong_to_their_example_and_head, ThreeLengths) {
  const Tensors repeated = encoder(right, 2).weights(ids, lengths);
  const Tensors tiled = encoder(other_right, 2).weights(ids, lengths);
  BOOST_TEST(repeated.size() == 2);
  BOOST_TEST(repeated[0].shape() == Shape({3, 2, 4, 4}));
  for (std::size_t block = 0; block < 2; ++block)
    BOOST_TEST(same_bits(repeated[block], tiled[block]));
  BOOST_TEST(mass_on_padding(repeated[0], lengths) == 0);
  BOOST_TEST(mass_on_padding(encoder(wrong).weights(ids, lengths)[0], lengths) > 0.05);
}

BOOST_AUTO_TEST_CASE(mass_on_padding_counts_real_queries_only) {
  // One head, lengths 1 and 2; the last query of example 0 is padding.
  const Tensor weights = tensor({{{{0.75, 0.25}, {0, 1}}}, {{{0.5, 0.5}, {0.5, 0.5}}}});
  BOOST_TEST(mass_on_padding(weights, ints({1, 2})) == 0.25 / 3);
}

BOOST_AUTO_TEST_CASE(without_visible_keys_all_weights_are_equal) {
  const Tensor scores = normal({2, 4}, 0, 3, Key(1)), nothing = zeros({1, 4}, DType::b8);
  BOOST_TEST(same_bits(filled_softmax(scores, nothing), full({2, 4}, 0.25)));
}

BOOST_FIXTURE_TEST_CASE(errors, ThreeLengths) {
  const BookEncoder book = encoder(right);
  BOOST_CHECK_EXCEPTION(book(ids, ints({4, 2})), Error,
                        says("book_attention: needs x [batch, steps, width] and lengths [batch], "
                             "got [3, 4, 8] and [2]"));
  BOOST_CHECK_EXCEPTION(book(lengths, lengths), Error,
                        says("book encoder: needs ids [batch, steps], got [3]"));
  BOOST_CHECK_EXCEPTION(transpose_qkv(zeros({1, 2, 8}), 3), Error,
                        says("transpose_qkv: 3 heads do not divide the width 8"));
  BOOST_CHECK_EXCEPTION(mass_on_padding(zeros({1, 2, 3}), ints({1})), Error,
                        says("mass_on_padding: needs weights [batch, heads, queries, keys] and "
                             "lengths [batch], got [1, 2, 3] and [1]"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

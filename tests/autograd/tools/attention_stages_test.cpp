// The stages of attention that the explorer's page shows: values and cotangents against those of
// the operations themselves.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/grad.h"
#include "autograd/support/ambient.h"
#include "autograd/tools/broadcast.h"
#include "autograd/tools/explorer/attention.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using exploring::Attention;
using exploring::Hidden;
using exploring::Stage;

const Stage& stage(const Attention& a, const std::string& letter) {
  for (const Stage& each : a.stages)
    if (each.letter == letter) return each;
  throw std::runtime_error("there is no stage " + letter);
}
std::string letters(const Attention& a) {
  std::string all;
  for (const Stage& each : a.stages) all += each.letter;
  return all;
}
double difference(const Tensor& a, const Tensor& b) {
  BOOST_TEST_REQUIRE(a.numel() == b.numel());
  return a.numel() == 0 ? 0 : max(abs(reshape(a, {-1}) - reshape(b, {-1}))).item();
}
// Rows [rows, heads · d] of a whole batch as the stages have them: [examples, heads, steps, d].
Tensor split(const Tensor& rows, Index examples, Index heads) {
  const Index steps = rows.size(0) / examples, d = rows.size(1) / heads;
  return permute(reshape(rows, {examples, steps, heads, d}), {0, 2, 1, 3});
}
Tensor numbers(const Shape& shape, int key) {
  return variable(normal(shape, 0, 1, Key(static_cast<std::uint64_t>(key)), DType::f64));
}
std::vector<Index> codes(const Attention& a) {
  const std::span<const Index> all = a.hidden.values<Index>();
  return {all.begin(), all.end()};
}

// What every stage must satisfy, whatever computed it.
void check_products(const Attention& a) {
  const bool drops = letters(a).find('D') != std::string::npos;
  const Tensor w = stage(a, drops ? "D" : "W").values, y = stage(a, "y").values;
  BOOST_TEST(difference(matmul(w, a.v.values), y) < 1e-12);
  const Tensor s = stage(a, "S").values, gy = stage(a, "y").cotangent;
  BOOST_TEST(difference(matmul(a.q.values, a.k.values, Transposed::b), s) < 1e-12);
  const Tensor gs = stage(a, "S").cotangent;
  BOOST_TEST(difference(matmul(gs, a.k.values), a.q.cotangent) < 1e-12);
  BOOST_TEST(difference(matmul(gs, a.q.values, Transposed::a), a.k.cotangent) < 1e-12);
  BOOST_TEST(difference(matmul(w, gy, Transposed::a), a.v.cotangent) < 1e-12);
  const Tensor gw = stage(a, "W").cotangent, weights = stage(a, "W").values;
  const Tensor gz = weights * (gw - sum(gw * weights, {-1}, Keep::yes));
  BOOST_TEST(difference(gz, stage(a, "Z").cotangent) < 1e-12);
}

BOOST_AUTO_TEST_SUITE(attention_stages)

BOOST_AUTO_TEST_CASE(the_fused_operation_is_computed_once_more, *boost::unit_test::timeout(20)) {
  for (const auto& [biases, dropout] : {std::pair(false, 0.), {true, 0.}, {false, 0.4}}) {
    const Tensor q = numbers({6, 4}, 1), k = numbers({8, 4}, 2), v = numbers({8, 6}, 3);
    AttentionPattern pattern = AttentionPattern::whole(2, 3, 4);
    pattern.causal = true;
    pattern.examples[1].keys = 2;  // the rest is padding
    const AttentionOptions options{
        .heads = 2, .dropout = dropout, .key = Key(4), .linear_biases = biases};
    const Tensor y = attention(q, k, v, std::make_shared<AttentionPattern>(pattern), options);
    const TapeStory story = tape_story(sum(y * y));
    const std::vector<Attention> all = exploring::attentions(story);
    BOOST_TEST_REQUIRE(all.size() == 1);
    const Attention& a = all[0];
    BOOST_TEST(a.fused);
    BOOST_TEST(letters(a) == (biases ? "SZBMWy" : dropout > 0 ? "SZMWDy" : "SZMWy"));
    BOOST_TEST(difference(stage(a, "y").values, split(y, 2, 2)) < 1e-12);
    check_products(a);
    const Tensors swept = grad({y}, {q, k, v}, {2 * detach(y)});
    BOOST_TEST(difference(a.q.cotangent, split(swept[0], 2, 2)) < 1e-12);
    BOOST_TEST(difference(a.k.cotangent, split(swept[1], 2, 2)) < 1e-12);
    BOOST_TEST(difference(a.v.cotangent, split(swept[2], 2, 2)) < 1e-12);
    BOOST_TEST(a.about.starts_with("Cross-attention: "), a.about);
    BOOST_TEST(codes(a) == std::vector<Index>({0, 2, 2, 2, 0, 0, 2, 2, 0, 0, 0, 2,  //
                                               0, 2, 3, 3, 0, 0, 3, 3, 0, 0, 1, 3}));
  }
}

// A person types it; the tape keeps what vjps read, or everything.
BOOST_AUTO_TEST_CASE(the_composed_form_has_the_same_stages) {
  const Tensor mask = cast(tensor({{1, 0, 0, 0}, {1, 1, 0, 0}, {1, 1, 0, 0}}), DType::b8);
  for (const bool keeps : {true, false}) {
    const FlagGuard values(&Ambient::keeping_values, keeps);
    const Tensor x = numbers({3, 2}, 1), k = numbers({4, 2}, 2), v = numbers({4, 5}, 3);
    const Tensor scores = matmul(x, transpose(k)) / std::sqrt(2.);
    const Tensor y = matmul(masked_softmax(scores, mask), v);
    const std::vector<Attention> all = exploring::attentions(tape_story(sum(y * y)));
    BOOST_TEST_REQUIRE(all.size() == 1);
    const Attention& a = all[0];
    BOOST_TEST(!a.fused);
    BOOST_TEST(letters(a) == "SZMWy");
    BOOST_TEST(a.stages[1].formula == "S/√d");
    BOOST_TEST(difference(stage(a, "y").values, y) < 1e-12);
    check_products(a);
    const Tensors swept = grad({y}, {x, k, v}, {2 * detach(y)});
    BOOST_TEST(difference(a.q.cotangent, swept[0]) < 1e-12);
    BOOST_TEST(difference(a.k.cotangent, swept[1]) < 1e-12);
    BOOST_TEST(difference(a.v.cotangent, swept[2]) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(self_or_cross_is_whether_q_and_k_have_one_source) {
  const Tensor x = numbers({3, 2}, 1), m = numbers({4, 2}, 2), w = numbers({2, 2}, 3),
               u = numbers({2, 2}, 4);
  const auto about = [](const Tensor& q, const Tensor& k) {
    const Tensor y = matmul(softmax(matmul(q, k, Transposed::b)), k);
    return exploring::attentions(tape_story(sum(y))).at(0).about;
  };
  BOOST_TEST(about(matmul(x, w), matmul(x, u)).starts_with("Self-attention: "));
  BOOST_TEST(about(x, matmul(x, u)).starts_with("Self-attention: "));
  BOOST_TEST(about(x, x).starts_with("Self-attention: "));
  BOOST_TEST(about(matmul(x, w), matmul(m, u)).starts_with("Cross-attention: "));
  BOOST_TEST(about(matmul(x, w), matmul(m, w)).starts_with("Cross-attention: "));  // tied weights
  BOOST_TEST(about(linear(x, w), linear(linear(x, w), u)).starts_with("Cross-attention: "));
}

BOOST_AUTO_TEST_CASE(a_mask_can_come_in_other_ways) {
  const Tensor q = numbers({2, 3, 2}, 1), k = numbers({2, 3, 2}, 2), v = numbers({2, 3, 2}, 3);
  const Tensor visible = cast(tensor({{{1, 1, 0}}, {{1, 1, 1}}}), DType::b8);  // [2, 1, 3]
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor hides = tensor({{{0, 0, -1e9}}, {{0, 0, 0}}}, DType::f64);
  const Tensor scores = matmul(q, k, Transposed::b);
  const std::vector<Index> expected{0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const KeepValues keep;
  for (const Tensor& x :
       {softmax(where(visible, scores, scalar(-infinity, DType::f64))), softmax(scores + hides),
        masked_softmax(masked_scores(q, k, visible), visible)}) {
    const auto all = exploring::attentions(tape_story(sum(matmul(x, v))));
    BOOST_TEST_REQUIRE(all.size() == 1);
    BOOST_TEST(codes(all[0]) == expected);
  }
}

BOOST_AUTO_TEST_CASE(a_mask_says_why_it_hides) {
  const auto why = [](const Tensor& mask) {
    const Tensor all = reshape(cast(mask, DType::b8), {1, 1, mask.size(0), mask.size(1)});
    const Tensor found = exploring::hidden_by(all);
    return found.defined()
               ? std::vector<Index>(found.values<Index>().begin(), found.values<Index>().end())
               : std::vector<Index>();
  };
  BOOST_TEST(why(tensor({{1, 1}, {1, 1}})).empty());
  BOOST_TEST(why(tensor({{1, 0}, {1, 1}})) == std::vector<Index>({0, 2, 0, 0}));  // causal
  BOOST_TEST(why(tensor({{1, 0}, {1, 0}})) == std::vector<Index>({0, 1, 0, 1}));  // padding
  BOOST_TEST(why(tensor({{1, 0, 0}, {1, 1, 0}, {1, 1, 0}})) ==
             std::vector<Index>({0, 2, 3, 0, 0, 3, 0, 0, 1}));
  BOOST_TEST(why(tensor({{1, 1, 0}, {0, 1, 1}, {1, 1, 1}})) ==
             std::vector<Index>({0, 0, 4, 4, 0, 0, 0, 0, 0}));  // neither
  BOOST_TEST(why(tensor({{1, 0, 0}, {1, 1, 0}})) ==
             std::vector<Index>({0, 2, 2, 0, 0, 2}));  // more keys than queries
  BOOST_TEST(why(tensor({{1, 1}, {0, 0}})) == std::vector<Index>({0, 0, 1, 1}));  // no query
}

BOOST_AUTO_TEST_CASE(scores_of_another_kind_are_said_to_be_such) {
  const Tensor q = numbers({1, 2, 3}, 1), k = numbers({1, 2, 3}, 2), w = numbers({3, 1}, 3);
  const DeliberateBroadcast pairs;
  const Tensor sums = tanh(reshape(q, {1, 2, 1, 3}) + reshape(k, {1, 1, 2, 3}));
  const Tensor scores = reshape(matmul(sums, w), {1, 2, 2});  // [examples, queries, keys]
  const Tensor y = matmul(softmax(scores), k);
  const auto all = exploring::attentions(tape_story(sum(y)));
  BOOST_TEST_REQUIRE(all.size() == 1);
  BOOST_TEST(letters(all[0]) == "SWy");
  BOOST_TEST(!all[0].q.values.defined());
  BOOST_TEST(all[0].about.starts_with("The scores are not a product q kᵀ"), all[0].about);
  // A softmax whose result multiplies nothing is no attention.
  BOOST_TEST(exploring::attentions(tape_story(sum(softmax(matmul(q, k, Transposed::b))))).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

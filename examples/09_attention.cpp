// Lesson 9: attention from nothing but matrix products, a softmax and a mask.
//
// After it you can write masked multi-head attention, say what each axis means, and explain why
// scores are divided by √d and why a Transformer needs positions. It takes about 20 minutes and
// builds on lesson 4 (broadcasting), lesson 5 (products) and lesson 8 (softmax).

#include <cmath>

#include "adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::predict, lesson::say;

// softmax(q kᵀ / √d) v: each query gets an average of the values, in which a value counts the more
// the better its key fits the query. q [batch, queries, d], k and v [batch, keys, d]; the mask
// `allowed` is b8 and broadcasts to the scores. A key that is not allowed gets no weight.
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& allowed) {
  const double root = std::sqrt(q.size(-1));
  const Tensor scores = matmul(q, k, Transposed::b) / root;  // [batch, queries, keys]
  const Tensor weights = masked_softmax(scores, allowed);    // each row sums to 1
  return matmul(weights, v);                                 // [batch, queries, d]
}

// Short sequences are padded; only the first `length` keys of an example are real.
Tensor real_keys(const Tensor& lengths, Index keys) {
  return less(arange(keys, DType::i64), reshape(lengths, {-1, 1, 1}));  // [batch, 1, keys]
}

// ---- Several heads: each attends within its part of the width ----------------------------------

constexpr Index heads = 2;

// Makes each head an example of its own.
Tensor split(const Tensor& x) {
  const Tensor apart = reshape(x, {x.size(0), x.size(1), heads, -1});  // [batch, steps, heads, d]
  const Tensor ahead = permute(apart, {0, 2, 1, 3});                   // [batch, heads, steps, d]
  return reshape(ahead, {-1, x.size(1), ahead.size(-1)});              // [batch · heads, steps, d]
}
Tensor join(const Tensor& x) {
  const Tensor apart = reshape(x, {-1, heads, x.size(1), x.size(2)});  // [batch, heads, steps, d]
  const Tensor aside = permute(apart, {0, 2, 1, 3});                   // [batch, steps, heads, d]
  return reshape(aside, {-1, x.size(1), heads * x.size(2)});           // [batch, steps, heads · d]
}

// Each head needs the length of its example. split() leaves the examples batch-major, head-minor:
// all heads of example 0, then all heads of example 1.
Tensor repeated(const Tensor& lengths) {                                // 2 5 becomes 2 2 5 5
  const Tensor column = reshape(lengths, {-1, 1});                      // [batch, 1]
  return reshape(broadcast_to(column, {column.size(0), heads}), {-1});  // [batch · heads]
}
// The planted bug: the right numbers in the wrong order.
Tensor tiled(const Tensor& lengths) {         // 2 5 becomes 2 5 2 5
  return concat(Tensors(heads, lengths), 0);  // [heads · batch]
}

// Self-attention: queries, keys and values are the same x [batch, steps, width].
Tensor self_attention(const Tensor& x, const Tensor& lengths, Tensor (*per_head)(const Tensor&)) {
  const Tensor allowed = real_keys(per_head(lengths), x.size(1));  // [batch · heads, 1, keys]
  return join(attend(split(x), split(x), split(x), allowed));      // [batch, steps, width]
}
Tensors right(const Tensors& in) { return {self_attention(in[0], in[1], repeated)}; }
Tensors wrong(const Tensors& in) { return {self_attention(in[0], in[1], tiled)}; }

// ---- The lesson --------------------------------------------------------------------------------

void a_lookup() {
  part("A lookup with a gradient, and a mask");
  predict("keys (1, 0), (0, 1), (−1, 0) hold 10, 20, 30. What does the query (0, 0) get?");
  const Tensor keys = tensor({{{1, 0}, {0, 1}, {-1, 0}}}, DType::f64);  // [1, keys, d]
  const Tensor values = tensor({{{10}, {20}, {30}}}, DType::f64);       // [1, keys, 1]
  const Tensor queries = tensor({{{0, 0}, {50, 0}}}, DType::f64);       // [1, queries, d]
  const auto answers = [&](Index real) {                                // [1, queries, 1]
    return attend(queries, keys, values, real_keys(tensor({real}, DType::i64), 3));
  };
  claim("it prefers no key, and gets the average", answers(3).at({0, 0, 0}), 20);
  claim("(50, 0) finds what lies under (1, 0)", answers(3).at({0, 1, 0}), 10, 1e-9);
  say("In between, the answer moves smoothly. A table has no derivative; this can be learned.");
  predict("the last key is padding. Is it enough to set its score to 0?");
  say("(0, 0) gave each key the score 0, and e⁰ = 1 is a vote. The mask takes away the vote:");
  claim("(0, 0) gets the average of the first two", answers(2).at({0, 0, 0}), 15);
}

void the_root_of_d() {
  part("Why √d?");
  predict("q and k have 1024 random entries of variance 1. How large is q·k, roughly?");
  say("q·k sums d products of variance 1. Variances add up: it has variance d and deviation √d. "
      "A softmax of such large scores gives all weight w to one key. Its slope, w (1 − w), is then "
      "about 0, and nothing is learned. Divided by √d, the scores have the same size for every d.");
  for (const Index d : {4, 64, 1024}) {
    const Tensor q = normal({64, 16, d}, 0, 1, Key(1)), k = normal({64, 16, d}, 0, 1, Key(2));
    const Tensor scores = matmul(q, k, Transposed::b);  // [64, queries, keys]
    const double root = std::sqrt(d), deviation = sqrt(mean(scores * scores)).item();
    claim(text_from("d = ", d, ": the deviation divided by √d"), deviation / root, 1, 0.05);
    const auto slope = [](const Tensor& w) { return mean(w * (1 - w)).item(); };
    const double plain = slope(softmax(scores)), scaled = slope(softmax(scores / root));
    say(text_from("         mean slope ", plain, ", after dividing by √d ", scaled));
    if (d == 1024) claim("without √d less than a fifth is left", plain < scaled / 5);
  }
}

void positions() {
  part("Attention does not know the order");
  predict("the rows of x come in another order. What happens to the rows of the result?");
  const Tensor x = normal({2, 5, 8}, 0, 1, Key(3), DType::f64), lengths = full({2}, 5, DType::i64);
  const Function bare = [&](const Tensors& in) { return right({in[0], lengths}); };
  const Function placed = [&](const Tensors& in) { return bare({in[0] + nn::sinusoids(5, 8)}); };
  claim("they follow: it cannot tell who bit whom", bool(nn::permutation_equivariance(bare, {x})));
  claim("with positions added, the order matters", !nn::permutation_equivariance(placed, {x}));
  say("Why add and not append them? A product W [x, p] is W₁ x + W₂ p: a sum again.");
}

void break_and_repair() {
  part("Break: the lengths tiled");
  predict("lengths 2 and 5, two heads: do the rows of split() need 2 2 5 5 or 2 5 2 5?");
  const Tensor x = normal({2, 5, 8}, 0, 1, Key(4), DType::f64),
               lengths = tensor({2, 5}, DType::i64);
  claim("the gradient check passes: it is the right gradient of a wrong function",
        bool(gradcheck(wrong, {x, lengths})));
  say("So ask what must not depend on what. (A batch of equal lengths would show nothing.)");
  const nn::PropertyOptions names = {.names = {"x", "lengths"}};
  const std::string named = text_from(nn::batch_independence(wrong, {x, lengths}, names));
  say(named);
  claim("the check names it", named.find("tile, 1 2 1 2, instead of repeat") != std::string::npos);
  part("Repair: the lengths repeated");
  const auto repaired = nn::batch_independence(right, {x, lengths}, names);
  claim(text_from(repaired), bool(repaired));
  const auto pattern = nn::Mask::full(2, 5, 5).with_lengths(lengths).pattern();
  const Tensor off = right({x, lengths})[0] - attention(x, x, x, pattern, {.heads = heads});
  claim("the library's attention() in one pass differs by", max(abs(off)).item(), 0);
}

void lesson_of_attention() {
  a_lookup();
  the_root_of_d();
  positions();
  break_and_repair();
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, lesson_of_attention); }

// Break it yourself: let root be 1 in attend() and run again: the last claim fails.
// Exercise: give the heads an axis of their own, over which masks broadcast; hide from each step
// those after it, as a decoder must, and ask nn::causality. The solution is in examples/solutions.

// The property checks must pass what is right, see the smallest mistake, and name it. The classic
// mistakes are in classic_bugs_test.cpp.
#include "nn/checks/properties.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <sstream>

#include "nn/training/loss.h"
#include "tests/nn/checks/support.h"
#include "tests/nn/layers/heads_as_examples.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// Self-attention of [batch, steps, 4] with lengths, causal or not.
Tensor self_attention(const Tensor& x, const Tensor& lengths, bool causal) {
  const Mask mask = Mask::full(x.size(0), x.size(1), x.size(1)).with_lengths(lengths);
  return attention(x, x, x, (causal ? mask.causal() : mask).pattern(), {.heads = 2});
}

// x plus a little of other rows of x: row i receives from row sources[i] along the axis.
Tensor leak(const Tensor& x, Index axis, const std::vector<Index>& sources, double amount) {
  return x + amount * gather(x, from(sources, {x.size(axis)}), axis);
}

BOOST_AUTO_TEST_SUITE(properties)

// ---- Our own -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_transformer_has_them_all) {
  const std::vector<Ids> sources = {{3, 4, 5, 6}, {7, 8}, {9, 10, 3}};
  const std::vector<Ids> targets = {{1, 6}, {1, 9, 8, 7, 11}, {1, 12, 5}};
  const Sequences source = batch(sources, In::padded), target = batch(targets, In::padded);
  std::vector<TransformerConfig> configs = unusual_blocks();
  for (const NormPlacement norm : {NormPlacement::post, NormPlacement::pre})
    for (const Positions positions : all_positions) {
      TransformerConfig& config = configs.emplace_back(small_config());
      config.norm = norm;
      config.positions = positions;
    }
  for (TransformerConfig& config : configs) {
    config.dropout = 0.3;  // off at inference
    const Transformer model = small_transformer(config, Key(2));
    BOOST_TEST(batch_independence(model, source, target));
    BOOST_TEST(causality(model, source, target));
    BOOST_TEST(padding_invariance(model, source, target));
    BOOST_TEST(cached_decoding(model, source, target));
    const Transformer narrow = nn::cast(model, DType::f32);
    BOOST_TEST(batch_independence(narrow, source, target));
    BOOST_TEST(cached_decoding(narrow, source, target));
  }
}

BOOST_AUTO_TEST_CASE(attention_has_them_all) {
  const MultiHeadAttention layer = nn::cast(MultiHeadAttention(8, 2, 0, Key(1)), DType::f64);
  const Context inference = Context::inference();
  const Tensor query = random({3, 4, 8}, 2), memory = random({3, 5, 8}, 3);
  const Tensor lengths = ints({2, 5, 3});
  const Mask all = Mask::full(3, 4, 5), some = all.with_lengths(lengths);
  const auto attend = [&](const Mask& mask) {
    return of_one([&, mask](const Tensor& x) { return layer(query, x, x, mask, inference); });
  };
  BOOST_TEST(permutation_invariance(attend(all), {memory}));
  BOOST_TEST(!permutation_invariance(attend(some), {memory}));
  BOOST_TEST(mask_polarity(attend(some), {memory}, some.dense()));
  const Function self = of_one([&](const Tensor& x) {
    return layer(x, x, x, Mask::full(3, x.size(1), x.size(1)), inference);
  });
  BOOST_TEST(permutation_equivariance(self, {memory}));
  BOOST_TEST(determinism(self, {memory}));
  BOOST_TEST(batch_independence(
      [&](const Tensors& x) {
        const Mask mask = Mask::full(x[0].size(0), 5, 5).with_lengths(x[1]);
        return Tensors{layer(x[0], x[0], x[0], mask, inference)};
      },
      {memory, lengths}));

  const Tensor key = random({3, 5, 8}, 4);
  BOOST_TEST(values_average(of_one([&](const Tensor& v) {
                              return dot_product_attention(query, key, v, some, 2, 0, inference);
                            }),
                            memory));
  const Tensor weights = layer.weights(query, memory, some);
  BOOST_TEST(weights_average(weights));
  const auto heads_of = [](const Tensor& x) {  // [batch, heads, steps, 4]
    return reshape(transpose_qkv(x, 2), {3, 2, x.size(1), 4});
  };
  BOOST_TEST(score_scale(weights, heads_of(layer.query(query)), heads_of(layer.key(memory))));
}

BOOST_AUTO_TEST_CASE(the_row_of_padding_is_not_trained) {
  const Transformer model = small_transformer(small_config(), Key(2));
  const std::vector<Ids> ids = {{1, 6}, {1, 9, 8, 7, 10}};
  const Sequences source = batch(ids, In::padded), target = batch(ids, In::padded);
  const auto loss = [&](bool of_source, bool with_lengths) {
    return of_one([&, of_source, with_lengths](const Tensor& table) {
      Transformer changed = model;
      (of_source ? changed.encoder.embedding : changed.decoder.embedding).table = table;
      const Layout layout = with_lengths ? source.layout : Layout::full(2, 5);
      const Tensor logits = changed.logits({source.ids, layout}, target, Context::inference());
      return masked_cross_entropy(logits, target.ids, 0).sum;
    });
  };
  BOOST_TEST(padding_row(loss(true, true), model.encoder.embedding.table, 0));
  BOOST_TEST(padding_row(loss(false, true), model.decoder.embedding.table, 0));
  BOOST_TEST(!padding_row(loss(true, false), model.encoder.embedding.table, 0));
  BOOST_TEST(!padding_row(loss(true, true), model.encoder.embedding.table, 9));
}

// ---- What they see -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_leak_between_examples_however_small) {
  Dice dice(Key(1));
  for (int round = 0; round < 20; ++round) {
    const Index count = dice.between(2, 4);
    const Tensor x = dice.tensor(Shape{count}.joined(dice.shape(dice.between(0, 2))));
    const Index giver = dice.between(0, count - 1), taker = (giver + 1) % count;
    std::vector<Index> sources(static_cast<std::size_t>(count), none);
    BOOST_TEST(batch_independence(of_one([](const Tensor& h) { return tanh(h); }), {x}));
    sources[static_cast<std::size_t>(taker)] = giver;
    for (const double amount : {1.0, 1e-6, 1e-14}) {  // the smallest shows in the Jacobian alone
      const auto leaking = of_one(
          [&](const Tensor& h) { return h.size(0) == count ? leak(h, 0, sources, amount) : h; });
      const PropertyReport report = batch_independence(leaking, {x});
      BOOST_TEST(!report);
      contains(report, "the output of example " + std::to_string(taker) + " has a derivative of ");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_leak_without_a_gradient) {
  // Each example is scaled by the next one's length, or by its own.
  const auto scaled = [](const std::vector<Index>& whose) {
    return [whose](const Tensors& x) {
      const std::vector<Index> used(whose.begin(), whose.begin() + x[0].size(0));
      const Tensor lengths = gather(x[1], from(used, {x[0].size(0)}));
      return Tensors{x[0] * cast(reshape(lengths, {-1, 1}), DType::f64)};
    };
  };
  const Tensors inputs = {random({3, 2}), ints({1, 2, 3})};
  const PropertyOptions options{.names = {"x", "lengths"}};
  BOOST_TEST(batch_independence(scaled({0, 1, 2}), inputs, options));
  const PropertyReport report = batch_independence(scaled({0, 0, 2}), inputs, options);
  BOOST_TEST(!report);
  contains(report, "after replacing the other examples of lengths");
}

BOOST_AUTO_TEST_CASE(a_batch_of_one_that_differs) {
  const PropertyReport report = batch_independence(
      of_one([](const Tensor& x) { return x.size(0) == 1 ? 2 * x : x; }), {random({2, 3})});
  BOOST_TEST(report.violations.size() == 1u);
  contains(report, "when its example is a batch of its own");
}

BOOST_AUTO_TEST_CASE(a_step_that_sees_another) {
  const Tensor x = random({2, 5, 4});
  const auto attend = [](bool causal) {
    return of_one([causal](const Tensor& h) {
      return self_attention(h, full({2}, static_cast<double>(h.size(1)), DType::i64), causal);
    });
  };
  BOOST_TEST(causality(attend(true), {x}));
  BOOST_TEST(!causality(attend(false), {x}));
  BOOST_TEST(!causality(attend(true), {x}, Sees::past));
  // The input shifted along an axis. Only a shift towards later steps is causal.
  const auto shifted = [](Index axis, Index by) {
    return of_one([axis, by](const Tensor& h) {
      std::vector<Index> sources;
      for (Index t = 0; t < h.size(axis); ++t)
        sources.push_back(t - by < 0 || t - by >= h.size(axis) ? none : t - by);
      return gather(h, from(sources, {h.size(axis)}), axis);
    });
  };
  for (const Index axis : {0, 1, 2})
    for (const Index by : {-1, 0, 1, 2}) {
      const bool present(causality(shifted(axis, by), {x}, Sees::present, axis));
      BOOST_TEST(present == (by >= 0));
      const bool past(causality(shifted(axis, by), {x}, Sees::past, axis));
      BOOST_TEST(past == (by >= 1));
      const Tensor ids = random_integers({2, 5, 4}, 0, 100, Key(3));
      const bool of_ids(causality(shifted(axis, by), {ids}, Sees::past, axis));
      BOOST_TEST(of_ids == (by >= 1));
    }
  contains(causality(shifted(1, -1), {x}), "the output of the steps up to 3 has a derivative of");
}

BOOST_AUTO_TEST_CASE(padding_that_is_read) {
  const Tensor x = random({3, 4, 4}), lengths = ints({2, 4, 3});
  const Padding padding{.inputs = {lengths}, .outputs = {lengths}};
  const auto attend = [](const Tensor& valid) {
    return of_one([valid](const Tensor& h) { return self_attention(h, valid, false); });
  };
  BOOST_TEST(padding_invariance(attend(lengths), {x}, padding));
  const PropertyReport longer = padding_invariance(attend(ints({2, 4, 4})), {x}, padding);
  BOOST_TEST(!longer);
  contains(longer, "in the padding");
  // Only its amount matters: a mean over all steps of something that is zero in padding.
  const auto real = [&](const Tensor& h) {
    const Tensor steps = arange(h.size(1), DType::i64);
    return cast(less(reshape(steps, {1, -1, 1}), reshape(lengths, {3, 1, 1})), DType::f64);
  };
  const Padding loss{.inputs = {lengths}, .outputs = {Tensor()}};
  BOOST_TEST(
      padding_invariance(of_one([&](const Tensor& h) { return sum(h * real(h)); }), {x}, loss));
  const PropertyReport mean_of_all =
      padding_invariance(of_one([&](const Tensor& h) { return mean(h * real(h)); }), {x}, loss);
  BOOST_TEST(mean_of_all.violations.size() == 2u);
  contains(mean_of_all, "with padding longer by 3");
}

BOOST_AUTO_TEST_CASE(padding_that_is_recognised_by_its_value) {
  const Tensor ids = ints({{3, 4, 0, 0}, {5, 3, 4, 6}}), table = random({7, 4});
  const Function f = of_one([&](const Tensor& x) {
    const Tensor real = cast(greater(x, scalar(0, DType::i64)), DType::f64);
    return sum(embedding(x, table) * reshape(real, {2, -1, 1}), {1});
  });
  const Padding told{.inputs = {ints({2, 4})}, .outputs = {Tensor()}};
  Padding recognised = told;
  recognised.value = 0;
  BOOST_TEST(!padding_invariance(f, {ids}, told));
  BOOST_TEST(padding_invariance(f, {ids}, recognised));
}

BOOST_AUTO_TEST_CASE(a_function_that_differs_from_call_to_call) {
  const Tensor x = random({2, 3});
  auto calls = std::make_shared<int>(0);
  const Function counting = of_one([calls](const Tensor& h) { return h + 1e-15 * (*calls)++; });
  BOOST_TEST(!determinism(counting, {x}));
  const Function dropping = of_one([](const Tensor& h) { return dropout(h, 0.5, Key(1)); });
  BOOST_TEST(determinism(dropping, {x}));
  BOOST_TEST(!batch_independence(dropping, {x}));  // a batch of one has other dropout masks
}

BOOST_AUTO_TEST_CASE(an_order_that_matters) {
  const Tensor x = random({2, 4, 3});
  const auto with_positions = of_one([](const Tensor& h) {
    return h + reshape(arange(4, DType::f64), {4, 1});
  });
  BOOST_TEST(!permutation_equivariance(with_positions, {x}));
  BOOST_TEST(permutation_equivariance(of_one([](const Tensor& h) { return softmax(h); }), {x}));
  BOOST_TEST(permutation_equivariance(of_one([](const Tensor& h) { return softmax(h); }), {x}, 2));
  BOOST_TEST(permutation_invariance(of_one([](const Tensor& h) { return max(h, {1}); }), {x}));
  BOOST_TEST(!permutation_invariance(of_one([](const Tensor& h) { return max(h, {1}); }), {x}, 2));
}

BOOST_AUTO_TEST_CASE(steps_that_differ_from_the_whole) {
  const Tensor x = random({2, 5, 3});
  const auto running_sum = [](const Tensor& h) {
    Tensors sums;
    for (Index t = 0; t < h.size(1); ++t) sums.push_back(sum(slice(h, 1, 0, t + 1), {1}));
    return stack(sums, 1);
  };
  // Adds up its inputs, except for one lost step.
  const auto adding = [](Index lost) {
    return [lost]() -> Step {
      return [lost, t = Index{0}, total = Tensor()](const Tensor& now) mutable {
        if (!total.defined()) total = zeros(now.shape(), now.dtype());
        if (t++ != lost) total = total + now;
        return total;
      };
    };
  };
  BOOST_TEST(cached_decoding(running_sum, adding(none), x));
  contains(cached_decoding(running_sum, adding(3), x), "violated in 2 ways");
  contains(cached_decoding(running_sum, adding(3), x), "the first step agrees");
  contains(cached_decoding(running_sum, adding(0), x), "the first step differs");
}

// The mask used against the intended one: each element counts.
BOOST_AUTO_TEST_CASE(every_element_of_a_mask) {
  Dice dice(Key(1));
  for (int round = 0; round < 10; ++round) {
    const Index batch = dice.between(1, 3), queries = dice.between(1, 3), keys = dice.between(2, 4);
    Tensor allowed = dice.booleans({batch, queries, keys});
    allowed.edit<bool>()[0] = true;
    allowed.edit<bool>()[1] = false;
    const Tensor query = dice.tensor({batch, queries, 4});
    const auto pattern = Mask::full(batch, queries, keys).with_allowed(allowed).pattern();
    const Function f = [&](const Tensors& x) {
      return Tensors{attention(query, x[0], x[1], pattern, {.heads = 2})};
    };
    const Tensors inputs = {dice.tensor({batch, keys, 4}), dice.tensor({batch, keys, 4})};
    BOOST_TEST(mask_polarity(f, inputs, allowed));
    Tensor inverted = copy(allowed);
    for (bool& element : inverted.edit<bool>()) element = !element;
    contains(mask_polarity(f, inputs, inverted), "the mask is inverted");
    for (std::size_t i = 2; i < static_cast<std::size_t>(allowed.numel()); ++i) {
      Tensor flipped = copy(allowed);
      flipped.edit<bool>()[i] = !flipped.edit<bool>()[i];
      BOOST_TEST(!mask_polarity(f, inputs, flipped));
    }
  }
}

// ---- Weights -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(weights_that_do_not_add_up) {
  const Tensor scores = random({2, 3, 4}), values = random({2, 4, 5}, 2);
  const auto average = [&](const Tensor& weights) {
    return values_average(of_one([weights](const Tensor& v) { return matmul(weights, v); }),
                          values);
  };
  BOOST_TEST(average(softmax(scores)));
  BOOST_TEST(weights_average(softmax(scores)));
  BOOST_TEST(weights_average(softmax(cast(scores, DType::f32))));
  const Tensor over_queries = transpose(softmax(transpose(scores)));
  BOOST_TEST(!average(over_queries));
  contains(weights_average(over_queries), "the softmax ran over axis 1: there the sums are one");
  // No query may see key 2.
  const Tensor masked =
      transpose(masked_softmax(normal({2, 3, 4}, 0, 1, Key(3), DType::f64),
                               bools({{1, 0, 0, 1}, {1, 1, 1, 1}, {0, 0, 0, 0}})));
  contains(weights_average(masked), "the softmax ran over axis 1: there the sums are one");
  const Tensor dropped = dropout(softmax(scores), 0.5, Key(3));
  BOOST_TEST(!average(dropped));
  BOOST_TEST(!weights_average(dropped));
  contains(weights_average(tensor({{1.5, -0.5}})), "weights[0, 1] differs by 1");
}

BOOST_AUTO_TEST_CASE(scores_of_another_scale) {
  const Tensor query = random({2, 3, 4}), key = random({2, 5, 4}, 2);
  const Tensor product = matmul(query, key, Transposed::b);
  const auto report = [&](const Tensor& scores) {
    return score_scale(softmax(scores), query, key);
  };
  BOOST_TEST(report(product / 2));
  BOOST_TEST(!report(product / 2.001));
  contains(report(product), "the scores are not divided by √d");
  contains(report(product / 4), "the scores are divided by d instead of √d");
  contains(report(product / 4 / std::sqrt(2)), "divided by 5.66, the root of 32, where d is 4");
  contains(report(product + random({2, 3, 5}, 3)), "not a softmax over the keys of any multiple");
  // Masked keys do not count; f32 has fewer digits.
  const Tensor mask = Mask::full(2, 3, 5).causal().dense();
  BOOST_TEST(score_scale(masked_softmax(product / 2, mask), query, key));
  BOOST_TEST(score_scale(softmax(cast(product / 2, DType::f32)), cast(query, DType::f32),
                         cast(key, DType::f32)));
}

// ---- What contents are replaced by -------------------------------------------------------------

BOOST_AUTO_TEST_CASE(replaced_integers_occur_in_the_same_tensor) {
  const Tensor ids = ints({{3, 9}, {9, 7}, {7, 7}});
  int seen = 0;
  const Function f = of_one([&](const Tensor& x) {
    for (const Index id : x.values<Index>()) {
      const bool known = id == 3 || id == 7 || id == 9;
      BOOST_TEST(known);
    }
    if (x.size(0) == 3 && !same_bits(x, ids)) {
      ++seen;
      int changed = 0;
      for (std::size_t i = 0; i < 6; ++i) changed += x.values<Index>()[i] != ids.values<Index>()[i];
      BOOST_TEST(changed == 4);  // every element of two of the three examples
    }
    return cast(x, DType::f64);
  });
  BOOST_TEST(batch_independence(f, {ids}));
  BOOST_TEST(seen == 3);
}

BOOST_AUTO_TEST_CASE(other_contents_can_be_given) {
  const Function f = of_one([](const Tensor& x) { return x + 0.0 * sum(x, {0}, Keep::yes); });
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor x = random({2, 3});
  BOOST_TEST(batch_independence(of_one([](const Tensor& h) { return h; }), {x},
                                {.others = {full({2, 3}, infinity, DType::f64)}}));
  const PropertyReport report =
      batch_independence(f, {x}, {.others = {full({2, 3}, infinity, DType::f64)}});
  contains(report, "differs by inf after replacing the other examples of input 0");  // 0 · ∞
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

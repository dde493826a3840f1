#include "nn/decoding/alignment.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "nn/models/ensemble.h"
#include "nn/models/recurrent_seq2seq.h"
#include "tests/nn/toy_models.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

Transformer two_blocks() {
  TransformerConfig config = small_config();
  config.decoder_blocks = 2;
  return talkative(config, Key(1));
}

BahdanauSeq2Seq recurrent() {
  return nn::cast(BahdanauSeq2Seq({.source_tokens = small_config().source_tokens,
                                   .target_tokens = small_config().target_tokens,
                                   .embedding = 5,
                                   .hidden = 6},
                                  Key(2)),
                  DType::f64);
}

// The mean over the given heads, for a pair on its own: [target + 1, source].
Tensor expected(const EncoderDecoder& model, const std::string& layer, const Ids& source,
                Ids target, Index heads) {
  target.insert(target.begin(), 1);
  const Tensor weights = attention_weights(model, batch(source), batch(target)).at(layer);
  const Tensor used = slice(weights, 1, 0, heads);  // [1, heads, target + 1, source]
  return reshape(mean(used, {1}), {std::ssize(target), std::ssize(source)});
}

BOOST_AUTO_TEST_SUITE(alignments_of_targets)

BOOST_AUTO_TEST_CASE(it_is_the_last_block_and_the_mean_of_its_heads) {
  const Transformer model = two_blocks();
  const std::vector<Ids> sources = some_sources(40), targets = some_sources(40, Key(3));
  const std::vector<Tensor> soft = soft_alignments(model, sources, targets);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Tensor right = expected(model, "decoder.blocks.1.cross_attention", sources[i], targets[i],
                                  model.config.heads);
    BOOST_REQUIRE(soft[i].shape() == right.shape());
    BOOST_TEST(distance(soft[i], right) < 1e-12);
    for (const double total : numbers(sum(soft[i], {1}))) BOOST_TEST(std::abs(total - 1) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(pruned_heads_do_not_count) {
  Transformer model = two_blocks();
  const std::string layer = "decoder.blocks.1.cross_attention";
  const Ids source = {4, 5, 6, 2}, target = {7, 8};
  prune_heads(model, {{layer, 1}});
  const auto soft = [&] { return soft_alignments(model, {&source, 1}, {&target, 1})[0]; };
  BOOST_REQUIRE(model.config.heads == 2);
  BOOST_TEST(distance(soft(), expected(model, layer, source, target, 1)) < 1e-12);
  prune_heads(model, {{layer, 0}, {layer, 1}});
  BOOST_TEST(sum(soft()).item() == 0);
}

BOOST_AUTO_TEST_CASE(a_recurrent_model_has_one_layer_and_an_ensemble_the_mean) {
  const auto first = std::make_shared<Transformer>(two_blocks());
  const auto second = std::make_shared<BahdanauSeq2Seq>(recurrent());
  const std::vector<Ids> sources = some_sources(5), targets = some_sources(5, Key(3));
  const std::vector<Tensor> a = soft_alignments(*first, sources, targets);
  const std::vector<Tensor> b = soft_alignments(*second, sources, targets);
  const std::vector<Tensor> both = soft_alignments(Ensemble({first, second}), sources, targets);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    BOOST_TEST(distance(b[i], expected(*second, "attention", sources[i], targets[i], 1)) < 1e-12);
    BOOST_TEST(distance(both[i], (a[i] + b[i]) / 2) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(a_head_can_be_chosen) {
  const Transformer model = two_blocks();
  const Ids source = {4, 5, 6, 2}, target = {7, 8}, read = {1, 7, 8};
  const std::string layer = "decoder.blocks.0.cross_attention";
  const auto soft = [&](std::vector<AttentionHead> heads) {
    return soft_alignments(model, {&source, 1}, {&target, 1}, {}, std::move(heads))[0];
  };
  const Tensor all = attention_weights(model, batch(source), batch(read)).at(layer);
  BOOST_TEST(distance(soft({{layer, 1}}), reshape(slice(all, 1, 1, 2), {3, 4})) < 1e-12);
  BOOST_TEST(distance(soft({{layer, 0}, {layer, 1}}), soft({{layer}})) < 1e-12);
  BOOST_CHECK_EXCEPTION(soft({{layer, 2}}), Error, says("alignment: there is no head 2 among 2"));
  BOOST_CHECK_EXCEPTION(soft({{"x"}}), Error, says("alignment: the model has no attention 'x'"));
}

BOOST_AUTO_TEST_CASE(each_token_is_aligned_to_the_largest_weight_that_is_not_the_ends) {
  const std::vector<double> weights = {0.1, 0.2, 0.7,   //
                                       0.5, 0.4, 0.1,   //
                                       0.3, 0.3, 0.4};  // of the end
  const Tensor soft = from(weights, {3, 3});
  BOOST_TEST((hard_alignment(soft, 2, 2) == std::vector<Index>{1, 0}));
  BOOST_TEST(
      (hard_alignment(soft, 3, 2) == std::vector<Index>{1, 0, 0}));  // the first of equal ones
  BOOST_TEST((hard_alignment(soft, 3, 3) == std::vector<Index>{2, 0, 2}));
  BOOST_CHECK_EXCEPTION(hard_alignment(soft, 4, 2), Error,
                        says("alignment: weights [3, 3] for 4 target and 2 source tokens"));
  BOOST_CHECK_EXCEPTION(hard_alignment(soft, 1, 0), Error,
                        says("alignment: weights [3, 3] for 1 target and 0 source tokens"));
}

BOOST_AUTO_TEST_CASE(a_model_without_attention_has_none) {
  const RecurrentSeq2Seq model(
      {.source_tokens = 9, .target_tokens = 9, .embedding = 4, .hidden = 4}, Key(1));
  const Ids ids = {4};
  BOOST_CHECK_EXCEPTION(soft_alignments(model, {&ids, 1}, {&ids, 1}), Error,
                        says("alignment: the model has no attention to its source"));
  BOOST_CHECK_EXCEPTION(soft_alignments(two_blocks(), {&ids, 1}, {}), Error,
                        says("alignment: 1 sources and 0 targets"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

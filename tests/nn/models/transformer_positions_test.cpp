// Whole models with every kind of positions, in every mode and place, in both layouts and step by
// step.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "nn/checks/properties.h"
#include "tests/nn/toy_models.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

const DecodingOptions ten{.max_length = 10};

// Calls f with each setting of positions; the norm alternates.
void each_setting(const std::function<void(TransformerConfig)>& f) {
  bool pre = false;
  for (TransformerConfig config : position_configs()) {
    config.norm = pre ? NormPlacement::pre : NormPlacement::post;
    pre = !pre;
    BOOST_TEST_CONTEXT(positions_of(config)) { f(config); }
  }
}

const std::vector<Ids> sources = {{3, 4, 5, 6, 3, 7, 8}, {7, 8}, {9, 10, 3}};
const std::vector<Ids> targets = {{1, 6}, {1, 9, 8, 7, 11, 3}, {1, 12, 5}};

// Real logits and the gradients of all parameters.
Tensors outcome(const Transformer& model, In layout) {
  const Sequences inputs = batch(targets, layout);
  const Tensor all = model.logits(batch(sources, layout), inputs, Context::training(Key(3)));
  Tensors result = {real_rows(all, inputs.layout)};
  for (Tensor& gradient : grad(weighed(result[0], Key(4)), parameters(model)))
    result.push_back(std::move(gradient));
  return result;
}

BOOST_AUTO_TEST_SUITE(transformer_positions)

BOOST_AUTO_TEST_CASE(packed_equals_padded_equals_recomputed) {
  each_setting([](TransformerConfig config) {
    config.dropout = 0.3;
    Transformer model = small_transformer(config, Key(2));
    const Tensors packed = outcome(model, In::packed);
    BOOST_TEST(distance(outcome(model, In::padded), packed) < 1e-12);
    model.encoder.recomputed = model.decoder.recomputed = true;
    BOOST_TEST(distance(outcome(model, In::packed), packed) < 1e-12);
  });
}

BOOST_AUTO_TEST_CASE(they_have_the_properties_of_a_sequence_model) {
  const Sequences source = batch(sources, In::padded), target = batch(targets, In::padded);
  each_setting([&](const TransformerConfig& config) {
    const Transformer model = small_transformer(config, Key(2));
    BOOST_TEST(batch_independence(model, source, target));
    BOOST_TEST(causality(model, source, target));
    BOOST_TEST(padding_invariance(model, source, target));
    BOOST_TEST(cached_decoding(model, source, target));
    BOOST_TEST(cached_decoding(nn::cast(model, DType::f32), source, target));
  });
}

// Positions have an effect in every place: otherwise the order would make no difference.
BOOST_AUTO_TEST_CASE(the_encoder_knows_the_order) {
  each_setting([](const TransformerConfig& config) {
    const Transformer model = small_transformer(config, Key(2));
    const Context context = Context::inference();
    const Tensor memory = model.encoder(batch({3, 4, 5, 6}), context);
    const Tensor permuted = model.encoder(batch({5, 3, 6, 4}), context);
    const double off = distance(permuted, gather(memory, ints({2, 0, 3, 1}), 1));
    BOOST_TEST((config.positions == Positions::none ? off < 1e-12 : off > 0.01));
  });
}

// Names in checkpoints must not change.
BOOST_AUTO_TEST_CASE(parameters_have_these_names) {
  const auto names = [](Positions kind, PositionMode mode, PositionPlace place) {
    TransformerConfig config = small_config();
    config.positions = kind;
    config.position_mode = mode;
    config.position_place = place;
    std::vector<std::string> result;
    for (const std::string& name : names_of(Transformer(config, Key(1))))
      if (name.starts_with("decoder.") && (name.find("positions") != std::string::npos ||
                                           name.find("relative") != std::string::npos))
        result.push_back(name);
    return result;
  };
  const auto check = [&](const std::vector<std::string>& actual,
                         const std::vector<std::string>& expected) {
    BOOST_TEST(actual == expected, boost::test_tools::per_element());
  };
  const auto add = PositionMode::add, concatenate = PositionMode::concatenate;
  const auto before = PositionPlace::before;
  check(names(Positions::learned, add, before), {"decoder.positions.table"});
  check(names(Positions::convolutional, concatenate, before),
        {"decoder.positions.filter", "decoder.positions.projection.weight",
         "decoder.positions.projection.bias"});
  check(names(Positions::learned, add, PositionPlace::after), {"decoder.final_positions.table"});
  check(names(Positions::convolutional, add, PositionPlace::each_block),
        {"decoder.blocks.0.positions.filter", "decoder.blocks.1.positions.filter"});
  check(names(Positions::relative, add, before),
        {"decoder.blocks.0.attention.relative.keys", "decoder.blocks.0.attention.relative.values",
         "decoder.blocks.1.attention.relative.keys", "decoder.blocks.1.attention.relative.values"});
}

BOOST_AUTO_TEST_CASE(a_split_width_is_shared_by_tokens_and_positions) {
  TransformerConfig config = small_config();
  config.position_mode = PositionMode::split;
  config.position_width = 3;
  const Transformer model(config, Key(1));
  BOOST_TEST((model.encoder.embedding.table.shape() == Shape{11, 5}));
  BOOST_TEST((model.decoder.embedding.table.shape() == Shape{13, 5}));
  BOOST_TEST((model.encoder.positions.table.shape() == Shape{16, 3}));
}

// ---- Decoding ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_cache_changes_no_target) {
  each_setting([](const TransformerConfig& config) {
    const Transformer model = talkative(config, Key(5));
    const std::vector<Ids> some = some_sources(20, Key(6));
    BOOST_TEST((greedy(model, some, ten) == greedy_without_cache(model, some, ten)));
  });
}

BOOST_AUTO_TEST_CASE(an_empty_source_is_a_source) {
  each_setting([](const TransformerConfig& config) {
    const Transformer model = talkative(config, Key(10));
    for (const std::vector<Ids>& some : {std::vector<Ids>{{}, {3, 4}}, std::vector<Ids>{{}}})
      BOOST_TEST((greedy(model, some, ten) == greedy_without_cache(model, some, ten)));
  });
}

// As in a beam. The inputs that a filter keeps follow.
BOOST_AUTO_TEST_CASE(rows_go_on_from_the_rows_that_were_selected) {
  const Ids rows = {2, 0, 2};
  const std::vector<Ids> selected = {sources[2], sources[0], sources[2]};
  const Tensor before = random_integers({3, 3}, 3, 13, Key(7)),  // [batch, steps]
      after = random_integers({3, 3}, 3, 13, Key(8));
  const Tensor said = concat({gather(before, from(rows, {3})), after}, 1);
  const auto step = [](Decoding& decoding, const Tensor& ids, Index t) {
    return decoding.step(reshape(slice(ids, 1, t, t + 1), {3}));  // [batch, tokens]
  };
  each_setting([&](const TransformerConfig& config) {
    const Transformer model = talkative(config, Key(9));
    const Tensor whole =
        model.logits(batch(selected, In::padded), {said, Layout::full(3, 6)}, Context::inference());
    const auto decoding = model.decode(batch(sources, In::padded), 6);
    for (Index t = 0; t < 3; ++t) step(*decoding, before, t);
    decoding->select(rows);
    for (Index t = 3; t < 6; ++t)
      BOOST_TEST(distance(step(*decoding, said, t), reshape(slice(whole, 1, t, t + 1), {3, 13})) <
                 1e-12);
  });
}

// The margin between the two likeliest tokens where these two targets diverge.
double margin_at_divergence(const Transformer& model, const Ids& source, const Ids& a,
                            const Ids& b) {
  Ids prefix(a.begin(), std::ranges::mismatch(a, b).in1);
  prefix.insert(prefix.begin(), 1);
  const Tensor all = model.logits(batch(source), batch(prefix), Context::inference());
  std::vector<double> next = numbers(slice(all, 1, -1, all.size(1)));
  std::ranges::sort(next, std::greater());
  return next[0] - next[1];
}

// The number of these sources whose target the cache changes; each diverges at a near tie.
std::size_t count_changed(const Transformer& model, const std::vector<Ids>& some) {
  const std::vector<Ids> cached = greedy(model, some, ten);
  const std::vector<Ids> uncached = greedy_without_cache(model, some, ten);
  std::size_t count = 0;
  for (std::size_t i = 0; i < some.size(); ++i)
    if (cached[i] != uncached[i]) {
      BOOST_TEST(margin_at_divergence(model, some[i], cached[i], uncached[i]) < 1e-5);
      ++count;
    }
  return count;
}

// Makes tokens 2j + 1 and 2j + 2 equally likely up to rounding.
Transformer with_twins(Transformer model) {
  const std::span<float> weight = model.decoder.output.weight.edit<float>();  // [13, 8]
  const std::span<float> bias = model.decoder.output.bias.edit<float>();
  for (std::size_t token = 3; token < 13; token += 2) {
    for (std::size_t i = 0; i < 8; ++i)
      weight[(token + 1) * 8 + i] = weight[token * 8 + i] * (i % 2 == 0 ? 1 + 1e-6F : 1 - 1e-6F);
    bias[token + 1] = bias[token];
  }
  return model;
}

// Rounding may decide only between tokens that are about equally likely.
BOOST_AUTO_TEST_CASE(in_f32_the_cache_changes_targets_at_near_ties_only) {
  std::size_t decoded = 0, parted = 0, parted_twins = 0;
  each_talkative([&](const Transformer& wide, std::uint64_t round) {
    const Transformer model = nn::cast(wide, DType::f32);
    const std::vector<Ids> some = some_sources(500, Key(40 + round));
    decoded += some.size();
    parted += count_changed(model, some);
    parted_twins += count_changed(with_twins(model), some_sources(100, Key(60 + round)));
  });
  BOOST_TEST_MESSAGE("the cache changed " << parted << " of " << decoded << " targets in f32, and "
                                          << parted_twins << " of " << decoded / 5
                                          << " where each token has a twin");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

#include "nn/models/transformer.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <iterator>

#include "autograd/gradcheck.h"
#include "autograd/tools/inspect.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/loss.h"
#include "tests/files.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

constexpr double exact = 1e-12;

// Every norm with every kind of positions, and unusual blocks.
std::vector<TransformerConfig> all_configs() {
  std::vector<TransformerConfig> configs;
  for (const NormPlacement norm : {NormPlacement::post, NormPlacement::pre})
    for (const Positions positions : all_positions) {
      configs.push_back(small_config());
      configs.back().norm = norm;
      configs.back().positions = positions;
    }
  std::ranges::copy(unusual_blocks(), std::back_inserter(configs));
  return configs;
}

struct Pairs {
  std::vector<Ids> sources, inputs, outputs;
};

Pairs some_pairs(std::size_t count, Key key = Key(1)) {
  Dice dice(key);
  Pairs pairs{random_sequences(dice, count, 1, 7, 11), random_sequences(dice, count, 0, 6, 13), {}};
  pairs.outputs = pairs.inputs;
  for (Ids& input : pairs.inputs) input.insert(input.begin(), 1);
  for (Ids& output : pairs.outputs) output.push_back(2);
  return pairs;
}

// Real logits [real rows, tokens], the loss, and the gradients of all parameters.
struct Outcome {
  Tensor logits, loss;
  Tensors gradients;
};

Outcome run(const Transformer& model, const Pairs& pairs, In layout, const Context& context) {
  const Sequences inputs = batch(pairs.inputs, layout);
  const Tensor logits = model.logits(batch(pairs.sources, layout), inputs, context);
  const LossSum loss = masked_cross_entropy(logits, batch(pairs.outputs, layout).ids, 0, 0.1);
  return {real_rows(logits, inputs.layout), loss.sum, grad(loss.sum, parameters(model))};
}

std::vector<std::string> names_on_tape(const Transformer& model, const Pairs& pairs, In layout) {
  std::vector<std::string> names;
  const Tensor logits = model.logits(batch(pairs.sources, layout), batch(pairs.inputs, layout),
                                     Context::training(Key(2)));
  for (const NodePtr& node : tape(logits)) names.push_back(node->name());
  return names;
}

void check_same(const Outcome& a, const Outcome& b) {
  BOOST_TEST(distance(a.logits, b.logits) < exact);
  BOOST_TEST(distance(a.loss, b.loss) < exact);
  BOOST_TEST(distance(a.gradients, b.gradients) < exact);
}

Tensor logits_of(const Transformer& model, const Ids& source, const Ids& input) {
  return model.logits(batch(source), batch(input), Context::inference());  // [1, steps, tokens]
}

BOOST_AUTO_TEST_SUITE(transformer)

BOOST_AUTO_TEST_CASE(padded_equals_packed) {
  const Pairs pairs = some_pairs(6);
  for (TransformerConfig config : all_configs())
    for (const double drop : {0.0, 0.3}) {
      config.dropout = drop;
      const Transformer model = small_transformer(config, Key(2));
      const auto context = [] { return Context::training(Key(3)); };
      const Outcome packed = run(model, pairs, In::packed, context());
      check_same(packed, run(model, pairs, In::padded, context()));
      const Outcome inference = run(model, pairs, In::packed, Context::inference());
      BOOST_TEST((distance(packed.logits, inference.logits) > 0.1) == (drop > 0));
    }
}

BOOST_AUTO_TEST_CASE(fused_equals_composed) {
  const Pairs pairs = some_pairs(4);
  TransformerConfig config = small_config();
  config.dropout = 0.3;
  const Transformer model = small_transformer(config, Key(2));
  for (const In layout : {In::padded, In::packed}) {
    const Outcome fused = run(model, pairs, layout, Context::training(Key(3)));
    const Composed guard;
    check_same(fused, run(model, pairs, layout, Context::training(Key(3))));
  }
}

// With dropout too, whose masks are drawn a second time.
BOOST_AUTO_TEST_CASE(recomputed_equals_plain) {
  const Pairs pairs = some_pairs(4);
  for (TransformerConfig config : all_configs())
    for (const In layout : {In::padded, In::packed}) {
      config.dropout = 0.3;
      Transformer model = small_transformer(config, Key(1));
      const Outcome plain = run(model, pairs, layout, Context::training(Key(2)));
      model.encoder.recomputed = model.decoder.recomputed = true;
      check_same(run(model, pairs, layout, Context::training(Key(2))), plain);
      BOOST_TEST(std::ranges::count(names_on_tape(model, pairs, layout), "recomputed") == 4);
    }
}

BOOST_AUTO_TEST_CASE(f32_is_close_to_f64) {
  const Pairs pairs = some_pairs(4);
  for (const TransformerConfig& config : all_configs()) {
    const Transformer wide = small_transformer(config, Key(2));
    const Transformer narrow = nn::cast(wide, DType::f32);
    const Outcome a = run(wide, pairs, In::packed, Context::inference());
    const Outcome b = run(narrow, pairs, In::packed, Context::inference());
    BOOST_TEST((b.logits.dtype() == DType::f32));
    BOOST_TEST(distance(b.logits, a.logits) < 1e-5);
    BOOST_TEST(distance(b.gradients, a.gradients) < 1e-4);
  }
}

// The property that a wrong order of heads and lengths breaks, for the whole model.
BOOST_AUTO_TEST_CASE(other_examples_change_nothing) {
  const Pairs pairs = some_pairs(5);
  Pairs others = some_pairs(5, Key(9));  // except example 2
  others.sources[2] = pairs.sources[2];
  others.inputs[2] = pairs.inputs[2];
  for (const TransformerConfig& config : all_configs()) {
    const Transformer model = small_transformer(config, Key(2));
    const auto example_2 = [&](const Pairs& of, In layout) {
      const Sequences inputs = batch(of.inputs, layout);
      const Context context = Context::inference();
      return rows_of(model.logits(batch(of.sources, layout), inputs, context), inputs.layout, 2);
    };
    const Tensor alone = logits_of(model, pairs.sources[2], pairs.inputs[2]);
    for (const In layout : {In::padded, In::packed}) {
      const Tensor together = example_2(pairs, layout);
      BOOST_TEST(distance(together, reshape(alone, together.shape())) < exact);
      BOOST_TEST(distance(together, example_2(others, layout)) < exact);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_gradient_stays_within_its_example) {
  const Transformer model = small_transformer(small_config(), Key(2));
  const Tensor x = variable(normal({3, 4, 8}, 0, 1, Key(3), DType::f64));
  const Layout layout = Layout::padded({4, 2, 3}, 4);
  const Tensor y = model.encoder.blocks[0](x, Mask(layout, layout), layout, Context::inference());
  const Tensor gradient = grad(weighed(rows_of(y, layout, 1), Key(4)), {x})[0];
  for (const Index other : {0, 2})
    BOOST_TEST(distance(rows_of(gradient, layout, other),
                        zeros({layout.length(other), 8}, DType::f64)) == 0);
  const Tensor padding = slice(slice(gradient, 0, 1, 2), 1, 2, 4);
  BOOST_TEST(distance(padding, zeros({1, 2, 8}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_CASE(the_past_does_not_see_the_future) {
  const Ids source = {3, 4, 5}, input = {1, 6, 7, 8, 9, 10};
  for (const TransformerConfig& config : all_configs()) {
    const Transformer model = small_transformer(config, Key(2));
    const Tensor logits = logits_of(model, source, input);
    for (Index t = 1; t < 6; ++t) {
      Ids changed = input;
      changed[static_cast<std::size_t>(t)] = 11;
      const Tensor other = logits_of(model, source, changed);
      BOOST_TEST(same_bits(slice(other, 1, 0, t), slice(logits, 1, 0, t)));
      for (Index later = t; later < 6; ++later)
        BOOST_TEST(distance(slice(other, 1, later, later + 1), slice(logits, 1, later, later + 1)) >
                   1e-4);
    }
    // A prefix alone gets the same logits.
    const Tensor prefix = logits_of(model, source, {1, 6, 7});
    BOOST_TEST(distance(prefix, slice(logits, 1, 0, 3)) < exact);
  }
}

BOOST_AUTO_TEST_CASE(padding_has_no_influence) {
  const Pairs pairs = some_pairs(4);
  const Transformer model = small_transformer(small_config(), Key(2));
  const auto logits = [&](Index padding, Index more_steps) {
    const auto wider = [&](const std::vector<Ids>& sequences) {
      std::vector<Ids> with_dummy = sequences;
      std::size_t longest = 0;
      for (const Ids& sequence : sequences) longest = std::max(longest, sequence.size());
      with_dummy.emplace_back(longest + static_cast<std::size_t>(more_steps), 3);
      return Sequences::padded(with_dummy, padding);
    };
    const Sequences inputs = wider(pairs.inputs);
    const Tensor all = model.logits(wider(pairs.sources), inputs, Context::inference());
    Tensors real;
    for (Index example = 0; example < 4; ++example)
      real.push_back(rows_of(all, inputs.layout, example));
    return concat(real, 0);
  };
  BOOST_TEST(same_bits(logits(0, 0), logits(10, 0)));
  BOOST_TEST(distance(logits(0, 0), logits(5, 3)) < exact);
}

// Dropout falls on the same elements when a batch is cut into shards.
BOOST_AUTO_TEST_CASE(a_part_of_the_batch_in_its_place) {
  const Pairs pairs = some_pairs(5);
  TransformerConfig config = small_config();
  config.dropout = 0.3;
  const Transformer model = small_transformer(config, Key(2));
  const Outcome whole = run(model, pairs, In::packed, Context::training(Key(3)));
  const auto last_two = [](const std::vector<Ids>& sequences) {
    return batch(std::span(sequences).subspan(3), In::packed).placed(3);
  };
  const Sequences inputs = last_two(pairs.inputs);
  const Tensor part = model.logits(last_two(pairs.sources), inputs, Context::training(Key(3)));
  const Index rows = inputs.layout.rows(), all = whole.logits.size(0);
  BOOST_TEST(distance(part, slice(whole.logits, 0, all - rows, all)) < exact);
}

BOOST_AUTO_TEST_CASE(dropout_is_a_function_of_the_key) {
  const Pairs pairs = some_pairs(3);
  TransformerConfig config = small_config();
  config.dropout = 0.3;
  const Transformer model = small_transformer(config, Key(2));
  const auto logits = [&](Key key) {
    return run(model, pairs, In::packed, Context::training(key)).logits;
  };
  BOOST_TEST(same_bits(logits(Key(3)), logits(Key(3))));
  BOOST_TEST(distance(logits(Key(3)), logits(Key(4))) > 0.1);
}

// Without positions an encoder cannot tell an order; with them it can.
BOOST_AUTO_TEST_CASE(without_positions_the_encoder_permutes_as_its_source_does) {
  for (const TransformerConfig& config : all_configs()) {
    const Transformer model = small_transformer(config, Key(2));
    const Context context = Context::inference();
    const Tensor memory = model.encoder(batch({3, 4, 5, 6}), context);
    const Tensor permuted = model.encoder(batch({5, 3, 6, 4}), context);
    const double off = distance(permuted, gather(memory, ints({2, 0, 3, 1}), 1));
    BOOST_TEST((config.positions == Positions::none ? off < exact : off > 0.01));
  }
}

BOOST_AUTO_TEST_CASE(every_parameter_is_used) {
  const Pairs pairs = some_pairs(3);
  for (const TransformerConfig& config : all_configs()) {
    const Transformer model = small_transformer(config, Key(2));
    const Tensors gradients = run(model, pairs, In::packed, Context::inference()).gradients;
    const std::vector<NamedTensor> named = named_parameters(model);
    for (std::size_t i = 0; i < named.size(); ++i) {
      const double size = distance(gradients[i], zeros(gradients[i].shape(), DType::f64));
      // A bias of all keys adds the same to all scores of a query, which softmax cancels.
      const bool cancels = named[i].name.ends_with("cross_attention.key.bias");
      BOOST_TEST((cancels ? size < exact : size > 1e-4), named[i].name);
    }
    BOOST_TEST(model.encoder.final_norm.has_value() == (config.norm == NormPlacement::pre));
    BOOST_TEST(model.decoder.final_norm.has_value() == (config.norm == NormPlacement::pre));
  }
}

BOOST_AUTO_TEST_CASE(an_empty_source_gives_the_decoder_nothing_to_attend_to) {
  Pairs pairs = some_pairs(3);
  pairs.sources[1].clear();
  for (const TransformerConfig& config : all_configs()) {
    const Transformer model = small_transformer(config, Key(2));
    const Outcome padded = run(model, pairs, In::padded, Context::inference());
    check_same(padded, run(model, pairs, In::packed, Context::inference()));
    const Tensor alone = logits_of(model, {}, pairs.inputs[1]);
    const Sequences inputs = batch(pairs.inputs, In::packed);
    const Tensor together = rows_of(padded.logits, inputs.layout, 1);
    BOOST_TEST(distance(reshape(alone, together.shape()), together) < exact);
  }
}

BOOST_AUTO_TEST_CASE(a_small_one_is_differentiated_correctly) {
  for (const NormPlacement norm : {NormPlacement::post, NormPlacement::pre}) {
    TransformerConfig config = small_config();
    config.source_tokens = config.target_tokens = 5;
    config.width = config.hidden = 4;
    config.encoder_blocks = config.decoder_blocks = 1;
    config.max_length = 4;
    config.positions = Positions::learned;
    config.activation = Activation::gelu;
    config.norm = norm;
    config.dropout = 0.2;
    const Transformer model = small_transformer(config, Key(2));
    const std::vector<Ids> sources = {{3, 4, 4}, {4}}, inputs = {{1, 3}, {1, 4, 3}};
    const auto report = gradcheck(
        [&](const Tensors& weights) {
          const Transformer other = with_parameters(model, weights);
          const Tensor logits = other.logits(batch(sources, In::packed), batch(inputs, In::packed),
                                             Context::training(Key(3)));
          return Tensors{masked_cross_entropy(logits, ints({3, 2, 4, 3, 2}), 0).sum};
        },
        parameters(model), {.names = names_of(model)});
    BOOST_TEST(report);
    BOOST_TEST_MESSAGE("worst relative error of a small Transformer: " << report.worst_error);
  }
}

// ---- Tied embeddings ---------------------------------------------------------------------------

TransformerConfig tied_config(TiedEmbeddings tied) {
  TransformerConfig config = small_config();
  config.source_tokens = config.target_tokens;
  config.tied_embeddings = tied;
  return config;
}

BOOST_AUTO_TEST_CASE(tied_tables_are_counted_and_stored_once) {
  const auto model = [](TiedEmbeddings tied) { return Transformer(tied_config(tied), Key(1)); };
  const Transformer separate = model(TiedEmbeddings::none);
  const Index table = 13 * 8;
  BOOST_TEST(parameter_count(model(TiedEmbeddings::decoder)) == parameter_count(separate) - table);
  const Transformer all = model(TiedEmbeddings::all);
  BOOST_TEST(parameter_count(all) == parameter_count(separate) - 2 * table);

  const Folder folder;
  save_parameters(all, folder / "weights");
  const auto stored = read_safetensors(folder / "weights").tensors;
  BOOST_TEST(stored.contains("encoder.embedding.table"));
  BOOST_TEST(!stored.contains("decoder.embedding.table"));
  BOOST_TEST(!stored.contains("decoder.output.weight"));
  Transformer loaded(tied_config(TiedEmbeddings::all), Key(2));
  load_parameters(loaded, folder / "weights");
  BOOST_TEST(same_bits(logits_of(loaded, {3, 4}, {1, 5}), logits_of(all, {3, 4}, {1, 5})));
  BOOST_TEST(loaded.decoder.output.weight.storage() == loaded.encoder.embedding.table.storage());
}

// Compared with a model that holds the same values in separate tables.
BOOST_AUTO_TEST_CASE(the_gradient_of_a_tied_table_is_the_sum_over_its_uses) {
  const Pairs pairs = some_pairs(4);
  for (const TiedEmbeddings kind : {TiedEmbeddings::decoder, TiedEmbeddings::all}) {
    const Transformer tied = small_transformer(tied_config(kind), Key(2));
    Transformer apart = tied;
    Tensor &source = apart.encoder.embedding.table, &target = apart.decoder.embedding.table,
           &output = apart.decoder.output.weight;
    for (Tensor* const table : {&source, &target, &output}) *table = variable(copy(*table));
    const auto loss = [&](const Transformer& model) {
      const Tensor logits = model.logits(batch(pairs.sources, In::packed),
                                         batch(pairs.inputs, In::packed), Context::inference());
      return masked_cross_entropy(logits, batch(pairs.outputs, In::packed).ids, 0).sum;
    };
    const Tensors parts = grad(loss(apart), {source, target, output});
    const Tensor both = parts[1] + parts[2];
    const Tensor whole = grad(loss(tied), {tied.decoder.output.weight})[0];
    BOOST_TEST(distance(whole, kind == TiedEmbeddings::all ? both + parts[0] : both) < exact);
  }
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_an_error) {
  const Transformer model = small_transformer(small_config(), Key(1));
  BOOST_CHECK_EXCEPTION(
      logits_of(model, {3, 11}, {1}), Error,
      says("embedding: token id 11 (number 1 of ids of shape [1, 2]) is not in a table of 11 "
           "tokens"));
  BOOST_CHECK_EXCEPTION(
      logits_of(model, Ids(17, 3), {1}), Error,
      says("positional encoding: position 16 is beyond the 16 that the model was made for"));
  const std::vector<Ids> two = {{3}, {4}}, one = {{1}};
  BOOST_CHECK_EXCEPTION(
      model.logits(batch(two, In::packed), batch(one, In::packed), Context::inference()), Error,
      says("mask: 1 examples among the queries, 2 among the keys"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

#include "nn/models/recurrent_seq2seq.h"

#include <boost/test/unit_test.hpp>
#include <memory>

#include "autograd/tools/broadcast.h"
#include "nn/checks/properties.h"
#include "nn/decoding/beam_search.h"
#include "nn/decoding/decoding.h"
#include "nn/decoding/generation.h"
#include "nn/training/loss.h"
#include "nn/training/trainer.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

constexpr double exact = 1e-12;
const Context inference = Context::inference();

RecurrentConfig small_recurrent(Cell cell = Cell::gru) {
  return {.source_tokens = 11,
          .target_tokens = 13,
          .cell = cell,
          .embedding = 5,
          .hidden = 6,
          .layers = 2,
          .dropout = 0.3};
}

template <class M>
M small_model(const RecurrentConfig& config) {
  return nn::cast(M(config, Key(2)), DType::f64);
}

// GRU and LSTM with one context, both with attention, and encoders that read in both directions.
std::vector<std::pair<std::string, std::shared_ptr<const EncoderDecoder>>> all_models() {
  std::vector<std::pair<std::string, std::shared_ptr<const EncoderDecoder>>> models;
  for (const Cell cell : {Cell::gru, Cell::lstm}) {
    const RecurrentConfig config = small_recurrent(cell);
    const std::string name = cell == Cell::gru ? "GRU" : "LSTM";
    models.emplace_back(name,
                        std::make_shared<RecurrentSeq2Seq>(small_model<RecurrentSeq2Seq>(config)));
    models.emplace_back(name + " with attention",
                        std::make_shared<BahdanauSeq2Seq>(small_model<BahdanauSeq2Seq>(config)));
    RecurrentConfig both = config;
    both.encoder_directions = Directions::both;
    models.emplace_back(name + " in both directions",
                        std::make_shared<RecurrentSeq2Seq>(small_model<RecurrentSeq2Seq>(both)));
    models.emplace_back(name + " with attention, in both directions",
                        std::make_shared<BahdanauSeq2Seq>(small_model<BahdanauSeq2Seq>(both)));
  }
  return models;
}

struct Pairs {
  std::vector<Ids> sources, inputs, outputs;
};

Pairs some_pairs(std::size_t count) {
  Dice dice(Key(1));
  Pairs pairs{random_sequences(dice, count, 1, 7, 11), random_sequences(dice, count, 0, 6, 13), {}};
  pairs.outputs = pairs.inputs;
  for (Ids& input : pairs.inputs) input.insert(input.begin(), 1);
  for (Ids& output : pairs.outputs) output.push_back(2);
  return pairs;
}

struct Outcome {
  Tensor logits;
  Tensors gradients;
};

Outcome run(const EncoderDecoder& model, const Pairs& pairs, In sources, In targets,
            const Context& context) {
  const Sequences inputs = batch(pairs.inputs, targets);
  const Tensor logits = model.logits(batch(pairs.sources, sources), inputs, context);
  const LossSum loss = masked_cross_entropy(logits, batch(pairs.outputs, targets).ids, 0, 0.1);
  return {real_rows(logits, inputs.layout), grad(loss.sum, parameters(model))};
}

// The logits of one pair as in the book, token by token: [steps, tokens].
template <class ContextOf>
Tensor by_the_book(const RecurrentEncoder& encoder, const RecurrentDecoder& decoder,
                   const Ids& source, const Ids& input, const ContextOf& context_of) {
  States states = encoder.recurrent.begin(1, DType::f64);
  Tensors memory;  // the encoder's last layer at each step: [1, hidden]
  for (const Index token : source)
    memory.push_back(encoder.recurrent.step(encoder.embedding(from<Index>({token}, {1})), states));
  const Tensor outputs = stack(memory, 1);  // [1, steps, hidden]
  Tensors logits;
  for (const Index token : input) {
    const Tensor seen = context_of(outputs, states);  // [1, hidden]
    const Tensor x = concat({decoder.embedding(from<Index>({token}, {1})), seen}, 1);
    logits.push_back(decoder.output(decoder.recurrent.step(x, states)));
  }
  return concat(logits, 0);
}

BOOST_AUTO_TEST_SUITE(recurrent_seq2seq)

// Only attention broadcasts to all pairs, and it declares that.
BOOST_AUTO_TEST_CASE(no_model_broadcasts_by_accident) {
  const Pairs pairs = some_pairs(4);
  const Sequences source = batch(pairs.sources, In::padded),
                  input = batch(pairs.inputs, In::padded);
  auto models = all_models();
  for (const auto& configs : {position_configs(), unusual_blocks()})
    for (const TransformerConfig& config : configs)
      models.emplace_back("Transformer with positions " + positions_of(config),
                          std::make_shared<Transformer>(small_transformer(config, Key(3))));
  for (const auto& [name, model] : models)
    for (const bool composed_form : {false, true}) {
      const FlagGuard guard(&Ambient::composed, composed_form);
      const DetectBroadcast detector;
      const Tensor logits = model->logits(source, input, Context::training(Key(4)));
      BOOST_CHECK_NO_THROW(grad(sum(logits * logits), parameters(*model)));
    }
}

BOOST_AUTO_TEST_CASE(they_have_the_properties_of_an_encoder_decoder) {
  const std::vector<Ids> sources = {{3, 4, 5, 6}, {7, 8}, {9, 10, 3}};
  const std::vector<Ids> targets = {{1, 6}, {1, 9, 8, 7, 11}, {1, 12, 5}};
  const Sequences source = batch(sources, In::padded), target = batch(targets, In::padded);
  for (const auto& [name, model] : all_models()) BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(batch_independence(*model, source, target));
      BOOST_TEST(causality(*model, source, target));
      BOOST_TEST(padding_invariance(*model, source, target));
      BOOST_TEST(cached_decoding(*model, source, target));
    }
}

BOOST_AUTO_TEST_CASE(padded_equals_packed) {
  const Pairs pairs = some_pairs(6);
  for (const auto& [name, model] : all_models()) BOOST_TEST_CONTEXT(name) {
      const auto training = [] { return Context::training(Key(3)); };
      const Outcome packed = run(*model, pairs, In::packed, In::packed, training());
      for (const In sources : {In::padded, In::packed}) {
        const Outcome padded = run(*model, pairs, sources, In::padded, training());
        BOOST_TEST(distance(packed.logits, padded.logits) < exact);
        BOOST_TEST(distance(packed.gradients, padded.gradients) < exact);
      }
      const Outcome certain = run(*model, pairs, In::packed, In::packed, inference);
      BOOST_TEST(distance(packed.logits, certain.logits) > 0.01);  // dropout
    }
}

// A shard computes what the whole batch computes, dropout included.
BOOST_AUTO_TEST_CASE(a_part_of_the_batch_gives_its_part_of_the_logits) {
  const Pairs pairs = some_pairs(5);
  for (const auto& [name, model] : all_models()) BOOST_TEST_CONTEXT(name) {
      const auto logits = [&, &m = *model](std::size_t first, std::size_t count) {
        const auto part = [&](const std::vector<Ids>& of) {
          return Sequences::packed(std::span(of).subspan(first, count))
              .placed(static_cast<Index>(first));
        };
        return m.logits(part(pairs.sources), part(pairs.inputs), Context::training(Key(4)));
      };
      BOOST_TEST(distance(concat({logits(0, 2), logits(2, 3)}, 0), logits(0, 5)) < exact);
    }
}

BOOST_AUTO_TEST_CASE(one_context_is_the_last_state_of_the_encoder) {
  const Pairs pairs = some_pairs(4);
  for (const Cell cell : {Cell::gru, Cell::lstm}) {
    const auto model = small_model<RecurrentSeq2Seq>(small_recurrent(cell));
    const Sequences inputs = batch(pairs.inputs, In::padded);
    const Tensor logits = model.logits(batch(pairs.sources, In::padded), inputs, inference);
    for (std::size_t i = 0; i < 4; ++i) {
      const auto last = [](const Tensor& outputs, const States&) {
        return reshape(slice(outputs, 1, outputs.size(1) - 1, outputs.size(1)), {1, 6});
      };
      const Tensor expected =
          by_the_book(model.encoder, model.decoder, pairs.sources[i], pairs.inputs[i], last);
      BOOST_TEST(distance(rows_of(logits, inputs.layout, static_cast<Index>(i)), expected) < exact);
    }
  }
}

BOOST_AUTO_TEST_CASE(attention_computes_a_context_for_each_step) {
  const Pairs pairs = some_pairs(4);
  for (const Cell cell : {Cell::gru, Cell::lstm}) {
    const auto model = small_model<BahdanauSeq2Seq>(small_recurrent(cell));
    const Sequences inputs = batch(pairs.inputs, In::padded);
    const Tensor logits = model.logits(batch(pairs.sources, In::padded), inputs, inference);
    for (std::size_t i = 0; i < 4; ++i) {
      const auto attended = [&](const Tensor& outputs, const States& states) {
        const Tensor query = reshape(states.back().hidden, {1, 1, 6});
        const Mask mask = Mask::full(1, 1, outputs.size(1));
        return reshape(
            model.attention(query, outputs, outputs, mask, Layout::full(1, 1), inference), {1, 6});
      };
      const Tensor expected =
          by_the_book(model.encoder, model.decoder, pairs.sources[i], pairs.inputs[i], attended);
      BOOST_TEST(distance(rows_of(logits, inputs.layout, static_cast<Index>(i)), expected) < exact);
    }
  }
}

BOOST_AUTO_TEST_CASE(weights_add_up_to_one_over_the_source) {
  const Pairs pairs = some_pairs(4);
  const auto model = small_model<BahdanauSeq2Seq>(small_recurrent());
  const Sequences source = batch(pairs.sources, In::packed),
                  input = batch(pairs.inputs, In::packed);
  const AttentionWeights all = attention_weights(model, source, input);
  BOOST_TEST_REQUIRE(all.size() == 1u);
  const Grid weights(all.at("attention"));
  BOOST_TEST((weights.shape == Shape{4, 1, input.layout.steps(), source.layout.steps()}));
  for (Index b = 0; b < 4; ++b)
    for (Index t = 0; t < input.layout.steps(); ++t) {
      double total = 0;
      for (Index s = 0; s < source.layout.steps(); ++s) {
        const bool real = t < input.layout.length(b) && s < source.layout.length(b);
        BOOST_TEST((weights[{b, 0, t, s}] > 0) == real);
        total += weights[{b, 0, t, s}];
      }
      BOOST_TEST(std::abs(total - (t < input.layout.length(b) ? 1 : 0)) < exact);
    }
}

BOOST_AUTO_TEST_CASE(a_model_without_attention_has_no_weights) {
  const Pairs pairs = some_pairs(4);
  const auto model = small_model<RecurrentSeq2Seq>(small_recurrent());
  BOOST_TEST(
      attention_weights(model, batch(pairs.sources, In::packed), batch(pairs.inputs, In::packed))
          .empty());
}

BOOST_AUTO_TEST_CASE(greedy_with_states_equals_greedy_without) {
  const Pairs pairs = some_pairs(6);
  for (const auto& [name, model] : all_models()) BOOST_TEST_CONTEXT(name) {
      const DecodingOptions options{.max_length = 9};
      const std::vector<Ids> fast = greedy(*model, pairs.sources, options);
      BOOST_TEST((fast == greedy(WithoutCache(*model), pairs.sources, options)));
      BOOST_TEST(std::ranges::any_of(fast, [](const Ids& ids) { return ids.size() > 1; }));
    }
}

// A beam keeps some rows, drops others and repeats some.
BOOST_AUTO_TEST_CASE(a_beam_with_states_equals_a_beam_without) {
  const Pairs pairs = some_pairs(12);
  const DecodingOptions options{.max_length = 6};
  const BeamOptions beam{.width = 3, .best = 3};
  for (const auto& [name, model] : all_models()) BOOST_TEST_CONTEXT(name) {
      const auto with = beam_search(*model, pairs.sources, beam, options);
      const auto without = beam_search(WithoutCache(*model), pairs.sources, beam, options);
      BOOST_TEST_REQUIRE(with.size() == without.size());
      for (std::size_t i = 0; i < with.size(); ++i) {
        BOOST_TEST_REQUIRE(with[i].size() == without[i].size());
        for (std::size_t rank = 0; rank < with[i].size(); ++rank) {
          BOOST_TEST((with[i][rank].ids == without[i][rank].ids));
          BOOST_TEST(std::abs(with[i][rank].score - without[i][rank].score) < exact);
        }
      }
    }
}

BOOST_AUTO_TEST_CASE(sequences_may_be_empty) {
  const std::vector<Ids> sources = {{}, {3, 4}}, inputs = {{1, 5}, {}}, nothing = {{}, {}};
  for (const auto& [name, model] : all_models()) BOOST_TEST_CONTEXT(name) {
      for (const In in : {In::padded, In::packed}) {
        const auto shape = [&, &m = *model](const std::vector<Ids>& from,
                                            const std::vector<Ids>& to) {
          const Tensor logits = m.logits(batch(from, in), batch(to, in), inference);
          for (const double value : numbers(logits)) BOOST_TEST(std::isfinite(value));
          return logits.shape();
        };
        const bool packed = in == In::packed;
        BOOST_TEST((shape(sources, inputs) == (packed ? Shape{2, 13} : Shape{2, 2, 13})));
        BOOST_TEST((shape(nothing, inputs) == (packed ? Shape{2, 13} : Shape{2, 2, 13})));
        BOOST_TEST((shape(sources, nothing) == (packed ? Shape{0, 13} : Shape{2, 0, 13})));
      }
    }
}

BOOST_AUTO_TEST_CASE(they_memorise_a_few_pairs) {
  const Pairs pairs = some_pairs(8);
  std::vector<Ids> targets = pairs.inputs;
  for (Ids& target : targets) target.push_back(2);
  RecurrentConfig config = small_recurrent();
  config.embedding = config.hidden = 24;
  config.dropout = 0;
  const RecurrentSeq2Seq one_context(config, Key(5));
  const BahdanauSeq2Seq attention(config, Key(5));
  for (const EncoderDecoder* model : {static_cast<const EncoderDecoder*>(&one_context),
                                      static_cast<const EncoderDecoder*>(&attention)}) {
    Adam adam(parameters(*model), {.learning_rate = 0.01});
    Trainer trainer(*model, adam);
    const double before = trainer.evaluate(pairs.sources, targets).loss;
    for (int step = 0; step < 80; ++step) trainer.step(pairs.sources, targets);
    BOOST_TEST(trainer.evaluate(pairs.sources, targets).loss < before / 20);
  }
}

BOOST_AUTO_TEST_CASE(wrong_use_is_an_error) {
  RecurrentConfig config = small_recurrent();
  const RecurrentSeq2Seq model(config, Key(1));
  const std::vector<Ids> two = {{3}, {4}}, three = {{3}, {4}, {5}};
  BOOST_CHECK_EXCEPTION(model.logits(batch(two, In::packed), batch(three, In::packed), inference),
                        Error, says("recurrent: 2 sources for 3 targets"));
  const auto decoding = model.decode(batch(two, In::packed), 1);
  BOOST_CHECK_EXCEPTION(decoding->step(ints({1, 1, 1})), Error,
                        says("decoding: ids [3] for 2 sequences"));
  decoding->step(ints({1, 1}));
  BOOST_CHECK_EXCEPTION(decoding->step(ints({1, 1})), Error, says("decoding: step 1 of 1"));
  BOOST_CHECK_EXCEPTION(decoding->select(std::vector<Index>{0, 2}), Error,
                        says("decoding: row 2 of a batch of 2"));
  config.embedding = 0;
  BOOST_CHECK_EXCEPTION(RecurrentSeq2Seq(config, Key(1)), Error,
                        says("recurrent: the embedding must have at least 1 feature, has 0"));
  config.source_tokens = 0;
  BOOST_CHECK_EXCEPTION(BahdanauSeq2Seq(config, Key(1)), Error,
                        says("recurrent: the vocabularies are empty"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

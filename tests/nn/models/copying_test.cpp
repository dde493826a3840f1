// Models with a pointer.
#include <boost/test/unit_test.hpp>
#include <memory>

#include "autograd/tools/broadcast.h"
#include "nn/checks/properties.h"
#include "nn/decoding/beam_search.h"
#include "nn/decoding/generation.h"
#include "nn/decoding/scoring.h"
#include "nn/models/model_size.h"
#include "nn/models/recurrent_seq2seq.h"
#include "nn/training/trainer.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

constexpr Index source_tokens = 11, target_tokens = 13, beyond = 3;

TransformerConfig transformer_config() {
  TransformerConfig config = small_config();
  config.ids_beyond = beyond;
  return config;
}

RecurrentConfig recurrent_config(Cell cell) {
  return {.source_tokens = source_tokens,
          .target_tokens = target_tokens,
          .cell = cell,
          .embedding = 5,
          .hidden = 6,
          .dropout = 0.3,
          .ids_beyond = beyond};
}

using AnyModel = std::shared_ptr<const EncoderDecoder>;

template <class M>
AnyModel shaken(M model) {
  shake(model, Key(3), 0.5);
  return std::make_shared<M>(std::move(model));
}

std::vector<std::pair<std::string, AnyModel>> all_models() {
  std::vector<std::pair<std::string, AnyModel>> models;
  for (const Positions positions :
       {Positions::sinusoidal, Positions::rotary, Positions::convolutional}) {
    TransformerConfig config = transformer_config();
    config.positions = positions;
    config.norm = positions == Positions::rotary ? NormPlacement::pre : NormPlacement::post;
    config.decoder_width = positions == Positions::rotary ? 12 : 0;
    models.emplace_back("Transformer, " + name_of(positions),
                        shaken(small_transformer(config, Key(1))));
  }
  for (const Cell cell : {Cell::gru, Cell::lstm})
    models.emplace_back(
        cell == Cell::gru ? "GRU" : "LSTM",
        shaken(nn::cast(BahdanauSeq2Seq(recurrent_config(cell), Key(1)), DType::f64)));
  return models;
}

Index token(Index reads, Index writes) { return copyable(reads, writes, source_tokens); }

// Unknown words read as 3. The first source has the words 13, 14 and 13 again.
const std::vector<Ids> sources = {{token(3, 13), token(4, 7), token(3, 14), token(3, 13), 2},
                                  {token(3, 13), 2},
                                  {token(5, 8), token(6, 8), token(9, 15), 2}};
const std::vector<Ids> targets = {{1, 13, 6, 14}, {1, 13, 8, 13, 4}, {1, 8, 15}};

BOOST_AUTO_TEST_SUITE(copying_models)

BOOST_AUTO_TEST_CASE(they_have_the_properties_of_an_encoder_decoder) {
  const Sequences source = batch(sources, In::padded), target = batch(targets, In::padded);
  for (const auto& [name, model] : all_models()) BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(batch_independence(*model, source, target));
      BOOST_TEST(causality(*model, source, target));
      BOOST_TEST(padding_invariance(*model, source, target));
      BOOST_TEST(cached_decoding(*model, source, target));
    }
}

BOOST_AUTO_TEST_CASE(no_model_broadcasts_by_accident) {
  const Sequences source = batch(sources, In::padded), target = batch(targets, In::padded);
  for (const auto& [name, model] : all_models()) {
    const DetectBroadcast detector;
    const Tensor log_p = model->logits(source, target, Context::training(Key(4)));
    BOOST_CHECK_NO_THROW(grad(sum(slice(log_p, 2, 0, target_tokens)), parameters(*model)));
  }
}

BOOST_AUTO_TEST_CASE(padded_equals_packed) {
  for (const auto& [name, model] : all_models()) BOOST_TEST_CONTEXT(name) {
      const auto result = [&](In source, In target) {
        const Sequences to = batch(targets, target);
        const Tensor log_p = model->logits(batch(sources, source), to, Context::training(Key(5)));
        return exp(real_rows(log_p, to.layout));
      };
      const Tensor packed = result(In::packed, In::packed);
      BOOST_TEST(distance(packed, result(In::padded, In::padded)) < 1e-14);
      BOOST_TEST(distance(packed, result(In::padded, In::packed)) < 1e-14);
    }
}

BOOST_AUTO_TEST_CASE(searches_with_the_cache_equal_those_without) {
  std::vector<Ids> many;
  for (int i = 0; i < 12; ++i) many.push_back(sources[static_cast<std::size_t>(i) % 3]);
  const DecodingOptions options{.max_length = 7};
  for (const auto& [name, model] : all_models()) BOOST_TEST_CONTEXT(name) {
      const WithoutCache slow(*model);
      BOOST_TEST(greedy(*model, many, options) == greedy(slow, many, options));
      const auto fast = beam_search(*model, many, {.width = 3, .best = 2}, options);
      const auto expected = beam_search(slow, many, {.width = 3, .best = 2}, options);
      bool copied = false;
      for (std::size_t i = 0; i < many.size(); ++i)
        for (std::size_t k = 0; k < expected[i].size(); ++k) {
          BOOST_TEST(fast[i][k].ids == expected[i][k].ids);
          copied |=
              std::ranges::any_of(fast[i][k].ids, [](Index id) { return id >= target_tokens; });
        }
      BOOST_TEST(copied);
      const SamplingOptions sampling{.key = Key(6)};
      const auto drawn = sample(*model, many, sampling, options);
      const auto again = sample(slow, many, sampling, options);
      for (std::size_t i = 0; i < many.size(); ++i) {
        BOOST_TEST(drawn[i].ids == again[i].ids);
        const Ids& source = many[i];
        for (const Index id : drawn[i].ids)  // what this source has
          if (id >= target_tokens)
            BOOST_TEST(std::ranges::count(source, token(3, id)) +
                           std::ranges::count(source, token(9, id)) >
                       0);
      }
    }
}

BOOST_AUTO_TEST_CASE(scores_are_the_probabilities_of_the_search) {
  for (const auto& [name, model] : all_models()) BOOST_TEST_CONTEXT(name) {
      const std::vector<Hypothesis> found = greedy_hypotheses(*model, sources, {.max_length = 6});
      std::vector<Ids> given;
      for (const Hypothesis& hypothesis : found) given.push_back(hypothesis.ids);
      const DecodingOptions options{.end = none};
      const std::vector<PairScore> scores = score(*model, sources, given, options);
      for (std::size_t i = 0; i < found.size(); ++i)
        if (!found[i].ended)
          BOOST_TEST(scores[i].log_probability() == found[i].log_probability,
                     boost::test_tools::tolerance(1e-12));
    }
}

// A shard sees its part of the batch, and the trainer sees all parameters.
BOOST_AUTO_TEST_CASE(training_lowers_the_loss) {
  std::vector<Ids> framed_targets = targets;
  for (Ids& target : framed_targets) target.push_back(2);
  for (const auto& [name, model] : all_models()) BOOST_TEST_CONTEXT(name) {
      const auto optimizer = make_optimizer("adam", parameters(*model), {.learning_rate = 0.02});
      Trainer trainer(*model, *optimizer, {.shards = 2});
      const double before = trainer.evaluate(sources, framed_targets).loss;
      for (int i = 0; i < 20; ++i) trainer.step(sources, framed_targets);
      BOOST_TEST(trainer.evaluate(sources, framed_targets).loss < 0.7 * before);
    }
}

BOOST_AUTO_TEST_CASE(the_size_counts_the_pointer) {
  TransformerConfig config = transformer_config();
  config.decoder_width = 12;
  BOOST_TEST(size_of(config).parameters ==
             static_cast<double>(parameter_count(Transformer(config, Key(1)))));
  const RecurrentConfig recurrent = recurrent_config(Cell::gru);
  BOOST_TEST(size_of(recurrent, true).parameters ==
             static_cast<double>(parameter_count(BahdanauSeq2Seq(recurrent, Key(1)))));
}

// The pointer comes last and draws from a key of its own.
BOOST_AUTO_TEST_CASE(the_other_weights_begin_as_without_it) {
  TransformerConfig plain = transformer_config();
  plain.ids_beyond = 0;
  const Tensors with = parameters(Transformer(transformer_config(), Key(1)));
  const Tensors without = parameters(Transformer(plain, Key(1)));
  BOOST_TEST(with.size() == without.size() + 4);
  BOOST_TEST(same_bits({with.begin(), with.end() - 4}, without));
}

BOOST_AUTO_TEST_CASE(attention_to_the_source_can_be_watched) {
  for (const auto& [name, model] : all_models()) {
    const AttentionWeights all =
        attention_weights(*model, batch(sources, In::padded), batch(targets, In::padded));
    BOOST_REQUIRE(all.contains("pointer"));
    const Tensor& weights = all.at("pointer");
    BOOST_TEST(weights.shape() == Shape({3, 1, 5, 5}));
    BOOST_TEST(weights.at({1, 0, 0, 0}) == 1);  // the only word of this source
    BOOST_TEST(weights.at({0, 0, 0, 4}) == 0);  // its end
  }
}

BOOST_AUTO_TEST_CASE(errors) {
  const AnyModel model = all_models().front().second;
  const std::vector<Ids> bad = {{token(3, 16)}}, target = {{1}};
  BOOST_CHECK_EXCEPTION(
      model->logits(batch(bad, In::padded), batch(target, In::padded), Context::inference()), Error,
      says("copying: source token 190 writes 16, but the model writes ids below 16"));
  BOOST_CHECK_EXCEPTION(RecurrentSeq2Seq(recurrent_config(Cell::gru), Key(1)), Error,
                        says("recurrent: copying needs a model with attention"));
  TransformerConfig config = transformer_config();
  config.unknown = 13;
  BOOST_CHECK_EXCEPTION(config.check(), Error,
                        says("transformer: unknown 13 is not one of 13 target tokens"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

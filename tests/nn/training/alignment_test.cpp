#include "nn/training/alignment.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "nn/checks/gradcheck.h"
#include "nn/models/recurrent_seq2seq.h"
#include "nn/training/trainer.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

const std::string last_layer = "decoder.blocks.1.cross_attention";

// Strings and the same back to front, with their true links.
struct Reversed {
  std::vector<Ids> sources, targets;
  std::vector<Links> links;
};

Reversed reversed(std::size_t count, Key key, Index shortest = 1, Index longest = 7) {
  Dice dice(key);
  Reversed batch{random_sequences(dice, count, shortest, longest, 11), {}, {}};
  std::vector<Ids> targets;
  for (const Ids& source : batch.sources) {
    targets.emplace_back(source.rbegin(), source.rend());
    Links& links = batch.links.emplace_back();
    for (Index i = 0; i < std::ssize(source); ++i)
      links.emplace_back(std::ssize(source) - 1 - i, i);
  }
  batch.targets = framed(targets);
  return batch;
}

GuidedHead guided(double weight, std::string layer = last_layer) {
  return {{std::move(layer), 1}, weight};
}

// The share of linked target tokens that attend most to a token that they are not linked to.
double alignment_errors(const EncoderDecoder& model, const Reversed& batch,
                        const GuidedHead& guide) {
  std::vector<Ids> inputs;
  for (const Ids& target : batch.targets) inputs.emplace_back(target.begin(), target.end() - 1);
  const Tensor all =
      attention_weights(model, Sequences::packed(batch.sources), Sequences::packed(inputs))
          .at(guide.layer);
  const Tensor most = argmax(all);  // [examples, heads, queries]
  double wrong = 0, tokens = 0;
  for (std::size_t example = 0; example < batch.links.size(); ++example)
    for (const auto& [source, target] : batch.links[example]) {
      ++tokens;
      wrong +=
          most.at({static_cast<Index>(example), guide.head, target}) != static_cast<double>(source);
    }
  return wrong / tokens;
}

BOOST_AUTO_TEST_SUITE(guided_alignment)

BOOST_AUTO_TEST_CASE(a_sum_over_the_target_tokens_that_have_links) {
  const Tensor weights = softmax(normal({2, 2, 3, 4}, 0, 1, Key(1), DType::f64));
  const std::vector<Links> links = {{{0, 0}, {3, 2}, {1, 2}, {3, 2}}, {}};
  for (const DType dtype : {DType::f64, DType::f32}) {
    const LossSum loss = alignment_loss(cast(weights, dtype), 1, links);
    const double expected =
        -std::log(weights.at({0, 1, 0, 0})) -
        (std::log(weights.at({0, 1, 2, 3})) + std::log(weights.at({0, 1, 2, 1}))) / 2;
    BOOST_TEST(loss.sum.item() == expected, boost::test_tools::tolerance(1e-6));
    BOOST_TEST(loss.count == 2);
    BOOST_TEST(loss.sum.dtype() == dtype);
  }
  const LossSum nothing = alignment_loss(weights, 0, std::vector<Links>(2));
  BOOST_TEST(nothing.sum.item() == 0);
  BOOST_TEST(nothing.count == 0);
}

BOOST_AUTO_TEST_CASE(a_weight_of_0_has_a_finite_loss) {
  const LossSum loss = alignment_loss(zeros({1, 1, 1, 1}), 0, std::vector<Links>{{{0, 0}}});
  BOOST_TEST(std::isfinite(loss.sum.item()));
}

BOOST_AUTO_TEST_CASE(a_link_or_head_that_is_not_there_is_an_error) {
  const Tensor weights = ones({1, 2, 3, 4});
  const std::vector<Links> outside = {{{4, 0}}}, none = {{}};
  BOOST_CHECK_EXCEPTION(
      alignment_loss(weights, 0, outside), Error,
      says("alignment: link 4-0 in a batch with up to 4 source and 3 target tokens"));
  BOOST_CHECK_EXCEPTION(alignment_loss(weights, 2, none), Error,
                        says("alignment: there is no head 2 among 2"));
  BOOST_CHECK_EXCEPTION(alignment_loss(weights, 0, std::vector<Links>(3)), Error,
                        says("alignment: 3 alignments for 1 examples"));
}

// With respect to all parameters, through heads of each kind.
BOOST_AUTO_TEST_CASE(its_gradient_is_right) {
  const Reversed batch = reversed(2, Key(2), 1, 2);
  const auto check = [&](const auto& model, const std::string& layer, In layout) {
    const auto loss = [&](const auto& m, const Tensors&) {
      AttentionWeights seen;
      m.logits(testing::batch(batch.sources, layout), testing::batch(batch.targets, layout),
               Context::inference().watching(seen, layer));
      BOOST_TEST_REQUIRE(seen.size() == 1U);
      return alignment_loss(seen.at(layer), 0, batch.links).sum;
    };
    // Along random directions, which all elements take part in.
    BOOST_TEST(
        nn::gradcheck(model, loss, {},
                      {.elements_up_to = 0, .cotangents = 1, .projections = 2, .coordinates = 2}));
  };
  TransformerConfig config = small_config();
  config.width = config.hidden = 4;
  config.encoder_blocks = config.decoder_blocks = 1;
  for (const Score score : {Score::dot_product, Score::bilinear, Score::additive}) {
    config.score = score;
    check(small_transformer(config, Key(3)), "decoder.blocks.0.cross_attention",
          score == Score::dot_product ? In::packed : In::padded);
  }
  check(BahdanauSeq2Seq({.source_tokens = 11, .target_tokens = 13, .embedding = 4, .hidden = 4},
                        Key(4)),
        "attention", In::packed);
}

// However a batch is cut and laid out, also where blocks are recomputed.
BOOST_AUTO_TEST_CASE(shards_and_micro_batches_give_the_gradient_of_the_whole_batch) {
  const Reversed batch = reversed(9, Key(5));
  TransformerConfig config = small_config();
  config.dropout = 0.2;
  const auto stepped = [&](TrainerOptions options, bool recomputed = false) {
    config.recomputed = recomputed;
    const Transformer model = small_transformer(config, Key(1));
    Sgd sgd(parameters(model), 0.1);
    options.guided = guided(0.5);
    options.key = Key(7);
    const StepResult result =
        Trainer(model, sgd, options).step(batch.sources, batch.targets, batch.links);
    return std::pair(parameters(model), result);
  };
  const auto [whole, at_once] = stepped({.shards = 1});
  Index linked = 0;
  for (const Links& links : batch.links) linked += std::ssize(links);
  BOOST_TEST(at_once.aligned == linked);
  for (const auto& [parameters, result] :
       {stepped({.shards = 3}), stepped({.shards = 2, .micro_batches = 3}),
        stepped({.shards = 2, .packed = false}), stepped({.shards = 1}, true)}) {
    BOOST_TEST(distance(parameters, whole) < 1e-13);
    BOOST_TEST(result.loss == at_once.loss, boost::test_tools::tolerance(1e-13));
    BOOST_TEST(result.alignment_loss == at_once.alignment_loss,
               boost::test_tools::tolerance(1e-13));
    BOOST_TEST(result.aligned == linked);
  }
}

BOOST_AUTO_TEST_CASE(the_objective_is_the_cross_entropy_and_a_part_of_the_alignments) {
  const Reversed batch = reversed(5, Key(5));
  const Transformer model = small_transformer(small_config(), Key(1));
  Sgd sgd(parameters(model), 0.1);
  Trainer trainer(model, sgd, {.guided = guided(0.25)});
  const double both = trainer.next_loss(model, batch.sources, batch.targets, batch.links).item();
  const double plain = trainer.next_loss(model, batch.sources, batch.targets).item();
  const StepResult result = trainer.step(batch.sources, batch.targets, batch.links);
  BOOST_TEST(result.loss == plain, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(both - plain == 0.25 * result.alignment_loss * static_cast<double>(result.aligned) /
                                 static_cast<double>(result.tokens),
             boost::test_tools::tolerance(1e-10));
}

BOOST_AUTO_TEST_CASE(without_links_a_step_is_that_of_a_plain_trainer) {
  const Reversed batch = reversed(5, Key(5));
  const auto stepped = [&](const TrainerOptions& options, std::span<const Links> links) {
    const Transformer model(small_config(), Key(1));
    Adam adam(parameters(model));
    Trainer(model, adam, options).step(batch.sources, batch.targets, links);
    return parameters(model);
  };
  const Tensors plain = stepped({}, {});
  const std::vector<Links> empty(5);
  BOOST_TEST(same_bits(stepped({.guided = guided(0.5)}, {}), plain));
  BOOST_TEST(same_bits(stepped({.guided = guided(0.5)}, empty), plain));
  BOOST_TEST(!same_bits(stepped({.guided = guided(0.5)}, batch.links), plain));
}

BOOST_AUTO_TEST_CASE(a_guided_head_learns_the_alignment) {
  TransformerConfig config = small_config();
  config.encoder_blocks = config.decoder_blocks = 1;
  const auto errors = [&](const auto& model, const GuidedHead& guide, bool uses_links) {
    Adam adam(parameters(model), {.learning_rate = 0.02});
    Trainer trainer(model, adam, {.guided = guide});
    for (std::uint64_t step = 0; step < 40; ++step) {
      const Reversed batch = reversed(16, Key(100 + step), 3, 3);
      trainer.step(batch.sources, batch.targets,
                   uses_links ? std::span<const Links>(batch.links) : std::span<const Links>());
    }
    return alignment_errors(model, reversed(50, Key(6), 3, 3), guide);
  };
  const GuidedHead guide = guided(1, "decoder.blocks.0.cross_attention");
  const double with = errors(Transformer(config, Key(1)), guide, true),
               without = errors(Transformer(config, Key(1)), guide, false);
  BOOST_TEST(with < 0.3, "with links: " << with);
  BOOST_TEST(without > 0.4, "without: " << without);
  BOOST_TEST_MESSAGE("alignment errors: " << with << " with links, " << without << " without");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_guided_is_an_error) {
  const Reversed batch = reversed(2, Key(5));
  const Transformer model(small_config(), Key(1));
  Adam adam(parameters(model));
  const auto step = [&](const GuidedHead& guide) {
    Trainer(model, adam, {.guided = guide}).step(batch.sources, batch.targets, batch.links);
  };
  BOOST_CHECK_EXCEPTION(step(guided(0.5, "attention")), Error,
                        says("trainer: the model has no attention layer 'attention'"));
  BOOST_CHECK_EXCEPTION(step(guided(0.5, "decoder")), Error,
                        says("trainer: the model has no attention layer 'decoder'"));
  for (const GuidedHead& guide : {guided(0), guided(0.5, ""), GuidedHead{{last_layer}, 0.5}})
    BOOST_CHECK_EXCEPTION(
        step(guide), Error,
        says("trainer: alignments have no effect without a guided head and its weight"));
  Trainer trainer(model, adam, {.guided = guided(0.5)});
  BOOST_CHECK_EXCEPTION(trainer.step(batch.sources, batch.targets, std::span(batch.links).first(1)),
                        Error, says("trainer: 1 alignments for 2 sources"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

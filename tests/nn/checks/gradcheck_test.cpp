#include "nn/checks/gradcheck.h"

#include <boost/test/unit_test.hpp>

#include "nn/models/transformer.h"
#include "nn/training/loss.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using namespace adjoint::nn;

const Context inference = Context::inference();

// The module with all parameters moved away from their initial zeros and ones.
template <class M>
M shaken(M module) {
  shake(module, Key(99), 0.3);
  return module;
}

bool has_failure_at(const GradcheckReport& report, const std::string& path) {
  for (const Finding& finding : report.findings)
    if (finding.failed() && finding.where.starts_with(path)) return true;
  return false;
}

TransformerConfig tiny_config() {
  TransformerConfig config = small_config();
  config.source_tokens = config.target_tokens = 5;
  config.width = config.hidden = 4;
  config.encoder_blocks = config.decoder_blocks = 1;
  config.max_length = 4;
  config.activation = Activation::gelu;
  return config;
}

// ---- Modules that are wrong ---------------------------------------------------------------------

// x · gain, whose gradient is cut off.
struct Detached : Module {
  Tensor gain = constant_weight({3}, 2);
  void fields(Fields& visit) override { visit("gain", gain); }
  Tensor operator()(const Tensor& x) const { return x * detach(gain); }
};

struct Outer : Module {
  Linear first;
  std::vector<Detached> blocks = std::vector<Detached>(2);
  explicit Outer(Key key) : first(2, 3, key) {
    for (Detached& block : blocks) block.gain = constant_weight({3}, 2);  // each its own
  }
  void fields(Fields& visit) override { visit("first", first)("blocks", blocks); }
};

// One table for input and output.
struct Tied : Module {
  Tensor in = normal_weight({4, 3}, 1, Key(1)), out = in;
  void fields(Fields& visit) override { visit("in", in)("out", out); }
  Tensor operator()(const Tensor& ids) const { return matmul(embedding(ids, in), transpose(out)); }
};

BOOST_AUTO_TEST_SUITE(nn_gradcheck)

using adjoint::nn::gradcheck;  // not the engine's

// ---- Every layer --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(linear_layers) {
  Dice dice(Key(1));
  for (const Bias bias : {Bias::no, Bias::yes})
    BOOST_TEST(gradcheck(shaken(Linear(3, 2, dice.key(), bias)),
                         [](const Linear& m, const Tensors& in) { return m(in[0]); },
                         {dice.tensor({2, 3})}, {.order = 2}));
}

BOOST_AUTO_TEST_CASE(embeddings) {
  Dice dice(Key(2));
  for (const Scaled scaled : {Scaled::no, Scaled::yes})
    BOOST_TEST(gradcheck(Embedding(4, 3, dice.key(), scaled),
                         [](const Embedding& m, const Tensors& in) { return m(in[0]); },
                         {ints({{1, 3}, {1, 0}})}, {.order = 2}));
}

BOOST_AUTO_TEST_CASE(layer_norms) {
  Dice dice(Key(3));
  BOOST_TEST(gradcheck(shaken(LayerNorm(4)),
                       [](const LayerNorm& m, const Tensors& in) { return m(in[0]); },
                       {dice.tensor({2, 4})}, {.order = 2}));
}

BOOST_AUTO_TEST_CASE(rms_norms) {
  Dice dice(Key(3));
  BOOST_TEST(gradcheck(shaken(RmsNorm(4)),
                       [](const RmsNorm& m, const Tensors& in) { return m(in[0]); },
                       {dice.tensor({2, 4})}, {.order = 2}));
}

BOOST_AUTO_TEST_CASE(residual_connections) {
  Dice dice(Key(4));
  const Layout layout = Layout::full(1, 2);
  for (const Normalization kind : {Normalization::layer, Normalization::rms})
    for (const NormPlacement where : {NormPlacement::post, NormPlacement::pre})
      BOOST_TEST(gradcheck(shaken(AddNorm(4, where, 0.3, kind)),
                           [&](const AddNorm& m, const Tensors& in) {
                             return m(in[0], layout, Context::training(Key(5)),
                                      [](const Tensor& x) { return tanh(x) * x; });
                           },
                           {dice.tensor({1, 2, 4})}, {.order = 2}));
}

BOOST_AUTO_TEST_CASE(feed_forward_networks) {
  Dice dice(Key(5));
  using enum Activation;
  for (const Activation activation : {Activation::relu, Activation::gelu, glu, geglu, swiglu})
    BOOST_TEST(
        gradcheck(shaken(FeedForward(3, 4, activation, dice.key())),
                  [](const FeedForward& m, const Tensors& in) { return m(in[0], inference); },
                  {dice.tensor({2, 3})}, {.order = 2}));
}

BOOST_AUTO_TEST_CASE(additive_attention) {
  Dice dice(Key(6));
  const Mask mask = Mask::full(2, 2, 3).with_lengths(ints({2, 3}));
  BOOST_TEST(gradcheck(shaken(AdditiveAttention(2, 3, 2, 0.3, dice.key())),
                       [&](const AdditiveAttention& m, const Tensors& in) {
                         return m(in[0], in[1], in[2], mask, Layout::full(2, 2),
                                  Context::training(Key(7)));
                       },
                       {dice.tensor({2, 2, 2}), dice.tensor({2, 3, 3}), dice.tensor({2, 3, 2})}));
}

BOOST_AUTO_TEST_CASE(multi_head_attention) {
  Dice dice(Key(7));
  const Layout layout = Layout::padded({2, 3}, 3);
  const Mask mask = Mask(layout, layout).causal();
  for (const Bias bias : {Bias::no, Bias::yes})
    BOOST_TEST(gradcheck(shaken(MultiHeadAttention(4, 2, 0.3, dice.key(), {.bias = bias})),
                         [&](const MultiHeadAttention& m, const Tensors& in) {
                           return m(in[0], in[0], in[0], mask, Context::training(Key(8)));
                         },
                         {dice.tensor({2, 3, 4})}));
}

BOOST_AUTO_TEST_CASE(multi_head_attention_with_other_scores) {
  Dice dice(Key(7));
  const Layout layout = Layout::packed({2, 3});
  const Mask mask = Mask(layout, layout).causal();
  for (const Score score : {Score::dot_product, Score::bilinear, Score::additive})
    BOOST_TEST(gradcheck(shaken(MultiHeadAttention(4, 2, 0.3, dice.key(), {.score = score})),
                         [&](const MultiHeadAttention& m, const Tensors& in) {
                           return m(in[0], in[0], in[0], mask, Context::training(Key(8)));
                         },
                         {dice.tensor({5, 4})}, {.order = 2}));
}

BOOST_AUTO_TEST_CASE(attention_weights) {
  Dice dice(Key(8));
  BOOST_TEST(gradcheck(MultiHeadAttention(4, 2, 0, dice.key()),
                       [](const MultiHeadAttention& m, const Tensors& in) {
                         return m.weights(in[0], in[1], Mask::full(1, 2, 2));
                       },
                       {dice.tensor({1, 2, 4}), dice.tensor({1, 2, 4})}));
}

BOOST_AUTO_TEST_CASE(positional_encodings) {
  Dice dice(Key(9));
  const Layout layout = Layout::packed({1, 3});
  for (const Positions kind : all_positions)
    BOOST_TEST(gradcheck(PositionalEncoding(kind, 3, 4, 0.3, dice.key()),
                         [&](const PositionalEncoding& m, const Tensors& in) {
                           return m(in[0], layout, Context::training(Key(10)));
                         },
                         {dice.tensor({4, 4})}, {.order = 2}));
}

BOOST_AUTO_TEST_CASE(encoder_blocks) {
  Dice dice(Key(10));
  const Layout layout = Layout::packed({1, 2});
  BOOST_TEST(gradcheck(shaken(EncoderBlock(tiny_config(), dice.key())),
                       [&](const EncoderBlock& m, const Tensors& in) {
                         return m(in[0], Mask(layout, layout), layout, inference);
                       },
                       {dice.tensor({3, 4})}));
}

BOOST_AUTO_TEST_CASE(decoder_blocks) {
  Dice dice(Key(11));
  const Layout source = Layout::packed({2, 1}), target = Layout::packed({1, 2});
  BOOST_TEST(gradcheck(shaken(DecoderBlock(tiny_config(), dice.key())),
                       [&](const DecoderBlock& m, const Tensors& in) {
                         return m(in[0], in[1], Mask(target, target).causal(), Mask(target, source),
                                  target, inference);
                       },
                       {dice.tensor({3, 4}), dice.tensor({3, 4})}, {.names = {"x", "memory"}}));
}

const std::vector<Ids> sources = {{3, 4, 4}, {4}}, targets = {{1, 3}, {1, 4, 3}};

Tensor loss_of(const Transformer& model, const Tensors&) {
  const Tensor logits = model.logits(batch(sources, In::packed), batch(targets, In::packed),
                                     Context::training(Key(3)));
  const LossSum loss = masked_cross_entropy(logits, ints({3, 2, 4, 3, 2}), 0, 0.1);
  return loss.sum / static_cast<double>(loss.count);
}

BOOST_AUTO_TEST_CASE(transformers_with_their_loss) {
  for (const NormPlacement norm : {NormPlacement::post, NormPlacement::pre}) {
    TransformerConfig config = tiny_config();
    config.positions = Positions::learned;
    config.norm = norm;
    config.dropout = 0.2;
    const GradcheckReport report = gradcheck(shaken(Transformer(config, Key(2))), loss_of, {});
    BOOST_TEST(report);
    BOOST_TEST(report.worst_error < 1e-6);
  }
}

// ---- How it checks ------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_model_in_f32_is_checked_in_f64_and_left_alone) {
  const Linear layer(3, 2, Key(1));
  const Tensor weight = layer.weight, before = copy(weight);
  const GradcheckReport report = gradcheck(layer,
                                           [](const Linear& m, const Tensors& in) {
                                             BOOST_TEST(m.weight.dtype() == DType::f64);
                                             BOOST_TEST(in[0].dtype() == DType::f64);
                                             return m(in[0]);
                                           },
                                           {ones({2, 3})}, {.single = false});
  BOOST_TEST(report);
  BOOST_TEST(report.worst_error < 1e-9);  // far below what f32 could show
  BOOST_TEST(same_bits(layer.weight, before));
  BOOST_TEST((layer.weight.storage() == weight.storage()));
}

BOOST_AUTO_TEST_CASE(a_model_is_compared_with_f32) {
  const GradcheckReport report =
      gradcheck(Linear(3, 2, Key(1)), [](const Linear& m, const Tensors& in) { return m(in[0]); },
                {ones({2, 3})});
  BOOST_TEST(report);
  BOOST_TEST_REQUIRE(report.single.has_value());
  BOOST_TEST(report.single->unjudged == "");
  BOOST_TEST(report.single->gradients < 1e-6);
}

BOOST_AUTO_TEST_CASE(tied_parameters_are_one_input) {
  const GradcheckReport report =
      gradcheck(Tied(), [](const Tied& m, const Tensors& in) { return m(in[0]); }, {ints({1, 3})},
                {.names = {"ids"}});
  BOOST_TEST(report);
  BOOST_TEST(report.coverage[0].inputs == 12);
  BOOST_REQUIRE(report.measurements.size() == 1u);
  BOOST_TEST(report.measurements[0].name == "in");
}

BOOST_AUTO_TEST_CASE(inputs_come_first_and_have_names) {
  const auto product = [](const Linear& m, const Tensors& in) { return m(in[0] * in[1]); };
  const Tensor x = variable(ones({2, 3}), "x");
  const auto names = [&](const GradcheckOptions& options) {
    const GradcheckReport report =
        gradcheck(Linear(3, 2, Key(1)), product, {ones({3}), x}, options);
    std::vector<std::string> result;
    for (const Measurement& m : report.measurements) result.push_back(m.name);
    return result;
  };
  BOOST_TEST(names({}) == (std::vector<std::string>{"input 0", "x", "weight", "bias"}),
             boost::test_tools::per_element());
  BOOST_TEST(
      names({.names = {"scale"}}) == (std::vector<std::string>{"scale", "x", "weight", "bias"}),
      boost::test_tools::per_element());
  BOOST_CHECK_EXCEPTION(names({.names = {"a", "b", "c"}}), Error,
                        says("gradcheck: 3 names for 2 inputs; parameters have theirs already"));
}

BOOST_AUTO_TEST_CASE(several_outputs_are_all_checked) {
  const GradcheckReport report =
      gradcheck(Linear(3, 2, Key(1)),
                [](const Linear& m, const Tensors& in) {
                  return Tensors{m(in[0]), argmax(m(in[0])), detach(sum(m.weight))};
                },
                {ones({3})});
  BOOST_TEST(!report);
  BOOST_TEST(has_failure_at(report, "weight["));
  BOOST_TEST(!has_failure_at(report, "bias["));
}

BOOST_AUTO_TEST_CASE(a_parameter_whose_gradient_is_cut_off_is_named) {
  const GradcheckReport report =
      gradcheck(Outer(Key(1)),
                [](const Outer& m, const Tensors& in) {
                  const Tensor hidden = m.first(in[0]);
                  return sin(m.blocks[1](hidden) + m.blocks[0].gain * hidden);
                },
                {ones({1, 2})});
  BOOST_TEST(!report);
  for (const Index i : {0, 1, 2})
    BOOST_TEST(has_failure_at(report, "blocks.1.gain[" + std::to_string(i) + "]"));
  for (const std::string path : {"input 0", "first.", "blocks.0."})
    BOOST_TEST(!has_failure_at(report, path));
  std::ostringstream text;
  text << report;
  BOOST_TEST(text.str().find("blocks.1.gain[0]") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_function_of_another_module_is_refused) {
  const Linear layer(3, 2, Key(1));
  const auto forgetful = [&](const Linear&, const Tensors& in) {
    return nn::cast(layer, DType::f64)(in[0]);
  };
  const Tensor x = normal({2, 3}, 0, 1, Key(2), DType::f64);
  BOOST_CHECK_EXCEPTION(nn::gradcheck(layer, forgetful, {x}), Error, [](const Error& error) {
    return std::string(error.what()).find("no parameter of the module") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(a_wrong_place_deep_in_a_transformer_is_named) {
  const Transformer model = shaken(Transformer(tiny_config(), Key(2)));
  const GradcheckReport report =
      gradcheck(model,
                [](const Transformer& m, const Tensors& in) {
                  Transformer cut = m;
                  Tensor& weight = cut.decoder.blocks[0].cross_attention.value.weight;
                  weight = 2 * weight - detach(weight);  // the same value, twice the gradient
                  return loss_of(cut, in);
                },
                {});
  BOOST_TEST(!report);
  for (const Finding& finding : report.findings)
    if (finding.failed())
      BOOST_TEST(finding.where.starts_with("decoder.blocks.0.cross_attention.value.weight["));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

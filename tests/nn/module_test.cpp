#include "nn/module.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/node.h"
#include "nn/layers/linear.h"
#include "nn/layers/normalization.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// One of each kind of field.
struct Everything : Module {
  Tensor gain = constant_weight({3}, 1), absent;
  Linear layer = Linear(3, 2, Key(1), Bias::no);
  std::vector<LayerNorm> norms = std::vector<LayerNorm>(2, LayerNorm(2));
  std::optional<Linear> there = Linear(1, 1, Key(2)), not_there;
  std::vector<Linear> none_of_these;
  void fields(Fields& visit) override {
    visit("gain", gain)("absent", absent)("layer", layer)("norms", norms)("there", there)(
        "not_there", not_there)("none_of_these", none_of_these);
  }
};

// Uses one table to read and to write tokens.
Transformer tied_transformer() {
  TransformerConfig config = small_config();
  config.tied_embeddings = TiedEmbeddings::decoder;
  return Transformer(config, Key(1));
}

bool is_tied(const Transformer& model) {
  return model.decoder.output.weight.storage() == model.decoder.embedding.table.storage();
}

bool share_anything(const Module& a, const Module& b) {
  for (const Tensor& x : parameters(a))
    for (const Tensor& y : parameters(b))
      if (x.storage() == y.storage()) return true;
  return false;
}

BOOST_AUTO_TEST_SUITE(module)

BOOST_AUTO_TEST_CASE(parameters_are_listed_by_path_in_the_order_of_the_fields) {
  // The vector's two norms were copied from one, so they share their weights.
  Everything shared;
  BOOST_TEST(
      names_of(shared) == (std::vector<std::string>{"gain", "layer.weight", "norms.0.gain",
                                                    "norms.0.bias", "there.weight", "there.bias"}),
      boost::test_tools::per_element());
  shared.norms = {LayerNorm(2), LayerNorm(2)};
  BOOST_TEST(names_of(shared) == (std::vector<std::string>{
                                     "gain", "layer.weight", "norms.0.gain", "norms.0.bias",
                                     "norms.1.gain", "norms.1.bias", "there.weight", "there.bias"}),
             boost::test_tools::per_element());
  BOOST_TEST(parameter_count(shared) == 3 + 3 * 2 + 4 * 2 + 1 + 1);
}

BOOST_AUTO_TEST_CASE(the_parameters_of_a_transformer) {
  TransformerConfig config = small_config();
  config.encoder_blocks = config.decoder_blocks = 1;
  config.positions = Positions::learned;
  config.norm = NormPlacement::pre;
  const Transformer model(config, Key(1));
  const std::vector<std::string> expected = {
      "encoder.embedding.table",
      "encoder.positions.table",
      "encoder.blocks.0.attention.query.weight",
      "encoder.blocks.0.attention.key.weight",
      "encoder.blocks.0.attention.value.weight",
      "encoder.blocks.0.attention.output.weight",
      "encoder.blocks.0.norm1.gain",
      "encoder.blocks.0.norm1.bias",
      "encoder.blocks.0.feed_forward.up.weight",
      "encoder.blocks.0.feed_forward.up.bias",
      "encoder.blocks.0.feed_forward.down.weight",
      "encoder.blocks.0.feed_forward.down.bias",
      "encoder.blocks.0.norm2.gain",
      "encoder.blocks.0.norm2.bias",
      "encoder.final_norm.gain",
      "encoder.final_norm.bias",
      "decoder.embedding.table",
      "decoder.positions.table",
      "decoder.blocks.0.attention.query.weight",
      "decoder.blocks.0.attention.key.weight",
      "decoder.blocks.0.attention.value.weight",
      "decoder.blocks.0.attention.output.weight",
      "decoder.blocks.0.norm1.gain",
      "decoder.blocks.0.norm1.bias",
      "decoder.blocks.0.cross_attention.query.weight",
      "decoder.blocks.0.cross_attention.key.weight",
      "decoder.blocks.0.cross_attention.value.weight",
      "decoder.blocks.0.cross_attention.output.weight",
      "decoder.blocks.0.norm2.gain",
      "decoder.blocks.0.norm2.bias",
      "decoder.blocks.0.feed_forward.up.weight",
      "decoder.blocks.0.feed_forward.up.bias",
      "decoder.blocks.0.feed_forward.down.weight",
      "decoder.blocks.0.feed_forward.down.bias",
      "decoder.blocks.0.norm3.gain",
      "decoder.blocks.0.norm3.bias",
      "decoder.final_norm.gain",
      "decoder.final_norm.bias",
      "decoder.output.weight",
      "decoder.output.bias",
  };
  BOOST_TEST(names_of(model) == expected, boost::test_tools::per_element());
  for (const NamedTensor& parameter : named_parameters(model)) {
    BOOST_TEST(parameter.tensor.name() == parameter.name);
    BOOST_TEST(parameter.tensor.tracked());
  }
  config.attention_bias = Bias::yes;
  BOOST_TEST(names_of(Transformer(config, Key(1))).size() == expected.size() + 3 * 4);
}

// A Transformer of the size that the d2l book trains.
BOOST_AUTO_TEST_CASE(the_number_of_weights_in_the_books_blocks) {
  const TransformerConfig config;
  BOOST_TEST(parameter_count(EncoderBlock(config, Key(1))) == 296'256);
  BOOST_TEST(parameter_count(DecoderBlock(config, Key(1))) == 558'912);
}

BOOST_AUTO_TEST_CASE(tied_weights_are_listed_once) {
  const Transformer separate(small_config(), Key(1)), tied = tied_transformer();
  BOOST_TEST(parameters(tied).size() == parameters(separate).size() - 1);
  BOOST_TEST(parameter_count(tied) == parameter_count(separate) - 13 * 8);
  const std::vector<std::string> names = names_of(tied);
  BOOST_TEST(std::ranges::count(names, "decoder.embedding.table") == 1);
  BOOST_TEST(std::ranges::count(names, "decoder.output.weight") == 0);
}

BOOST_AUTO_TEST_CASE(tied_weights_stay_tied) {
  const Transformer tied = tied_transformer();
  BOOST_TEST(is_tied(tied));
  for (const Transformer& other :
       {clone(tied), nn::cast(tied, DType::f64), nn::cast(tied, DType::f32), Transformer(tied)}) {
    BOOST_TEST(is_tied(other));
    BOOST_TEST(names_of(other) == names_of(tied), boost::test_tools::per_element());
  }
  Transformer renamed = tied;
  name_parameters(renamed);
  BOOST_TEST(is_tied(renamed));
  BOOST_TEST(renamed.decoder.output.weight.name() == "decoder.embedding.table");
}

BOOST_AUTO_TEST_CASE(the_gradient_of_a_tied_weight_is_that_of_all_its_uses) {
  Linear first(3, 3, Key(1), Bias::no), second(3, 3, Key(2), Bias::no);
  const Tensor x = normal({2, 3}, 0, 1, Key(3));
  const auto value = [&](const Linear& a, const Linear& b) { return weighed(b(a(x)), Key(4)); };
  second.weight = variable(copy(first.weight));
  const Tensors apart = grad(value(first, second), {first.weight, second.weight});
  second.weight = first.weight;
  const Tensors together = grad(value(first, second), {first.weight});
  BOOST_TEST(distance(together[0], apart[0] + apart[1]) < 1e-6);
}

BOOST_AUTO_TEST_CASE(a_clone_has_weights_of_its_own) {
  Transformer model(small_config(), Key(1));
  Transformer other = clone(model);
  BOOST_TEST(same_bits(parameters(other), parameters(model)));
  BOOST_TEST(!share_anything(other, model));
  other.encoder.embedding.table.edit<float>()[0] += 1;
  BOOST_TEST(!same_bits(parameters(other), parameters(model)));
  for (const NamedTensor& parameter : named_parameters(other)) {
    BOOST_TEST(parameter.tensor.history().node->is_leaf());
    BOOST_TEST(parameter.tensor.name() == parameter.name);
  }
}

BOOST_AUTO_TEST_CASE(a_copy_shares_its_weights) {
  Linear layer(2, 2, Key(1));
  Linear other = layer;
  other.weight.edit<float>()[3] = 7;
  BOOST_TEST(layer.weight.at({1, 1}) == 7);
  BOOST_TEST(same_bits(parameters(other), parameters(layer)));
}

BOOST_AUTO_TEST_CASE(a_cast_has_the_same_values_in_another_type) {
  const Transformer model(small_config(), Key(1));
  const Transformer wide = nn::cast(model, DType::f64);
  for (const Tensor& parameter : parameters(wide)) {
    BOOST_TEST((parameter.dtype() == DType::f64));
    BOOST_TEST(parameter.history().node->is_leaf());
  }
  BOOST_TEST(same_bits(parameters(nn::cast(wide, DType::f32)), parameters(model)));
  BOOST_TEST(names_of(wide) == names_of(model), boost::test_tools::per_element());
  BOOST_TEST(!share_anything(nn::cast(model, DType::f32), model));  // even to the same type
}

BOOST_AUTO_TEST_CASE(the_same_key_makes_the_same_weights) {
  const Transformer model(small_config(), Key(1));
  BOOST_TEST(same_bits(parameters(model), parameters(Transformer(small_config(), Key(1)))));
  // Every weight has its own random numbers.
  const auto named = named_parameters(model);
  for (std::size_t i = 0; i < named.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (named[i].name.ends_with("weight") && named[i].tensor.form() == named[j].tensor.form())
        BOOST_TEST(!same_bits(named[i].tensor, named[j].tensor),
                   named[i].name << " and " << named[j].name);
}

BOOST_AUTO_TEST_SUITE_END()

// ---- Initial weights ---------------------------------------------------------------------------

// Moments of many numbers lie within about three standard errors of the true ones.
void check_moments(const Tensor& weight, double deviation, double kurtosis) {
  const std::vector<double> values = numbers(weight);
  const auto count = static_cast<double>(values.size());
  double mean = 0, second = 0, fourth = 0;
  for (const double value : values) {
    mean += value / deviation / count;
    second += std::pow(value / deviation, 2) / count;
    fourth += std::pow(value / deviation, 4) / count;
  }
  BOOST_TEST(std::abs(mean) < 3 / std::sqrt(count));
  BOOST_TEST(second == 1, boost::test_tools::tolerance(6 / std::sqrt(count)));
  BOOST_TEST(fourth == kurtosis, boost::test_tools::tolerance(12 / std::sqrt(count)));
}

constexpr double of_uniform = 1.8, of_normal = 3;

BOOST_AUTO_TEST_SUITE(init)

BOOST_AUTO_TEST_CASE(xavier_is_uniform_within_its_bound) {
  const Tensor weight = xavier_uniform({300, 100}, Key(1), DType::f64);
  const double bound = std::sqrt(6.0 / 400);
  const std::vector<double> values = numbers(weight);
  BOOST_TEST(std::ranges::max(values) < bound);
  BOOST_TEST(std::ranges::max(values) > 0.99 * bound);
  BOOST_TEST(std::ranges::min(values) >= -bound);
  BOOST_TEST(std::ranges::min(values) < -0.99 * bound);
  check_moments(weight, bound / std::sqrt(3.0), of_uniform);
}

BOOST_AUTO_TEST_CASE(normal_and_constant) {
  check_moments(normal_weight({200, 100}, 0.02, Key(1)), 0.02, of_normal);
  BOOST_TEST(same_bits(constant_weight({2}, 1.5), tensor({1.5, 1.5})));
}

BOOST_AUTO_TEST_CASE(each_is_a_leaf_of_the_asked_type) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const Tensor& weight :
         {xavier_uniform({2, 3}, Key(1), dtype), normal_weight({2, 3}, 1, Key(1), dtype),
          constant_weight({2, 3}, 1, dtype)}) {
      BOOST_TEST((weight.form() == Form{{2, 3}, dtype}));
      BOOST_TEST_REQUIRE(weight.tracked());
      BOOST_TEST(weight.history().node->is_leaf());
    }
}

BOOST_AUTO_TEST_CASE(what_has_no_inputs_and_outputs_is_an_error) {
  BOOST_CHECK_EXCEPTION(xavier_uniform({4}, Key(1)), Error,
                        says("xavier_uniform: needs a weight [outputs, inputs], got [4]"));
  BOOST_CHECK_EXCEPTION(xavier_uniform({4, 0}, Key(1)), Error,
                        says("xavier_uniform: needs a weight [outputs, inputs], got [4, 0]"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

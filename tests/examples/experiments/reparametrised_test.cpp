// A Transformer that computes with functions of its parameters.
#include "examples/experiments/frame/reparametrised.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using experiments::Reparametrised;

nn::Transformer small(nn::Scaled scaled) {
  nn::Transformer model({.source_tokens = 7,
                         .target_tokens = 7,
                         .width = 8,
                         .hidden = 8,
                         .heads = 2,
                         .encoder_blocks = 1,
                         .decoder_blocks = 1,
                         .dropout = 0},
                        Key(1));
  model.encoder.embedding.scaled = model.decoder.embedding.scaled = scaled;
  return model;
}
void times_root_of_width(nn::Transformer& copy) {
  for (Tensor* table : {&copy.encoder.embedding.table, &copy.decoder.embedding.table})
    *table = *table * std::sqrt(8.0);
}

const std::vector<Ids> sources = {{3, 4, 5, 2}, {6, 2}}, targets = {{1, 5, 4, 3}, {1, 6}};
Tensor logits(const nn::EncoderDecoder& model) {
  return model.logits(nn::Sequences::packed(sources), nn::Sequences::packed(targets),
                      nn::Context::inference());
}

BOOST_AUTO_TEST_SUITE(experiment_reparametrised)

BOOST_AUTO_TEST_CASE(it_computes_with_the_altered_weights_and_keeps_its_own) {
  const nn::Transformer plain = small(nn::Scaled::no), scaled = small(nn::Scaled::yes);
  const Reparametrised model(plain, times_root_of_width);
  BOOST_TEST(max(abs(logits(model) - logits(scaled))).item() < 1e-5);
  BOOST_TEST(max(abs(logits(model) - logits(plain))).item() > 1e-2);
  BOOST_TEST(model.model.encoder.embedding.table.storage() ==
             plain.encoder.embedding.table.storage());
}

BOOST_AUTO_TEST_CASE(its_gradients_are_those_of_its_own_weights) {
  const nn::Transformer scaled = small(nn::Scaled::yes);
  const Reparametrised model(small(nn::Scaled::no), times_root_of_width);
  const auto gradients = [](const nn::EncoderDecoder& m) {
    return grad(sum(logits(m) * logits(m)), nn::parameters(m));
  };
  const Tensors own = gradients(model), expected = gradients(scaled);
  BOOST_REQUIRE(own.size() == expected.size());
  for (std::size_t i = 0; i < own.size(); ++i)
    BOOST_TEST(max(abs(own[i] - expected[i])).item() < 1e-3 * (1 + max(abs(expected[i])).item()));
}

BOOST_AUTO_TEST_CASE(it_decodes_as_it_computes) {
  const Reparametrised model(small(nn::Scaled::no), times_root_of_width);
  const auto decoding = model.decode(nn::Sequences::packed(sources), 1);
  const Tensor first = decoding->step(tensor({1, 1}, DType::i64));  // [batch, tokens]
  const Tensor all = logits(model);                                 // [rows, tokens]
  BOOST_TEST(max(abs(slice(first, 0, 0, 1) - slice(all, 0, 0, 1))).item() < 1e-5);
  BOOST_TEST(max(abs(slice(first, 0, 1, 2) - slice(all, 0, 4, 5))).item() < 1e-5);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

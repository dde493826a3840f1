// Single layers, and attention.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "nn/layers/attention.h"
#include "nn/layers/dropout.h"
#include "nn/layers/embedding.h"
#include "nn/layers/linear.h"
#include "nn/layers/normalization.h"
#include "nn/training/loss.h"
#include "tests/parity/vectors.h"

namespace adjoint::parity {
namespace {

using namespace nn;

template <Bias bias>
void check_linear(Case& stored) {
  const Tensor x = stored.input("x");
  const Linear layer = stored.module(Linear(4, 5, Key(1), bias));
  const Tensor output = layer(x);
  stored.compare("output", output);
  stored.compare_gradients(output);
}

void check_embedding(Case& stored) {
  const Tensor ids = stored.constant("ids");
  const Embedding plain = stored.module(Embedding(7, 5, Key(1), Scaled::no));
  const Tensor output = plain(ids);
  stored.compare("output", output);
  stored.compare_gradients(output);

  stored.again();
  const Embedding scaled = stored.module(Embedding(7, 5, Key(1), Scaled::yes));
  stored.compare("output", scaled(ids) / std::sqrt(5.0));
  stored.compare_gradients(scaled(ids) / std::sqrt(5.0));
}

void check_layer_norm(Case& stored) {
  BOOST_TEST(stored.number("eps") == 1e-5, boost::test_tools::tolerance(1e-7));
  const Tensor x = stored.input("x");
  const Tensor output = stored.module(LayerNorm(8))(x);
  stored.compare("output", output);
  stored.compare_gradients(output);
}

template <Tensor (*function)(const Tensor&)>
void check_function(Case& stored) {
  const Tensor output = function(stored.input("x"));
  stored.compare("output", output);
  stored.compare_gradients(output);
}

Tensor gelu_exact(const Tensor& x) { return gelu(x, Gelu::exact); }
Tensor gelu_tanh(const Tensor& x) { return gelu(x, Gelu::tanh); }

void check_cross_entropy(Case& stored) {
  const bool ignores = stored.name().find("ignore_index") != std::string::npos;
  const bool smooths = stored.name().find("label_smoothing") != std::string::npos;
  const CrossEntropyOptions options{.ignore = ignores ? 0 : -100, .smoothing = smooths ? 0.1 : 0};
  const Tensor logits = stored.input("logits"), targets = stored.constant("targets");
  const Tensor output = cross_entropy(logits, targets, options);
  stored.compare("output", output);
  stored.compare_gradients(output);

  const LossSum loss = masked_cross_entropy(logits, targets, options.ignore, options.smoothing);
  stored.compare("sum", loss.sum);
  stored.compare("count", static_cast<double>(loss.count));
  stored.compare("mean", loss.sum / static_cast<double>(loss.count));
}

// ---- Attention ---------------------------------------------------------------------------------

bool is_causal(const Case& stored) { return stored.name().ends_with("causal"); }

// The case's mask, expressed in every possible way.
std::vector<Mask> masks_of(Case& stored, Index queries, Index keys) {
  const Mask whole = Mask::full(3, queries, keys);
  Mask structural = whole;
  if (stored.has("lengths")) structural = structural.with_lengths(stored.constant("lengths"));
  if (is_causal(stored)) structural = structural.causal();
  return {structural, whole.with_allowed(stored.constant("allowed"))};
}

// [batch, heads, steps, d] to [batch, steps, heads · d], which is how our attention lays out heads.
Tensor heads_inside(const Tensor& x) {
  return reshape(permute(x, {0, 2, 1, 3}), {x.size(0), x.size(2), x.size(1) * x.size(3)});
}
Tensor heads_outside(const Tensor& x, Index heads) {
  return permute(reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), {0, 2, 1, 3});
}

void check_attention(Case& stored) {
  const auto inputs = [&] {
    stored.again();
    return Tensors{stored.input("queries"), stored.input("keys"), stored.input("values")};
  };
  for (const Mask& mask : masks_of(stored, 5, 5)) {
    const Tensors x = inputs();
    const Tensor q = heads_inside(x[0]), k = heads_inside(x[1]), v = heads_inside(x[2]);
    const Tensor result = dot_product_attention(q, k, v, mask, 2, 0, Context::inference());
    stored.compare("output", heads_outside(result, 2));
    stored.compare_gradients(heads_outside(result, 2));
    stored.compare("weights", attention_weights(q, k, mask.pattern(), {.heads = 2}));
  }
  const Tensors x = inputs();
  const Tensor allowed = reshape(stored.constant("allowed"), {3, 1, 5, 5});
  const Tensor weights = masked_softmax(matmul(x[0], x[1], Transposed::b) / 2.0, allowed);
  stored.compare("weights", weights);
  stored.compare("output", matmul(weights, x[2]));
  stored.compare_gradients(matmul(weights, x[2]));
}

void check_multi_head_attention(Case& stored) {
  const Bias bias = stored.has("query/bias") ? Bias::yes : Bias::no;
  const Index queries = stored.constant("queries").size(1), keys = stored.constant("keys").size(1);
  for (const Mask& mask : masks_of(stored, queries, keys)) {
    stored.again();
    const auto layer = stored.module(MultiHeadAttention(8, 2, 0, Key(1), {.bias = bias}));
    const Tensor q = stored.input("queries"), k = stored.input("keys"), v = stored.input("values");
    const Tensor output = layer(q, k, v, mask, Context::inference());
    stored.compare("output", output);
    stored.compare_gradients(output);
    stored.compare("weights", layer.weights(q, k, mask));
  }
  if (!stored.has("lengths")) return;

  // All queries, but only the real keys and values.
  const Layout all = Layout::full(3, queries);
  const Layout padded = Layout::padded(stored.lengths("lengths"), keys);
  for (const Layout& layout : {padded, Layout::packed(padded.lengths())}) {
    stored.again();
    const auto layer = stored.module(MultiHeadAttention(8, 2, 0, Key(1), {.bias = bias}));
    const Tensor k = arranged(stored.input("keys"), layout, padded);
    const Tensor v = arranged(stored.input("values"), layout, padded);
    const Mask mask = is_causal(stored) ? Mask(all, layout).causal() : Mask(all, layout);
    const Tensor output = layer(stored.input("queries"), k, v, mask, Context::inference());
    stored.compare("output", output);
    stored.compare_gradients(output);
  }
}

}  // namespace

const Checks& layer_checks() {
  static const Checks checks = {
      {"linear", check_linear<Bias::yes>},
      {"linear_nobias", check_linear<Bias::no>},
      {"embedding", check_embedding},
      {"layer_norm", check_layer_norm},
      {"softmax", check_function<softmax>},
      {"log_softmax", check_function<log_softmax>},
      {"gelu_exact", check_function<gelu_exact>},
      {"gelu_tanh", check_function<gelu_tanh>},
      {"cross_entropy", check_cross_entropy},
      {"cross_entropy_ignore_index", check_cross_entropy},
      {"cross_entropy_label_smoothing", check_cross_entropy},
      {"cross_entropy_ignore_index_label_smoothing", check_cross_entropy},
      {"attention", check_attention},
      {"attention_lengths", check_attention},
      {"attention_causal", check_attention},
      {"attention_lengths_causal", check_attention},
      {"multi_head_attention_lengths", check_multi_head_attention},
      {"multi_head_attention_causal", check_multi_head_attention},
      {"multi_head_attention_lengths_causal", check_multi_head_attention},
      {"multi_head_attention_cross", check_multi_head_attention},
      {"multi_head_attention_nobias_lengths", check_multi_head_attention},
      {"multi_head_attention_nobias_causal", check_multi_head_attention},
      {"multi_head_attention_nobias_lengths_causal", check_multi_head_attention},
      {"multi_head_attention_nobias_cross", check_multi_head_attention},
  };
  return checks;
}

}  // namespace adjoint::parity

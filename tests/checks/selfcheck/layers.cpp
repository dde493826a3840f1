#include "nn/layers/embedding.h"
#include "nn/layers/linear.h"
#include "nn/layers/pointer.h"
#include "nn/layers/recurrent.h"
#include "nn/training/loss.h"
#include "tests/checks/selfcheck/module_check.h"

namespace adjoint::checks {
namespace {

using namespace nn;
using testing::bools;
using testing::ints;

constexpr Key key{3};

// Checked although it is not a module.
struct NoParameters : Module {
  void fields(Fields& /*visit*/) override {}
};

// Created anew for each call, since a key may be used once.
Context training() { return Context::training(Key(4)); }

// Two examples, of three rows and of one; padded, the second one has two rows of padding.
const Layout padded = Layout::padded({3, 1}, 3), packed = Layout::packed({3, 1});
// What they attend to: examples of two rows and of three.
const Layout padded_memory = Layout::padded({2, 3}, 3), packed_memory = Layout::packed({2, 3});

Tensor random(const Shape& shape, std::uint64_t number = 0) {
  return normal(shape, 0, 1, key.child(number), DType::f64);
}
// Rows of a layout, [batch, steps, width] or [rows, width].
Tensor rows(const Layout& layout, Index width, std::uint64_t number = 0) {
  return random(layout.leading().joined({width}), number);
}

// ---- Layers that act on each row ----------------------------------------------------------------

Row linear_row() {
  const auto run = [](const Linear& layer, const Tensors& x) { return layer(x[0]); };
  return {"linear",
          {module_check("with bias", Linear(3, 4, key), {random({2, 3})}, run),
           module_check("without bias", Linear(3, 4, key, Bias::no), {random({2, 2, 3})}, run)}};
}

Row embedding_row() {
  const auto run = [](const Embedding& layer, const Tensors&) {
    return layer(ints({{0, 3, 3}, {1, 0, 3}}));
  };
  return {"embedding",
          {module_check("scaled", Embedding(4, 3, key), {}, run),
           module_check("not scaled", Embedding(4, 3, key, Scaled::no), {}, run)}};
}

Row dropout_row() {
  const auto run = [](const Layout& layout) {
    return [=](const NoParameters&, const Tensors& x) {
      return nn::dropout(x[0], 0.4, layout, training());
    };
  };
  return {"dropout",
          {module_check("padded", NoParameters(), {rows(padded, 4)}, run(padded)),
           module_check("packed", NoParameters(), {rows(packed, 4)}, run(packed))}};
}

Row layer_norm_row() {
  return {"layer norm",
          {module_check("rows", LayerNorm(4), {rows(padded, 4)},
                        [](const LayerNorm& layer, const Tensors& x) { return layer(x[0]); })}};
}

Row rms_norm_row() {
  return {"RMS norm",
          {module_check("rows", RmsNorm(4), {rows(padded, 4)},
                        [](const RmsNorm& layer, const Tensors& x) { return layer(x[0]); })}};
}

Row add_norm_row(NormPlacement where, const std::string& name) {
  struct Residual : Module {
    AddNorm add_norm;
    Linear sublayer;
    Residual(NormPlacement place, double drop, Normalization kind = Normalization::layer)
        : add_norm(4, place, drop, kind), sublayer(4, 4, key) {}
    void fields(Fields& visit) override { visit("add_norm", add_norm)("sublayer", sublayer); }
  };
  const auto run = [](const Residual& layer, const Tensors& x) {
    return layer.add_norm(x[0], padded, training(), layer.sublayer);
  };
  return {"add-norm, " + name,
          {module_check("no dropout", Residual(where, 0), {rows(padded, 4)}, run),
           module_check("dropout", Residual(where, 0.3), {rows(padded, 4)}, run),
           module_check("dropout, RMS", Residual(where, 0.3, Normalization::rms), {rows(padded, 4)},
                        run)}};
}

Row feed_forward_row(Activation activation, const std::string& name) {
  return {"feed-forward, " + name,
          {module_check("rows", FeedForward(4, 6, activation, key), {rows(padded, 4)},
                        [](const FeedForward& layer, const Tensors& x) {
                          return layer(x[0], Context::inference());
                        })}};
}

Row positions_row(Positions kind, const std::string& name) {
  const auto check = [=](const char* label, PositionMode mode, const Layout& layout) {
    const PositionOptions options{.mode = mode, .width = 2};
    return module_check(label, PositionalEncoding(kind, 5, 4, 0.3, key, options),
                        {rows(layout, options.width_without(4))},
                        [=](const PositionalEncoding& positions, const Tensors& x) {
                          return positions(x[0], layout, training());
                        });
  };
  Row row{"positional encoding, " + name,
          {check("padded", PositionMode::add, padded), check("packed", PositionMode::add, packed)}};
  if (kind != Positions::convolutional)
    row.checks.push_back(check("from position 2 on", PositionMode::add, padded.placed(0, 2)));
  if (is_encoding(kind)) {
    row.checks.push_back(check("concatenated", PositionMode::concatenate, packed));
    row.checks.push_back(check("split", PositionMode::split, packed));
  }
  return row;
}

Row convolutional_step_row() {
  const PositionOptions options{.taps = 3};
  return {"positional encoding, step by step",
          {module_check(
              "convolutional",
              PositionalEncoding(Positions::convolutional, 1, 4, 0, key, options, Reach::back),
              {random({2, 2, 4}, 1), random({2, 1, 4}, 2)},
              [](const PositionalEncoding& positions, const Tensors& x) {
                Tensor recent = x[0];
                return positions.step(x[1], recent, Layout::full(2, 1).placed(0, 2));
              })}};
}

// ---- Attention ----------------------------------------------------------------------------------

Row dot_product_row() {
  const Tensors inputs = {rows(padded, 4, 1), rows(padded_memory, 4, 2), rows(padded_memory, 6, 3)};
  const Mask mask(padded, padded_memory);
  const auto check = [&](const char* label, const Mask& who, double drop) {
    return module_check(label, NoParameters(), inputs, [=](const NoParameters&, const Tensors& x) {
      return dot_product_attention(x[0], x[1], x[2], who, 2, drop, training());
    });
  };
  return {"dot-product attention",
          {check("padding", mask, 0), check("causal", mask.causal(), 0),
           check("lengths, one of them 0", mask.with_lengths(ints({2, 0})), 0),
           check("allowed", mask.with_allowed(bools({{{1, 0, 1}, {0, 0, 0}, {1, 1, 1}}})), 0),
           check("dropout", mask, 0.3)}};
}

Row additive_row() {
  const Mask mask(padded, padded_memory);
  const Tensors inputs = {rows(padded, 2, 1), rows(padded_memory, 3, 2), rows(padded_memory, 4, 3)};
  const AdditiveAttention layer(2, 3, 5, 0.3, key);
  const auto run = [=](const auto& context) {
    return [=](const AdditiveAttention& attention, const Tensors& x) {
      return attention(x[0], x[1], x[2], mask, padded, context());
    };
  };
  return {"additive attention",
          {module_check("padding", layer, inputs, run(Context::inference)),
           module_check("dropout", layer, inputs, run(training)),
           module_check("weights", layer, {inputs[0], inputs[1]},
                        [=](const AdditiveAttention& attention, const Tensors& x) {
                          return attention.weights(x[0], x[1], mask);
                        })}};
}

Row multi_head_row() {
  const auto cross = [](const Mask& mask) {
    return [=](const MultiHeadAttention& attention, const Tensors& x) {
      return attention(x[0], x[1], x[2], mask, training());
    };
  };
  const auto self = [](const MultiHeadAttention& attention, const Tensors& x) {
    return attention(x[0], x[0], x[0], Mask(packed, packed).causal(), training());
  };
  const auto weights = [](const MultiHeadAttention& attention, const Tensors& x) {
    return attention.weights(x[0], x[1], Mask(padded, padded_memory));
  };
  const MultiHeadAttention plain(4, 2, 0, key), rich(4, 2, 0.3, key, {.bias = Bias::yes});
  const Tensors of_padded = {rows(padded, 4, 1), rows(padded_memory, 4, 2),
                             rows(padded_memory, 4, 3)};
  const Tensors of_packed = {rows(packed, 4, 1), rows(packed_memory, 4, 2),
                             rows(packed_memory, 4, 3)};
  return {
      "multi-head attention",
      {module_check("padded", plain, of_padded, cross(Mask(padded, padded_memory))),
       module_check("packed, bias, dropout", rich, of_packed, cross(Mask(packed, packed_memory))),
       module_check("of x to itself, causal", rich, {of_packed[0]}, self),
       module_check("weights", plain, {of_padded[0], of_padded[1]}, weights)}};
}

Row relative_row() {
  const auto layer = [](bool values, double drop) {
    return MultiHeadAttention(
        4, 2, drop, key,
        {.positions = Positions::relative, .max_distance = 1, .relative_values = values});
  };
  const auto self = [](const Layout& layout) {
    return [=](const MultiHeadAttention& attention, const Tensors& x) {
      return attention(x[0], x[0], x[0], Mask(layout, layout), training());
    };
  };
  const auto later = [](const MultiHeadAttention& attention, const Tensors& x) {
    const Mask mask(padded.placed(0, 1), padded_memory);
    return attention(x[0], x[1], x[1], mask.causal(), training());
  };
  return {"relative attention",
          {module_check("padded", layer(true, 0), {rows(padded, 4)}, self(padded)),
           module_check("packed, dropout", layer(true, 0.3), {rows(packed, 4)}, self(packed)),
           module_check("keys only", layer(false, 0), {rows(packed, 4)}, self(packed)),
           module_check("causal, from position 1 on", layer(true, 0),
                        {rows(padded, 4, 1), rows(padded_memory, 4, 2)}, later)}};
}

Row other_heads_row() {
  const auto cross = [](const MultiHeadAttention& attention, const Tensors& x) {
    return attention(x[0], x[1], x[1], Mask(packed, packed_memory), training());
  };
  const auto check = [&](const char* label, const HeadOptions& options) {
    return module_check(label, MultiHeadAttention(4, 2, 0.3, key, options),
                        {rows(packed, 4, 1), rows(packed_memory, 4, 2)}, cross);
  };
  MultiHeadAttention pruned(4, 2, 0.3, key);
  pruned.prune({0});
  return {
      "multi-head attention, other heads",
      {check("bilinear", {.score = Score::bilinear}), check("additive", {.score = Score::additive}),
       check("linear biases", {.positions = Positions::linear_biases}),
       check("additive, linear biases",
             {.positions = Positions::linear_biases, .score = Score::additive}),
       module_check("pruned", pruned, {rows(packed, 4, 1), rows(packed_memory, 4, 2)}, cross),
       module_check("memory of another width",
                    MultiHeadAttention(4, 2, 0.3, key, {.memory_width = 3}),
                    {rows(packed, 4, 1), rows(packed_memory, 3, 2)}, cross)}};
}

// ---- Recurrent ----------------------------------------------------------------------------------

Row recurrent_cell_row(Cell kind, const std::string& name) {
  Tensors inputs = {random({2, 3}, 1), random({2, 4}, 2)};  // x, h
  if (kind == Cell::lstm) inputs.push_back(random({2, 4}, 3));
  return {name + " cell",
          {module_check("a step", RecurrentCell(kind, 3, 4, key), inputs,
                        [](const RecurrentCell& cell, const Tensors& x) {
                          const Tensor projected = cell.input(x[0]);
                          if (x.size() == 2) return cell.step(projected, {x[1], {}}).hidden;
                          const CellState next = cell.step(projected, {x[1], x[2]});
                          return concat({next.hidden, next.memory}, 1);
                        })}};
}

Row recurrent_row(Cell kind, const std::string& name) {
  const auto run = [](const Layout& layout, const auto& context) {
    return [=](const Recurrent& stack, const Tensors& x) {
      const Recurrent::Result result = stack(x[0], layout, context());
      Tensors all = {reshape(result.output, {-1, stack.width()})};
      for (const CellState& state : result.states) {
        all.push_back(state.hidden);
        if (state.memory.defined()) all.push_back(state.memory);
      }
      return concat(all, 0);  // [rows and states, hidden]
    };
  };
  return {name,
          {module_check("one layer, padded", Recurrent(kind, 2, 3, 1, 0, key), {rows(padded, 2)},
                        run(padded, Context::inference)),
           module_check("two layers, packed, dropout", Recurrent(kind, 2, 3, 2, 0.3, key),
                        {rows(packed, 2)}, run(packed, training)),
           module_check("in both directions", Recurrent(kind, 2, 4, 2, 0.3, key, Directions::both),
                        {rows(packed, 2)}, run(packed, training))}};
}

// ---- Copying ------------------------------------------------------------------------------------

// log p of words that are generated, copied, or both. Ids 4 and 5 are beyond the vocabulary, and
// the second source writes 2 twice.
Row pointer_row() {
  const auto log_p = [](const Layout& layout, const Layout& memory) {
    return [=](const Pointer& pointer, const Tensors& x) {
      const PointedSource source = pointer.source(x[2], memory, ints({{4, 1, none}, {2, 5, 2}}));
      const Tensor all = pointer(x[0], x[1], layout, source, Context::inference());  // […, 6]
      return gather(reshape(all, {-1}), ints({4, 6 + 1, 12 + 0, 18 + 2, 18 + 5}));
    };
  };
  const Pointer pointer(3, 2, 2, key);
  const auto inputs = [](const Layout& layout, const Layout& memory) {
    return Tensors{rows(layout, 3), rows(layout, 4, 1), rows(memory, 2, 2)};
  };
  return {
      "pointer",
      {module_check("padded", pointer, inputs(padded, padded_memory), log_p(padded, padded_memory)),
       module_check("packed", pointer, inputs(packed, packed_memory),
                    log_p(packed, packed_memory))}};
}

// ---- Blocks and the loss ------------------------------------------------------------------------

TransformerConfig small_blocks(NormPlacement norm) {
  TransformerConfig config = testing::small_config();
  config.width = 4;
  config.hidden = 5;
  config.dropout = 0.2;
  config.norm = norm;
  config.activation = norm == NormPlacement::post ? Activation::relu : Activation::gelu;
  config.attention_bias = norm == NormPlacement::post ? Bias::no : Bias::yes;
  return config;
}

Row encoder_block_row() {
  Row row{"encoder block", {}};
  for (const NormPlacement norm : {NormPlacement::post, NormPlacement::pre})
    row.checks.push_back(
        module_check(norm == NormPlacement::post ? "post-norm, relu" : "pre-norm, gelu, bias",
                     EncoderBlock(small_blocks(norm), key), {rows(packed, 4)},
                     [](const EncoderBlock& block, const Tensors& x) {
                       return block(x[0], Mask(packed, packed), packed, training());
                     }));
  return row;
}

Row decoder_block_row() {
  Row row{"decoder block", {}};
  for (const NormPlacement norm : {NormPlacement::post, NormPlacement::pre})
    row.checks.push_back(module_check(
        norm == NormPlacement::post ? "post-norm, relu" : "pre-norm, gelu, bias",
        DecoderBlock(small_blocks(norm), key), {rows(packed, 4, 1), rows(packed_memory, 4, 2)},
        [](const DecoderBlock& block, const Tensors& x) {
          return block(x[0], x[1], Mask(packed, packed).causal(), Mask(packed, packed_memory),
                       packed, training());
        }));
  return row;
}

Row loss_row() {
  const auto check = [](const char* label, const Tensor& targets, double smoothing) {
    return module_check(label, NoParameters(), {random({2, 3, 4})},
                        [=](const NoParameters&, const Tensors& x) {
                          return masked_cross_entropy(x[0], targets, 0, smoothing).sum;
                        });
  };
  const Tensor targets = ints({{1, 3, 2}, {2, 0, 0}});  // 0 is padding
  return {"masked cross-entropy",
          {check("padding", targets, 0), check("smoothed", targets, 0.1),
           check("nothing but padding", ints({{0, 0, 0}, {0, 0, 0}}), 0)}};
}

}  // namespace

Section layers() {
  return {"layer",
          {linear_row(),
           embedding_row(),
           dropout_row(),
           layer_norm_row(),
           rms_norm_row(),
           add_norm_row(NormPlacement::post, "post"),
           add_norm_row(NormPlacement::pre, "pre"),
           feed_forward_row(Activation::relu, "relu"),
           feed_forward_row(Activation::gelu, "gelu"),
           feed_forward_row(Activation::glu, "GLU"),
           feed_forward_row(Activation::geglu, "GEGLU"),
           feed_forward_row(Activation::swiglu, "SwiGLU"),
           positions_row(Positions::none, "none"),
           positions_row(Positions::sinusoidal, "sinusoidal"),
           positions_row(Positions::learned, "learned"),
           positions_row(Positions::convolutional, "convolutional"),
           convolutional_step_row(),
           dot_product_row(),
           additive_row(),
           multi_head_row(),
           relative_row(),
           other_heads_row(),
           recurrent_cell_row(Cell::gru, "GRU"),
           recurrent_row(Cell::gru, "GRU"),
           recurrent_cell_row(Cell::lstm, "LSTM"),
           recurrent_row(Cell::lstm, "LSTM"),
           pointer_row(),
           encoder_block_row(),
           decoder_block_row(),
           loss_row()}};
}

}  // namespace adjoint::checks

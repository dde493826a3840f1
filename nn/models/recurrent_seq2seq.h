// Recurrent encoder-decoders: with one context for all steps, and with attention.
#pragma once

#include "nn/batch/copyable.h"
#include "nn/layers/attention.h"
#include "nn/layers/dropout.h"
#include "nn/layers/embedding.h"
#include "nn/layers/pointer.h"
#include "nn/layers/recurrent.h"
#include "nn/models/encoder_decoder.h"

namespace adjoint::nn {

/// The sizes and choices of a RecurrentSeq2Seq.
struct RecurrentConfig {
  Index source_tokens = 0, target_tokens = 0;  ///< sizes of the vocabularies
  Cell cell = Cell::gru;
  Index embedding = 256;
  Index hidden = 256;
  Index layers = 2;                                     ///< of the encoder and of the decoder
  Directions encoder_directions = Directions::forward;  ///< in both, `hidden` must be even
  double dropout = 0.2;                                 ///< between layers; of attention weights
  /// As in TransformerConfig; needs attention.
  Index ids_beyond = 0, unknown = 3;

  /// The number of logits of a row.
  Index columns() const { return target_tokens + ids_beyond; }
};

/// Embedding and recurrent layers. The table begins with variance 1, since no positions are added.
struct RecurrentEncoder : Module {
  Embedding embedding;
  Recurrent recurrent;

  RecurrentEncoder(const RecurrentConfig& config, Key key);
  void fields(Fields& visit) override { visit("embedding", embedding)("recurrent", recurrent); }

  /// The output in time order, [real rows, hidden], and the states after each source.
  Recurrent::Result operator()(const Sequences& source, const TimeOrder& order,
                               const Context& context) const;
};

/// Embedding, recurrent layers that read a context beside each token, and the projection to tokens.
struct RecurrentDecoder : Module {
  Embedding embedding;
  Recurrent recurrent;  // of [token's embedding, context]
  Linear output;        // hidden to tokens

  RecurrentDecoder(const RecurrentConfig& config, Key key);
  void fields(Fields& visit) override {
    visit("embedding", embedding)("recurrent", recurrent)("output", output);
  }
};

/// The decoder begins with the encoder's last states, and the last layer's h is its context at
/// every step. (Cho et al. 2014; with LSTM cells see Sutskever et al. 2014.)
struct RecurrentSeq2Seq : EncoderDecoder {
  RecurrentConfig config;
  RecurrentEncoder encoder;
  RecurrentDecoder decoder;

  RecurrentSeq2Seq(const RecurrentConfig& config, Key key);
  void fields(Fields& visit) override { visit("encoder", encoder)("decoder", decoder); }

  Tensor logits(const Sequences& source, const Sequences& target,
                const Context& context) const override;
  std::unique_ptr<Decoding> decode(const Sequences& source, Index capacity) const override;
};

/// What a decoder attends to: the encoded source of each example, padded.
struct AttendedSource {
  Tensor keys, values;  // [examples, steps, hidden]; keys are projected
  Tensor allowed;       // b8 [examples, 1, steps]
};

/// As above, but each step computes its own context: additive attention of the last layer's h to
/// the encoder's output. (Bahdanau et al. 2015; there the encoder
/// reads in both directions.) With
/// ids_beyond > 0 it copies, and the ids of its sources are those of copyable().
struct BahdanauSeq2Seq : EncoderDecoder {
  RecurrentConfig config;
  RecurrentEncoder encoder;
  RecurrentDecoder decoder;
  AdditiveAttention attention;
  std::optional<Pointer> pointer;

  BahdanauSeq2Seq(const RecurrentConfig& config, Key key);
  void fields(Fields& visit) override {
    visit("encoder", encoder)("decoder", decoder)("attention", attention)("pointer", pointer);
  }

  Tensor logits(const Sequences& source, const Sequences& target,
                const Context& context) const override;
  std::unique_ptr<Decoding> decode(const Sequences& source, Index capacity) const override;
  std::vector<std::string> source_attention_layers() const override { return {"attention"}; }
  std::vector<std::string> alignment_layers() const override { return {"attention"}; }

  /// The encoder's result: what to attend to and, with a pointer, to copy; and the initial states.
  struct Encoded {
    AttendedSource source;
    PointedSource pointed;
    States states;
  };
  Encoded encode(const Sequences& source, const Context& context) const;
  /// Attention weights [examples, 1, source steps] of the step that follows these states.
  Tensor weights(const States& states, const AttendedSource& source) const;
};

}  // namespace adjoint::nn

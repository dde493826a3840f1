// Encoder and decoder made of recurrent layers: with one context for all steps, and with attention.
#pragma once

#include "nn/layers/attention.h"
#include "nn/layers/embedding.h"
#include "nn/layers/recurrent.h"
#include "nn/models/encoder_decoder.h"

namespace adjoint::nn {

struct RecurrentConfig {
  Index source_tokens = 0, target_tokens = 0;  ///< sizes of the vocabularies
  Cell cell = Cell::gru;
  Index embedding = 256;
  Index hidden = 256;
  Index layers = 2;      ///< of the encoder and of the decoder
  double dropout = 0.2;  ///< between layers; of attention weights
};

/// Embedding and recurrent layers. The table begins with variance 1: nothing is added to it.
struct RecurrentEncoder : Module {
  Embedding embedding;
  Recurrent recurrent;

  RecurrentEncoder(const RecurrentConfig& config, Key key);
  void fields(Fields& visit) override { visit("embedding", embedding)("recurrent", recurrent); }

  /// The output in the order of time, [real rows, hidden], and the states after each source.
  Recurrent::Result operator()(const Sequences& source, const TimeOrder& order,
                               const Context& context) const;
};

/// Embedding, recurrent layers that take a context beside each token, and the projection to tokens.
struct RecurrentDecoder : Module {
  Embedding embedding;
  Recurrent recurrent;  // of [token's embedding, context]
  Linear output;        // hidden to tokens

  RecurrentDecoder(const RecurrentConfig& config, Key key);
  void fields(Fields& visit) override {
    visit("embedding", embedding)("recurrent", recurrent)("output", output);
  }
};

/// The encoder's last states are what the decoder begins with, and the last layer's h is the
/// context that it sees beside each token. (Cho et al. 2014; with LSTM cells see Sutskever et al.
/// 2014.)
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

/// What a decoder attends to, for each example: [examples, steps, …] of its source, padded.
struct AttendedSource {
  Tensor keys, values;  // [examples, steps, hidden]; keys are projected
  Tensor allowed;       // b8 [examples, 1, steps]

  /// The first so many examples.
  AttendedSource first(Index count) const;
};

/// As above, but the context is made anew at each step: additive attention of the last layer's h to
/// the encoder's output. (Bahdanau et al. 2015, with the encoder in one direction.)
struct BahdanauSeq2Seq : EncoderDecoder {
  RecurrentConfig config;
  RecurrentEncoder encoder;
  RecurrentDecoder decoder;
  AdditiveAttention attention;

  BahdanauSeq2Seq(const RecurrentConfig& config, Key key);
  void fields(Fields& visit) override {
    visit("encoder", encoder)("decoder", decoder)("attention", attention);
  }

  Tensor logits(const Sequences& source, const Sequences& target,
                const Context& context) const override;
  std::unique_ptr<Decoding> decode(const Sequences& source, Index capacity) const override;
  /// How much each step of the target looks at each row of the source: [batch, target steps, source
  /// steps], zeros at padding.
  Tensor weights(const Sequences& source, const Sequences& target) const;

  /// The encoder's part: what to attend to and the states to begin with.
  struct Encoded {
    AttendedSource source;
    States states;
  };
  Encoded encode(const Sequences& source, const Context& context) const;
  /// Attention weights [examples, 1, source steps] of the step that follows these states.
  Tensor weights(const States& states, const AttendedSource& source) const;

 private:
  struct Run {
    Tensor hidden, weights;  // in the order of time: [real rows, hidden], [real rows, source steps]
  };
  Run run(const Sequences& source, const Sequences& target, const TimeOrder& order,
          const Context& context) const;
};

}  // namespace adjoint::nn

#include "nn/models/ensemble.h"
#include "nn/models/recurrent_seq2seq.h"
#include "nn/training/alignment.h"
#include "tests/checks/selfcheck/module_check.h"

namespace adjoint::checks {
namespace {

using namespace nn;
using testing::In;

constexpr Index tokens = 40;

TransformerConfig config(NormPlacement norm) {
  TransformerConfig result;  // 2 + 2 blocks
  result.width = 64;
  result.source_tokens = result.target_tokens = tokens;
  result.norm = norm;
  return result;
}

RecurrentConfig recurrent_config(Cell cell) {
  return {.source_tokens = tokens,
          .target_tokens = tokens,
          .cell = cell,
          .embedding = 32,
          .hidden = 48};  // 2 + 2 layers
}

// Lets every second token of a source be copied, some as ids beyond the vocabulary, and ends each
// target with such a copy.
void let_copy(std::vector<Ids>& sources, std::vector<Ids>& targets) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (std::size_t j = 0; j < sources[i].size(); j += 2)
      sources[i][j] = copyable(sources[i][j], j == 0 ? tokens : sources[i][j], tokens);
    targets[i].insert(targets[i].end() - 1, tokens);
  }
}

// Each target token with one source token or two, and some with none.
std::vector<Links> links_of(const std::vector<Ids>& sources, const std::vector<Ids>& inputs) {
  std::vector<Links> links;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Links& own = links.emplace_back();
    for (Index target = 0; target < std::ssize(inputs[i]); target += 1 + target % 2)
      for (Index source = target % 2; source < 2; ++source) own.emplace_back(source, target);
  }
  return links;
}

// The loss of a batch of random sentences, as training computes it; with that of guided attention
// if there is a layer to guide.
template <class Model>
Check loss_check(const Model& made, In layout, const std::string& guided = "") {
  testing::Dice dice(Key(5));
  std::vector<Ids> sources = testing::random_sequences(dice, 4, 2, 7, tokens);
  std::vector<Ids> targets = testing::framed(testing::random_sequences(dice, 4, 1, 6, tokens));
  const bool copies = made.config.ids_beyond > 0;
  if (copies) let_copy(sources, targets);
  std::vector<Ids> inputs, outputs;  // without the end, without the beginning
  for (const Ids& target : targets) {
    inputs.emplace_back(target.begin(), target.end() - 1);
    outputs.emplace_back(target.begin() + 1, target.end());
  }
  const Sequences source = testing::batch(sources, layout), input = testing::batch(inputs, layout);
  const Tensor expected = testing::batch(outputs, layout).ids;
  const std::vector<Links> links = links_of(sources, inputs);
  return module_check("", made, {}, [=](const Model& model, const Tensors&) {
    const Context context = Context::training(Key(7));
    AttentionWeights seen;
    const Tensor logits =
        model.logits(source, input, guided.empty() ? context : context.watching(seen, guided));
    const Tensor loss = masked_cross_entropy(logits, expected, 0, copies ? 0 : 0.1).sum;
    return guided.empty() ? loss : loss + alignment_loss(seen.at(guided), 0, links).sum;
  });
}

// Models that answer together, whose own parameters are checked.
struct Members : Module {
  Transformer transformer;
  BahdanauSeq2Seq recurrent;
  struct {
    Index ids_beyond = 0;
  } config;

  Members(const TransformerConfig& t, const RecurrentConfig& r, Key key)
      : transformer(t, key.child("transformer")), recurrent(r, key.child("recurrent")) {}
  void fields(Fields& visit) override { visit("transformer", transformer)("recurrent", recurrent); }
  Tensor logits(const Sequences& source, const Sequences& target, const Context& context) const {
    const Ensemble together(
        {std::make_shared<Transformer>(transformer), std::make_shared<BahdanauSeq2Seq>(recurrent)});
    return together.logits(source, target, context);
  }
};

}  // namespace

Section models() {
  TransformerConfig post = config(NormPlacement::post), pre = config(NormPlacement::pre);
  pre.activation = Activation::gelu;
  pre.positions = Positions::learned;
  pre.attention_bias = Bias::yes;
  TransformerConfig filters = config(NormPlacement::pre), relative = config(NormPlacement::post);
  filters.positions = Positions::convolutional;
  filters.position_mode = PositionMode::concatenate;
  filters.position_place = PositionPlace::each_block;
  relative.positions = Positions::relative;
  relative.max_distance = 2;
  TransformerConfig other = config(NormPlacement::pre);
  other.normalization = Normalization::rms;
  other.activation = Activation::swiglu;
  other.tied_embeddings = TiedEmbeddings::all;
  TransformerConfig uneven = config(NormPlacement::post);
  uneven.decoder_width = 32;
  uneven.score = Score::bilinear;
  TransformerConfig copying = config(NormPlacement::pre);
  copying.ids_beyond = 2;
  RecurrentConfig both_ways = recurrent_config(Cell::lstm);
  both_ways.encoder_directions = Directions::both;
  RecurrentConfig copying_gru = recurrent_config(Cell::gru);
  copying_gru.ids_beyond = 2;
  TransformerConfig small = config(NormPlacement::pre);
  small.width = small.hidden = 16;
  small.encoder_blocks = small.decoder_blocks = 1;
  RecurrentConfig small_gru = recurrent_config(Cell::gru);
  small_gru.embedding = small_gru.hidden = 12;
  small_gru.layers = 1;
  const RecurrentConfig gru = recurrent_config(Cell::gru), lstm = recurrent_config(Cell::lstm);
  const Key key(6);
  return {
      "model",
      {{"Transformer, post-norm, relu, padded", {loss_check(Transformer(post, key), In::padded)}},
       {"Transformer, pre-norm, gelu, packed", {loss_check(Transformer(pre, key), In::packed)}},
       {"Transformer, convolutional, packed", {loss_check(Transformer(filters, key), In::packed)}},
       {"Transformer, relative, padded", {loss_check(Transformer(relative, key), In::padded)}},
       {"Transformer, RMS norm, SwiGLU, tied, packed",
        {loss_check(Transformer(other, key), In::packed)}},
       {"Transformer, bilinear, a narrower decoder, packed",
        {loss_check(Transformer(uneven, key), In::packed)}},
       {"Transformer with a pointer, packed", {loss_check(Transformer(copying, key), In::packed)}},
       {"Transformer with a guided head, packed",
        {loss_check(Transformer(post, key), In::packed, "decoder.blocks.1.cross_attention")}},
       {"GRU encoder-decoder, padded", {loss_check(RecurrentSeq2Seq(gru, key), In::padded)}},
       {"LSTM encoder-decoder, packed", {loss_check(RecurrentSeq2Seq(lstm, key), In::packed)}},
       {"Bahdanau attention, packed", {loss_check(BahdanauSeq2Seq(gru, key), In::packed)}},
       {"Bahdanau attention, guided, padded",
        {loss_check(BahdanauSeq2Seq(gru, key), In::padded, "attention")}},
       {"Bahdanau attention, an encoder in both directions, packed",
        {loss_check(BahdanauSeq2Seq(both_ways, key), In::packed)}},
       {"Bahdanau attention with a pointer, padded",
        {loss_check(BahdanauSeq2Seq(copying_gru, key), In::padded)}},
       {"an ensemble of a Transformer and Bahdanau attention, packed",
        {loss_check(Members(small, small_gru, key), In::packed)}}}};
}

}  // namespace adjoint::checks

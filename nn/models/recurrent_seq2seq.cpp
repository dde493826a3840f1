#include "nn/models/recurrent_seq2seq.h"

namespace adjoint::nn {
namespace {

// A table of variance 1, not scaled.
Embedding unit_embedding(Index tokens, Index width, Key key) {
  Embedding result(tokens, width, key, Scaled::no);
  result.table = normal_weight({tokens, width}, 1, key);
  return result;
}

const RecurrentConfig& checked(const RecurrentConfig& c) {
  require(c.source_tokens > 0 && c.target_tokens > 0, "recurrent: the vocabularies are empty");
  require(c.ids_beyond >= 0, "recurrent: ids_beyond must be at least 0, is ", c.ids_beyond);
  require(c.ids_beyond == 0 || (c.unknown >= 0 && c.unknown < c.target_tokens),
          "recurrent: unknown ", c.unknown, " is not one of ", c.target_tokens, " target tokens");
  require(c.embedding > 0, "recurrent: the embedding must have at least 1 feature, has ",
          c.embedding);
  return c;
}

Layout as_padded(const Layout& layout) { return Layout::padded(layout.lengths(), layout.steps()); }

void require_pairs(const Sequences& source, const Sequences& target) {
  require(source.layout.examples() == target.layout.examples(),
          "recurrent: ", source.layout.examples(), " sources for ", target.layout.examples(),
          " targets");
}

AttendedSource mapped(const AttendedSource& source, const std::function<Tensor(const Tensor&)>& f) {
  return {f(source.keys), f(source.values), f(source.allowed)};
}

// Σ weights · values for each example: [examples, hidden].
Tensor average(const Tensor& weights, const Tensor& values) {
  const Tensor sums = matmul(weights, values);  // [examples, 1, hidden]
  return reshape(sums, {sums.size(0), sums.size(2)});
}

// What a decoding model copies from, if it has a pointer.
struct Copying {
  const Pointer* pointer = nullptr;
  PointedSource source = {};
  Index unknown = 0;
};

// Step-by-step decoding. The models differ in the context [batch, hidden] of a step, a function of
// the states and of what is kept of the source, [batch, …].
class StepByStep final : public Decoding {
 public:
  using ContextOf = std::function<Tensor(const States&, const Tensors& source)>;
  StepByStep(const RecurrentDecoder& decoder, States states, Tensors source, ContextOf context,
             Index capacity, Copying copying = {})
      : decoder_(decoder),
        states_(std::move(states)),
        source_(std::move(source)),
        context_(std::move(context)),
        copying_(std::move(copying)),
        capacity_(capacity) {}

  Tensor step(const Tensor& ids) override {
    const Index batch = states_.front().hidden.size(0);
    require(position_ < capacity_, "decoding: step ", position_, " of ", capacity_);
    require(ids.shape() == Shape{batch}, "decoding: ids ", ids.shape(), " for ", batch,
            " sequences");
    const NoRecording guard;
    ++position_;
    const auto& [pointer, pointed, unknown] = copying_;
    const Tensor read =
        pointer ? with_unknown(ids, decoder_.embedding.table.size(0), unknown) : ids;
    const Tensor x = concat({decoder_.embedding(read), context_(states_, source_)}, 1);
    const Tensor h = decoder_.recurrent.step(x, states_);  // [batch, hidden]
    const Tensor logits = decoder_.output(h);              // [batch, tokens]
    if (!pointer) return logits;
    return (*pointer)(h, logits,
                      Layout::packed(std::vector<Index>(static_cast<std::size_t>(batch), 1)),
                      pointed, Context::inference());
  }

  void select(std::span<const Index> rows) override {
    require_rows(rows, states_.front().hidden.size(0));
    const NoRecording guard;
    const Tensor chosen = indices(rows);
    states_ = mapped(states_, [&](const Tensor& x) { return gather(x, chosen); });
    for (Tensor& x : source_) x = gather(x, chosen);
    if (copying_.pointer) copying_.source = copying_.source.select(chosen);
  }

 private:
  const RecurrentDecoder& decoder_;
  States states_;
  Tensors source_;
  ContextOf context_;
  Copying copying_;
  Index capacity_, position_ = 0;
};

}  // namespace

// ---- Encoder and decoder -----------------------------------------------------------------------

RecurrentEncoder::RecurrentEncoder(const RecurrentConfig& c, Key key)
    : embedding(unit_embedding(c.source_tokens, c.embedding, key.child("embedding"))),
      recurrent(c.cell, c.embedding, c.hidden, c.layers, c.dropout, key.child("recurrent"),
                c.encoder_directions) {}

Recurrent::Result RecurrentEncoder::operator()(const Sequences& source, const TimeOrder& order,
                                               const Context& context) const {
  const Tensor embedded = embedding(order.arrange(source.ids));  // [real rows, embedding]
  return recurrent.in_order(embedded, order, context.child("recurrent"));
}

RecurrentDecoder::RecurrentDecoder(const RecurrentConfig& c, Key key)
    : embedding(unit_embedding(c.target_tokens, c.embedding, key.child("embedding"))),
      recurrent(c.cell, c.embedding + c.hidden, c.hidden, c.layers, c.dropout,
                key.child("recurrent")),
      output(c.hidden, c.target_tokens, key.child("output")) {}

// ---- One context -------------------------------------------------------------------------------

RecurrentSeq2Seq::RecurrentSeq2Seq(const RecurrentConfig& c, Key key)
    : config(checked(c)), encoder(c, key.child("encoder")), decoder(c, key.child("decoder")) {
  require(c.ids_beyond == 0, "recurrent: copying needs a model with attention");
  name_parameters(*this);
}

Tensor RecurrentSeq2Seq::logits(const Sequences& source, const Sequences& target,
                                const Context& context) const {
  require_pairs(source, target);
  const States states = encoder(source, TimeOrder(source.layout), context.child("encoder")).states;
  const TimeOrder order(target.layout);
  const Tensor embedded = decoder.embedding(order.arrange(target.ids));  // [real rows, embedding]
  const Tensor last = order.spread(states.back().hidden);                // [real rows, hidden]
  const Tensor hidden = decoder.recurrent
                            .in_order(concat({embedded, last}, 1), order,
                                      context.child("decoder").child("recurrent"), states)
                            .output;
  return decoder.output(order.restore(hidden));  // […, tokens]
}

std::unique_ptr<Decoding> RecurrentSeq2Seq::decode(const Sequences& source, Index capacity) const {
  const NoRecording guard;
  const States states = encoder(source, TimeOrder(source.layout), Context::inference()).states;
  const auto context = [](const States&, const Tensors& last) { return last[0]; };
  return std::make_unique<StepByStep>(decoder, states, Tensors{states.back().hidden}, context,
                                      capacity);
}

// ---- Attention ---------------------------------------------------------------------------------

BahdanauSeq2Seq::BahdanauSeq2Seq(const RecurrentConfig& c, Key key)
    : config(checked(c)),
      encoder(c, key.child("encoder")),
      decoder(c, key.child("decoder")),
      attention(c.hidden, c.hidden, c.hidden, c.dropout, key.child("attention")) {
  if (c.ids_beyond > 0) pointer.emplace(c.hidden, c.hidden, c.ids_beyond, key.child("pointer"));
  name_parameters(*this);
}

BahdanauSeq2Seq::Encoded BahdanauSeq2Seq::encode(const Sequences& source,
                                                 const Context& context) const {
  const TimeOrder order(source.layout);
  std::optional<CopyableSource> copied;
  if (pointer) copied.emplace(source, config.source_tokens, config.columns());
  Recurrent::Result encoded =
      encoder(copied ? copied->reads : source, order, context.child("encoder"));
  const Layout padded = as_padded(source.layout);
  const Tensor values = TimeOrder(padded).restore(encoded.output);  // [examples, steps, hidden]
  const Mask mask(Layout::full(padded.examples(), 1), padded);
  return {{attention.key(values), values, mask.dense()},
          pointer ? pointer->source(values, padded, copied->writes) : PointedSource(),
          std::move(encoded.states)};
}

Tensor BahdanauSeq2Seq::weights(const States& states, const AttendedSource& source) const {
  const Tensor& query = states.back().hidden;
  return attention.weights_of_projected(reshape(query, query.shape().inserted(1, 1)), source.keys,
                                        source.allowed);  // [examples, 1, steps]
}

Tensor BahdanauSeq2Seq::logits(const Sequences& source, const Sequences& target,
                               const Context& context) const {
  require_pairs(source, target);
  const TimeOrder order(target.layout);
  const Encoded encoded = encode(source, context);
  const auto sorted = [&](const Tensor& x) { return order.sort(x); };
  AttendedSource attended = mapped(encoded.source, sorted);
  States states = mapped(encoded.states, sorted);
  const Context here = context.child("decoder"), looking = context.child("attention");
  const NameScope scope(here.path());
  const std::vector<StepDropout> between = decoder.recurrent.dropouts(here.child("recurrent"));
  const StepDropout dropped(attention.drop, looking);

  const Tensor ids =
      pointer ? with_unknown(target.ids, config.target_tokens, config.unknown) : target.ids;
  const Tensor embedded = decoder.embedding(order.arrange(ids));  // [real rows, embedding]
  const Tensors tokens = split(embedded, 0, order.counts());      // [count, embedding]
  const Tensors numbers = split(order.row_numbers(), 0, order.counts());
  const DType dtype = embedded.dtype();
  Tensors hidden = {zeros({0, config.hidden}, dtype)};  // in case there is no step
  Tensors all_weights = {zeros({0, attended.keys.size(1)}, dtype)};
  for (std::size_t step = 0; step < tokens.size(); ++step) {
    const Index count = tokens[step].size(0);
    if (count < attended.keys.size(0)) {
      const auto first = [=](const Tensor& x) { return slice(x, 0, 0, count); };
      states = mapped(std::move(states), first);
      attended = mapped(attended, first);
    }
    const Tensor attends = weights(states, attended);  // [count, 1, source steps]
    const Tensor seen = average(dropped(attends, numbers[step]), attended.values);
    const Tensor x = concat({tokens[step], seen}, 1);  // [count, embedding + hidden]
    hidden.push_back(decoder.recurrent.step(x, states, between, numbers[step]));
    all_weights.push_back(reshape(attends, {count, attends.size(2)}));
  }
  if (looking.watches_attention()) {
    const Tensor all = TimeOrder(as_padded(target.layout)).restore(concat(all_weights, 0));
    looking.see_attention(reshape(all, all.shape().inserted(1, 1)));  // [batch, 1, target, source]
  }
  const Tensor h = order.restore(concat(hidden, 0));  // […, hidden]
  const Tensor logits = decoder.output(h);            // […, tokens]
  if (!pointer) return logits;
  return (*pointer)(h, logits, target.layout, encoded.pointed,
                    context.child("pointer"));  // […, columns]
}

std::unique_ptr<Decoding> BahdanauSeq2Seq::decode(const Sequences& source, Index capacity) const {
  const NoRecording guard;
  Encoded encoded = encode(source, Context::inference());
  const auto context = [this](const States& states, const Tensors& kept) {
    return average(weights(states, {kept[0], kept[1], kept[2]}), kept[1]);
  };
  return std::make_unique<StepByStep>(
      decoder, std::move(encoded.states),
      Tensors{encoded.source.keys, encoded.source.values, encoded.source.allowed}, context,
      capacity,
      pointer ? Copying{&*pointer, std::move(encoded.pointed), config.unknown} : Copying());
}

}  // namespace adjoint::nn

#include "nn/models/recurrent_seq2seq.h"

namespace adjoint::nn {

// ---- Encoder and decoder -----------------------------------------------------------------------

namespace {

// Entries of variance 1, not scaled.
Embedding unit_embedding(Index tokens, Index width, Key key) {
  Embedding result(tokens, width, key, Scaled::no);
  result.table = normal_weight({tokens, width}, 1, key);
  return result;
}

const RecurrentConfig& checked(const RecurrentConfig& c) {
  require(c.source_tokens > 0 && c.target_tokens > 0, "recurrent: the vocabularies are empty");
  require(c.embedding > 0, "recurrent: an embedding of ", c.embedding, " features");
  return c;
}

void require_pairs(const Sequences& source, const Sequences& target) {
  require(source.layout.examples() == target.layout.examples(),
          "recurrent: ", source.layout.examples(), " sources for ", target.layout.examples(),
          " targets");
}

}  // namespace

RecurrentEncoder::RecurrentEncoder(const RecurrentConfig& c, Key key)
    : embedding(unit_embedding(c.source_tokens, c.embedding, key.child("embedding"))),
      recurrent(c.cell, c.embedding, c.hidden, c.layers, c.dropout, key.child("recurrent")) {}

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

namespace {

// What both models do step by step: only the context differs.
class StepByStep : public Decoding {
 public:
  StepByStep(const RecurrentDecoder& decoder, States states, Index capacity)
      : states_(std::move(states)), decoder_(decoder), capacity_(capacity) {}

  Tensor step(const Tensor& ids) final {
    const Index batch = states_.front().hidden.size(0);
    require(position_ < capacity_, "decoding: step ", position_, " of ", capacity_);
    require(ids.shape() == Shape{batch}, "decoding: ids ", ids.shape(), " for ", batch,
            " sequences");
    const NoRecording guard;
    ++position_;
    const Tensor x = concat({decoder_.embedding(ids), context()}, 1);
    return decoder_.output(decoder_.recurrent.step(x, states_));  // [batch, tokens]
  }

  void select(std::span<const Index> rows) final {
    const Index batch = states_.front().hidden.size(0);
    for (const Index row : rows)
      require(row >= 0 && row < batch, "decoding: row ", row, " of a batch of ", batch);
    const NoRecording guard;
    const Tensor chosen = from(rows, {static_cast<Index>(rows.size())});
    states_ = mapped(states_, [&](const Tensor& x) { return gather(x, chosen); });
    select_source(chosen);
  }

 protected:
  virtual Tensor context() const = 0;  // [batch, hidden]
  virtual void select_source(const Tensor& rows) = 0;
  States states_;

 private:
  const RecurrentDecoder& decoder_;
  Index capacity_, position_ = 0;
};

}  // namespace

// ---- One context -------------------------------------------------------------------------------

RecurrentSeq2Seq::RecurrentSeq2Seq(const RecurrentConfig& c, Key key)
    : config(checked(c)), encoder(c, key.child("encoder")), decoder(c, key.child("decoder")) {
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

namespace {

class FixedContext final : public StepByStep {
 public:
  FixedContext(const RecurrentDecoder& decoder, const States& states, Index capacity)
      : StepByStep(decoder, states, capacity), context_(states.back().hidden) {}

 private:
  Tensor context() const override { return context_; }
  void select_source(const Tensor& rows) override { context_ = gather(context_, rows); }
  Tensor context_;
};

}  // namespace

std::unique_ptr<Decoding> RecurrentSeq2Seq::decode(const Sequences& source, Index capacity) const {
  const NoRecording guard;
  const States states = encoder(source, TimeOrder(source.layout), Context::inference()).states;
  return std::make_unique<FixedContext>(decoder, states, capacity);
}

// ---- Attention ---------------------------------------------------------------------------------

AttendedSource AttendedSource::first(Index count) const {
  if (count == keys.size(0)) return *this;
  const auto part = [=](const Tensor& x) { return slice(x, 0, 0, count); };
  return {part(keys), part(values), part(allowed)};
}

BahdanauSeq2Seq::BahdanauSeq2Seq(const RecurrentConfig& c, Key key)
    : config(checked(c)),
      encoder(c, key.child("encoder")),
      decoder(c, key.child("decoder")),
      attention(c.hidden, c.hidden, c.hidden, c.dropout, key.child("attention")) {
  name_parameters(*this);
}

BahdanauSeq2Seq::Encoded BahdanauSeq2Seq::encode(const Sequences& source,
                                                 const Context& context) const {
  const TimeOrder order(source.layout);
  Recurrent::Result encoded = encoder(source, order, context.child("encoder"));
  const Tensor values = order.restore_padded(encoded.output);  // [examples, steps, hidden]
  const Layout padded = Layout::padded(source.layout.lengths(), values.size(1));
  const Mask mask(Layout::full(padded.examples(), 1), padded);
  return {{attention.key(values), values, mask.dense()}, std::move(encoded.states)};
}

Tensor BahdanauSeq2Seq::weights(const States& states, const AttendedSource& source) const {
  const Tensor& query = states.back().hidden;
  return attention.weights_of_projected(reshape(query, query.shape().inserted(1, 1)), source.keys,
                                        source.allowed);  // [examples, 1, steps]
}

namespace {

// Σ weights · values for each example: [examples, hidden].
Tensor average(const Tensor& weights, const Tensor& values) {
  const Tensor sums = matmul(weights, values);  // [examples, 1, hidden]
  return reshape(sums, {sums.size(0), sums.size(2)});
}

}  // namespace

BahdanauSeq2Seq::Run BahdanauSeq2Seq::run(const Sequences& source, const Sequences& target,
                                          const TimeOrder& order, const Context& context) const {
  require_pairs(source, target);
  const Encoded encoded = encode(source, context);
  const auto sorted = [&](const Tensor& x) { return order.sort(x); };
  AttendedSource attended{sorted(encoded.source.keys), sorted(encoded.source.values),
                          sorted(encoded.source.allowed)};
  ShrinkingStates states(mapped(encoded.states, sorted));
  const Context here = context.child("decoder");
  const NameScope scope(here.path());
  const std::vector<StepDropout> between = decoder.recurrent.dropouts(here.child("recurrent"));
  const StepDropout dropped(attention.drop, context.child("attention"));

  const Tensor embedded = decoder.embedding(order.arrange(target.ids));  // [real rows, embedding]
  const Tensors tokens = split(embedded, 0, order.counts());             // [count, embedding]
  const Tensors numbers = split(order.row_numbers(), 0, order.counts());
  const DType dtype = embedded.dtype();  // there may be no step
  Tensors hidden = {zeros({0, config.hidden}, dtype)};
  Tensors all_weights = {zeros({0, attended.keys.size(1)}, dtype)};
  for (std::size_t step = 0; step < tokens.size(); ++step) {
    const Index count = tokens[step].size(0);
    States& running = states.keep(count);
    attended = attended.first(count);
    const Tensor looks = weights(running, attended);  // [count, 1, source steps]
    const Tensor seen = average(dropped(looks, numbers[step]), attended.values);
    const Tensor x = concat({tokens[step], seen}, 1);  // [count, embedding + hidden]
    hidden.push_back(decoder.recurrent.step(x, running, between, numbers[step]));
    all_weights.push_back(reshape(looks, {count, looks.size(2)}));
  }
  Run result{concat(hidden, 0), concat(all_weights, 0)};
  if (context.watches_attention()) {
    const Tensor seen =
        order.restore_padded(result.weights);  // [batch, target steps, source steps]
    context.child("attention").see_attention(reshape(seen, seen.shape().inserted(1, 1)));
  }
  return result;
}

Tensor BahdanauSeq2Seq::logits(const Sequences& source, const Sequences& target,
                               const Context& context) const {
  const TimeOrder order(target.layout);
  return decoder.output(order.restore(run(source, target, order, context).hidden));
}

Tensor BahdanauSeq2Seq::weights(const Sequences& source, const Sequences& target) const {
  const TimeOrder order(target.layout);
  return order.restore_padded(run(source, target, order, Context::inference()).weights);
}

namespace {

class AttendedContext final : public StepByStep {
 public:
  AttendedContext(const BahdanauSeq2Seq& model, BahdanauSeq2Seq::Encoded encoded, Index capacity)
      : StepByStep(model.decoder, std::move(encoded.states), capacity),
        model_(model),
        source_(std::move(encoded.source)) {}

 private:
  Tensor context() const override {
    return average(model_.weights(states_, source_), source_.values);
  }
  void select_source(const Tensor& rows) override {
    source_ = {gather(source_.keys, rows), gather(source_.values, rows),
               gather(source_.allowed, rows)};
  }
  const BahdanauSeq2Seq& model_;
  AttendedSource source_;
};

}  // namespace

std::unique_ptr<Decoding> BahdanauSeq2Seq::decode(const Sequences& source, Index capacity) const {
  const NoRecording guard;
  return std::make_unique<AttendedContext>(*this, encode(source, Context::inference()), capacity);
}

}  // namespace adjoint::nn

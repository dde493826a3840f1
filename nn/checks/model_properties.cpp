// The checks of properties.h for models that map token sequences to logits.
#include "autograd/ops.h"
#include "nn/checks/properties.h"

namespace adjoint::nn {
namespace {

void require_padded(const char* property, const Sequences& source, const Sequences& target) {
  require(!source.layout.is_packed() && !target.layout.is_packed(), property,
          ": needs padded sequences, got packed ones");
}

Tensor lengths_of(const Sequences& sequences) {
  return from(sequences.layout.lengths(), {sequences.layout.examples()});
}

Sequences sequences_of(const Tensor& ids, const Tensor& lengths) {
  const auto values = lengths.values<Index>();
  return {ids, Layout::padded({values.begin(), values.end()}, ids.size(1))};
}

// (source ids [batch, steps], source lengths [batch], target ids, target lengths) to logits [batch,
// target steps, tokens].
Function logits_of(const EncoderDecoder& model) {
  return [&model](const Tensors& x) {
    return Tensors{
        model.logits(sequences_of(x[0], x[1]), sequences_of(x[2], x[3]), Context::inference())};
  };
}

PropertyOptions with_names(PropertyOptions options, std::vector<std::string> names) {
  if (options.names.empty()) options.names = std::move(names);
  return options;
}

}  // namespace

PropertyReport batch_independence(const EncoderDecoder& model, const Sequences& source,
                                  const Sequences& target, const PropertyOptions& options) {
  require_padded("batch independence", source, target);
  return batch_independence(
      logits_of(model), {source.ids, lengths_of(source), target.ids, lengths_of(target)},
      with_names(options, {"source ids", "source lengths", "target ids", "target lengths"}));
}

PropertyReport causality(const EncoderDecoder& model, const Sequences& source,
                         const Sequences& target, const PropertyOptions& options) {
  require_padded("causality", source, target);
  const Function f = [&](const Tensors& x) {
    return Tensors{model.logits(source, {x[0], target.layout}, Context::inference())};
  };
  return causality(f, {target.ids}, Sees::present, 1, with_names(options, {"target ids"}));
}

PropertyReport padding_invariance(const EncoderDecoder& model, const Sequences& source,
                                  const Sequences& target, const PropertyOptions& options) {
  require_padded("padding invariance", source, target);
  const Tensors lengths = {lengths_of(source), lengths_of(target)};
  return padding_invariance(
      [&](const Tensors& x) {
        return logits_of(model)({x[0], lengths[0], x[1], lengths[1]});
      },
      {source.ids, target.ids}, {.inputs = lengths, .outputs = {lengths[1]}},
      with_names(options, {"source ids", "target ids"}));
}

PropertyReport cached_decoding(const EncoderDecoder& model, const Sequences& source,
                               const Sequences& target, const PropertyOptions& options) {
  require_padded("cached decoding", source, target);
  const Index batch = target.ids.size(0), steps = target.ids.size(1);
  const auto full = [&](const Tensor& ids) {
    return model.logits(source, {ids, Layout::full(batch, steps)}, Context::inference());
  };
  const auto start = [&]() -> Step {
    const std::shared_ptr<Decoding> decoding = model.decode(source, steps);
    return [decoding](const Tensor& ids) { return decoding->step(ids); };
  };
  return cached_decoding(full, start, target.ids, options);
}

}  // namespace adjoint::nn

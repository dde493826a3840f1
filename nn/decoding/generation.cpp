#include "nn/decoding/generation.h"

namespace adjoint::nn {
namespace {

std::vector<Hypothesis> generate_batch(const EncoderDecoder& model, std::span<const Ids> sources,
                                       Index first, const DecodingOptions& options,
                                       const ChooseToken& choose) {
  const NoRecording guard;
  const auto decoding =
      model.decode(Sequences::padded(sources, options.padding), options.max_length);
  const Index rows = std::ssize(sources);
  std::vector<Hypothesis> results(sources.size());
  Ids last(sources.size(), options.begin);
  Index unfinished = rows;
  for (Index step = 0; step < options.max_length && unfinished > 0; ++step) {
    const Tensor logits = decoding->step(from(last, {rows}));  // [rows, tokens]
    if (step == 0) options.check_vocabulary(logits.size(1));
    for (Index row = 0; row < rows; ++row) {
      Hypothesis& result = results[static_cast<std::size_t>(row)];
      if (result.ended) continue;  // its row is still computed, and ignored
      const Token token = choose(logits, row, Choice{first + row, step, options});
      last[static_cast<std::size_t>(row)] = token.id;
      result.log_probability += token.log_probability;
      result.ended = token.id == options.end;
      if (result.ended)
        --unfinished;
      else
        result.ids.push_back(token.id);
    }
  }
  for (Hypothesis& result : results) result.score = result.log_probability;
  return results;
}

}  // namespace

std::vector<Hypothesis> generate(const EncoderDecoder& model, std::span<const Ids> sources,
                                 const DecodingOptions& options, const ChooseToken& choose) {
  options.check(sources.size());
  return in_batches<Hypothesis>(sources, rows_per_batch,
                                [&](std::span<const Ids> batch, Index first) {
                                  return generate_batch(model, batch, first, options, choose);
                                });
}

}  // namespace adjoint::nn

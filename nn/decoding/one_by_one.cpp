#include "nn/decoding/one_by_one.h"

namespace adjoint::nn {
namespace {

std::vector<Hypothesis> decode_part(const EncoderDecoder& model, std::span<const Ids> sources,
                                    Index first, const DecodingOptions& options,
                                    const Choose& choose) {
  const NoRecording guard;
  const auto decoding =
      model.decode(Sequences::padded(sources, options.padding), options.max_length);
  const auto rows = static_cast<Index>(sources.size());
  std::vector<Hypothesis> results(sources.size());
  Ids last(sources.size(), options.begin);
  Index open = rows;
  for (Index step = 0; step < options.max_length && open > 0; ++step) {
    const Tensor logits = decoding->step(from(last, {rows}));  // [rows, tokens]
    if (step == 0) require_vocabulary(options, logits.size(1));
    for (Index row = 0; row < rows; ++row) {
      Hypothesis& result = results[static_cast<std::size_t>(row)];
      if (result.ended) continue;  // goes on with ends, which nobody reads
      const Token token = choose(logits, row, Choice(first + row, step, options));
      last[static_cast<std::size_t>(row)] = token.id;
      result.log_probability += token.log_probability;
      result.ended = token.id == options.end;
      if (result.ended)
        --open;
      else
        result.ids.push_back(token.id);
    }
  }
  for (Hypothesis& result : results) result.score = result.log_probability;
  return results;
}

}  // namespace

std::vector<Hypothesis> decode_one_by_one(const EncoderDecoder& model, std::span<const Ids> sources,
                                          const DecodingOptions& options, const Choose& choose) {
  require_options(options, sources.size());
  return decode_in_parts<Hypothesis>(sources, rows_of_part,
                                     [&](std::span<const Ids> part, Index first) {
                                       return decode_part(model, part, first, options, choose);
                                     });
}

}  // namespace adjoint::nn

#include "nn/decoding/scoring.h"

#include "nn/decoding/next_token.h"

namespace adjoint::nn {

std::vector<PairScore> score(const EncoderDecoder& model, std::span<const Ids> sources,
                             std::span<const Ids> targets, const DecodingOptions& options) {
  require(sources.size() == targets.size(), "score: ", sources.size(), " sources and ",
          targets.size(), " targets");
  return in_batches(sources, rows_per_batch, [&](std::span<const Ids> batch, Index first) {
    std::vector<Ids> inputs, outputs;
    for (const Ids& target : targets.subspan(static_cast<std::size_t>(first), batch.size())) {
      Ids& output = outputs.emplace_back(target);
      if (options.end != none) output.push_back(options.end);
      Ids& input = inputs.emplace_back(output);
      input.insert(input.begin(), options.begin);
      input.pop_back();
    }
    const Tensor logits = model.logits(Sequences::padded(batch, options.padding),
                                       Sequences::padded(inputs, options.padding),
                                       Context::inference());  // [batch, steps, tokens]
    const Index steps = logits.size(1), tokens = logits.size(2);
    const Tensor rows =
        reshape(logits, {logits.size(0) * steps, tokens});  // [batch · steps, tokens]
    const DecodingOptions unrestricted;
    std::vector<PairScore> scores(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i)
      for (Index step = 0; step < std::ssize(outputs[i]); ++step) {
        const Choice choice{first + static_cast<Index>(i), step, unrestricted};
        const Index id = outputs[i][static_cast<std::size_t>(step)];
        require(id >= 0 && id < tokens, "score: target ", choice.source, " contains ", id,
                ", the model has ", tokens, " tokens");
        const NextToken next(rows, static_cast<Index>(i) * steps + step, choice);
        scores[i].tokens.push_back(next.log_probability(id));
        scores[i].likeliest.push_back(next.likeliest(1).front());
      }
    return scores;
  });
}

}  // namespace adjoint::nn

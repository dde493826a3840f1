#include "examples/seq2seq/model/pair_scores.h"

#include "autograd/support/error.h"
#include "data/pairs/batching.h"

namespace adjoint::seq2seq {

data::Tokens read_target(const Model& model, std::string_view line) {
  data::Tokens tokens = model.tokenizer.tokenize(line);
  const Index longest = model.settings.data.decoding_limit();
  require(std::ssize(tokens) <= longest, "a target of ", tokens.size(),
          " tokens; the model was made for up to ", longest);
  return tokens;
}

std::vector<nn::PairScore> score_pairs(const Model& model, const std::vector<data::Pair>& pairs) {
  std::vector<nn::Ids> sources, targets;
  for (const data::Pair& pair : pairs) {
    sources.push_back(data::encode_source(pair.source, model.source));
    targets.push_back(model.target.encode(pair.target));
  }
  return nn::score(*model.network, sources, targets,
                   {.begin = data::Vocabulary::bos,
                    .end = data::Vocabulary::eos,
                    .padding = data::Vocabulary::pad});
}

}  // namespace adjoint::seq2seq

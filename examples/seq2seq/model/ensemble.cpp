#include "examples/seq2seq/model/ensemble.h"

#include <algorithm>

#include "autograd/support/printable.h"
#include "nn/models/ensemble.h"

namespace adjoint::seq2seq {
namespace {

// The first difference; empty if there is none.
std::string difference(const char* side, const data::Tokenizer& a, const data::Tokenizer& b) {
  if (a == b) return "";
  if (a.kind != b.kind)
    return text_from("its --", side, "-tokenizer is ", b.name(), ", not ", a.name());
  return text_from("its subword model is another one");
}

std::string difference(const char* side, const data::Vocabulary& a, const data::Vocabulary& b) {
  for (Index id = 0; id < std::min(a.size(), b.size()); ++id)
    if (a.token(id) != b.token(id))
      return text_from("token ", id, " of its ", side, " vocabulary is '",
                       printable_line(b.token(id)), "', not '", printable_line(a.token(id)), "'");
  if (a.size() == b.size()) return "";
  return text_from("its ", side, " vocabulary has ", b.size(), " tokens, not ", a.size());
}

std::string difference_in_copying(const Model& a, const Model& b) {
  const bool copies = b.config.network.copies;
  if (copies != a.config.network.copies)
    return copies ? "it copies words of the source" : "it does not copy words of the source";
  if (a.config.ids_beyond() == b.config.ids_beyond()) return "";
  return text_from("its --max-tokens is ", b.config.tokens.max_tokens, ", not ",
                   a.config.tokens.max_tokens, ", in which models that copy must agree");
}

std::string first_difference(const Model& a, const Model& b) {
  for (const std::string& text :
       {difference("source", a.tokenizers.source, b.tokenizers.source),
        difference("target", a.tokenizers.target, b.tokenizers.target),
        difference("source", a.source, b.source), difference("target", a.target, b.target),
        difference_in_copying(a, b)})
    if (!text.empty()) return text;
  return "";
}

}  // namespace

Model ensemble(std::vector<Model> models, const std::vector<std::string>& names) {
  require(!models.empty(), "ensemble: there is no model");
  Model result = std::move(models.front());
  if (models.size() == 1) return result;
  std::vector<nn::Ensemble::Member> members;
  members.emplace_back(std::move(result.network));
  std::string& guided = result.settings.training.alignment_head;
  Index& max_tokens = result.config.tokens.max_tokens;
  for (std::size_t i = 1; i < models.size(); ++i) {
    const std::string different = first_difference(result, models[i]);
    require(different.empty(), names[i], ": cannot answer together with ", names.front(), ": ",
            different);
    if (models[i].settings.training.alignment_head != guided) guided.clear();
    max_tokens = std::min(max_tokens, models[i].config.tokens.max_tokens);
    members.emplace_back(std::move(models[i].network));
  }
  result.settings.data.max_tokens = max_tokens;
  result.network = std::make_unique<nn::Ensemble>(std::move(members));
  return result;
}

}  // namespace adjoint::seq2seq

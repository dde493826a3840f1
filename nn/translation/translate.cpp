#include "nn/translation/translate.h"

#include <map>

#include "nn/decoding/generation.h"
#include "nn/translation/encoding.h"

namespace adjoint::nn {
namespace {

// The best answer to each source. All have the same limit.
std::vector<Ids> best_answers(const TranslationModel& model, const std::vector<Ids>& sources,
                              Index max_length, const BeamOptions& beam) {
  DecodingOptions options = decoding_options();
  options.max_length = max_length;
  if (beam.width == 1) return greedy(*model.network, sources, options);
  std::vector<Ids> answers;
  for (const std::vector<Hypothesis>& found : beam_search(*model.network, sources, beam, options))
    answers.push_back(found.front().ids);
  return answers;
}

data::Tokens read_line(const TranslationModel& model, const std::string& line, std::size_t number) {
  try {
    return model.read_source(line);
  } catch (const Error& error) {
    fail("line ", number, ": ", error.what());
  }
}

}  // namespace

Index usual_limit(const TranslationConfig& config, const data::Tokens& source) {
  constexpr Index step = 8;
  const Index length = std::ssize(source) + 1;  // including the end
  return std::min(config.tokens.decoding_limit(), 2 * ((length + step - 1) / step * step) + 10);
}

DecodingOptions decoding_options() {
  using data::Vocabulary;
  return {.begin = Vocabulary::bos,
          .end = Vocabulary::eos,
          .padding = Vocabulary::pad,
          .never = {Vocabulary::pad, Vocabulary::bos}};
}

std::string translate(const TranslationModel& model, std::string_view line,
                      const BeamOptions& beam) {
  const data::Tokens source = model.read_source(line);
  if (source.empty()) return "";
  const std::vector<Ids> ids = {encode_source(model, source)};
  const std::vector<Ids> answers =
      best_answers(model, ids, usual_limit(model.config, source), beam);
  return model.tokenizers.target.detokenize(decode_target(model, source, answers.front()));
}

std::vector<std::string> translate(const TranslationModel& model,
                                   std::span<const std::string> lines, const BeamOptions& beam) {
  std::vector<data::Tokens> sources;
  std::map<Index, std::vector<std::size_t>> by_limit;  // numbers of lines
  for (std::size_t i = 0; i < lines.size(); ++i) {
    sources.push_back(read_line(model, lines[i], i + 1));
    if (!sources[i].empty()) by_limit[usual_limit(model.config, sources[i])].push_back(i);
  }
  std::vector<std::string> results(lines.size());
  for (const auto& [limit, numbers] : by_limit) {
    std::vector<Ids> ids;
    for (const std::size_t i : numbers) ids.push_back(encode_source(model, sources[i]));
    const std::vector<Ids> answers = best_answers(model, ids, limit, beam);
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      const std::size_t i = numbers[k];
      results[i] = model.tokenizers.target.detokenize(decode_target(model, sources[i], answers[k]));
    }
  }
  return results;
}

}  // namespace adjoint::nn

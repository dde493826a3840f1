#include "examples/seq2seq/model/translation.h"

#include <algorithm>

#include "autograd/support/error.h"
#include "autograd/support/printable.h"
#include "autograd/support/threads.h"
#include "nn/decoding/generation.h"
#include "nn/translation/encoding.h"
#include "nn/translation/translate.h"

namespace adjoint::seq2seq {
namespace {

constexpr Index batch_rows = 32;

void require_known(const std::vector<std::string>& words, const char* problem) {
  for (const std::string& word : words)
    fail("--prefix: ", problem, " '", printable_line(word), "'");
}

// A token of one side can stand among those of the other.
bool tokens_are_alike(const data::Tokenizers& tokenizers) {
  using Kind = data::Tokenizer::Kind;
  const auto is_word = [](Kind kind) { return kind == Kind::words || kind == Kind::blanks; };
  const Kind source = tokenizers.source.kind, target = tokenizers.target.kind;
  return source == target || (is_word(source) && is_word(target));
}

}  // namespace

std::vector<std::string> unknown_words(const data::Tokens& sentence,
                                       const data::Vocabulary& vocabulary) {
  std::vector<std::string> unknown;
  for (const std::string& word : sentence)
    if (!vocabulary.contains(word) && std::ranges::find(unknown, word) == unknown.end())
      unknown.push_back(word);
  return unknown;
}

// ---- Translating --------------------------------------------------------------------------------

Translator::Translator(const Model& model, const DecodingSettings& settings)
    : model_(model),
      settings_(settings),
      prefix_(model.tokenizers.target.tokenize(settings.prefix)) {
  if (!model.settings.model.copies)
    require_known(unknown_words(prefix_, model.target), "the model does not know");
  const Index limit = model.settings.data.decoding_limit();
  const Index longest = settings.max_length.value_or(limit);
  require(longest <= limit, "--max-length ", longest, ": the model writes at most ", limit,
          " tokens");
  require(settings.min_length <= longest, "--min-length ", settings.min_length,
          ": the model writes at most ", limit, " tokens");
  require(std::ssize(prefix_) <= longest, "--prefix has ", prefix_.size(),
          " tokens, but an answer has at most ", longest);
  if (const std::string option = settings.needs_attention(); !option.empty())
    heads_ =
        attention_heads(model,
                        settings.alignment_head.empty() ? model.settings.training.alignment_head
                                                        : settings.alignment_head,
                        option);
  require(!settings.copy_unknown || tokens_are_alike(model.tokenizers),
          "--copy-unknown: a token of the source cannot stand in an answer, since the sources are "
          "cut into ",
          model.settings.data.tokenizer_of_source(), " and the answers into ",
          model.settings.data.tokenizer_of_target());
}

std::vector<std::vector<Translation>> Translator::operator()(std::span<const data::Tokens> sources,
                                                             std::size_t first_number) const {
  std::vector<std::vector<Translation>> results(sources.size());
  const std::vector<std::vector<std::size_t>> all = batches(sources);
  parallel_tasks(std::ssize(all), [&](Index b) {
    const std::vector<std::size_t>& batch = all[static_cast<std::size_t>(b)];
    std::vector<Question> questions;
    for (const std::size_t i : batch)
      questions.push_back({encode_source(model_, sources[i]), encode_prefix(sources[i]),
                           static_cast<Index>(first_number + i)});
    const std::vector<Answers> found = search(questions, longest_answer(sources[batch.front()]));
    const bool attends = !heads_.empty();
    const std::vector<Tensor> weights =
        attends ? attention(questions, found) : std::vector<Tensor>();
    std::size_t number = 0;
    for (std::size_t i = 0; i < batch.size(); ++i)
      for (const nn::Hypothesis& answer : found[i])
        results[batch[i]].push_back(
            translation(sources[batch[i]], answer, attends ? weights[number++] : Tensor()));
  });
  return results;
}

// Sources of similar length share a batch, so there is little padding. The answers of a batch have
// one length limit.
std::vector<std::vector<std::size_t>> Translator::batches(
    std::span<const data::Tokens> sources) const {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < sources.size(); ++i)
    if (!sources[i].empty()) order.push_back(i);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return sources[i].size(); });

  const Index most = std::max<Index>(1, batch_rows / settings_.rows());
  std::vector<std::vector<std::size_t>> result;
  for (const std::size_t i : order) {
    const auto has_room = [&](const std::vector<std::size_t>& batch) {
      return std::ssize(batch) < most &&
             longest_answer(sources[batch.front()]) == longest_answer(sources[i]);
    };
    if (result.empty() || !has_room(result.back())) result.emplace_back();
    result.back().push_back(i);
  }
  return result;
}

Index Translator::longest_answer(const data::Tokens& source) const {
  if (settings_.max_length) return *settings_.max_length;
  return std::max(
      {nn::usual_limit(model_.config, source), settings_.min_length, std::ssize(prefix_)});
}

// A model that copies can begin with words of the source.
nn::Ids Translator::encode_prefix(const data::Tokens& source) const {
  require_known(words_out_of_reach(model_, source, prefix_),
                "neither the model nor the sentence has");
  return encode_target(model_, source, prefix_);
}

std::vector<Translator::Answers> Translator::search(const std::vector<Question>& questions,
                                                    Index max_length) const {
  nn::DecodingOptions options = nn::decoding_options();
  options.max_length = max_length;
  options.min_length = settings_.min_length;
  if (settings_.no_unknown) options.never.push_back(data::Vocabulary::unk);
  if (settings_.sample) return draw(questions, options);
  const nn::EncoderDecoder& network = *model_.network;
  std::vector<nn::Ids> sources;
  for (const auto& [source, prefix, number] : questions) {
    sources.push_back(source);
    if (!prefix.empty()) options.prefixes.push_back(prefix);
  }
  if (settings_.beam > 1)
    return nn::beam_search(network, sources, settings_.beam_options(), options);
  std::vector<Answers> answers;
  if (settings_.needs_scores())
    for (nn::Hypothesis& answer : nn::greedy_hypotheses(network, sources, options))
      answers.push_back({std::move(answer)});
  else
    for (nn::Ids& ids : nn::greedy(network, sources, options)) {
      const bool ended = std::ssize(ids) < max_length;
      answers.push_back({{.ids = std::move(ids), .ended = ended}});
    }
  return answers;
}

// Repeats each source once per answer, each time under a different number.
std::vector<Translator::Answers> Translator::draw(const std::vector<Question>& questions,
                                                  nn::DecodingOptions options) const {
  const auto times = static_cast<std::size_t>(settings_.answers());
  nn::SamplingOptions sampling = settings_.sampling_options();
  std::vector<nn::Ids> repeated;
  for (const auto& [source, prefix, number] : questions)
    for (std::size_t k = 0; k < times; ++k) {
      repeated.push_back(source);
      if (!prefix.empty()) options.prefixes.push_back(prefix);
      sampling.numbers.push_back(number * static_cast<Index>(times) + static_cast<Index>(k));
    }
  const Answers drawn = nn::sample(*model_.network, repeated, sampling, options);
  std::vector<Answers> answers(questions.size());
  for (std::size_t i = 0; i < drawn.size(); ++i) answers[i / times].push_back(drawn[i]);
  for (Answers& each : answers)
    std::ranges::stable_sort(each, std::greater(), &nn::Hypothesis::score);
  return answers;
}

// Of each answer, to one question after another, with the row of its end.
std::vector<Tensor> Translator::attention(const std::vector<Question>& questions,
                                          const std::vector<Answers>& answers) const {
  std::vector<nn::Ids> sources, targets;
  for (std::size_t i = 0; i < questions.size(); ++i)
    for (const nn::Hypothesis& answer : answers[i]) {
      sources.push_back(questions[i].source);
      targets.push_back(answer.ids);
    }
  return nn::soft_alignments(*model_.network, sources, targets, nn::decoding_options(), heads_);
}

// `weights` are undefined unless they are needed.
Translation Translator::translation(const data::Tokens& source, const nn::Hypothesis& answer,
                                    const Tensor& weights) const {
  Translation result{decode_target(model_, source, answer.ids), answer.score, weights};
  if (!weights.defined()) return result;
  const Index tokens = std::ssize(answer.ids);
  if (!answer.ended) result.attention = slice(weights, 0, 0, tokens);
  if (!settings_.copy_unknown) return result;
  const std::vector<Index> aligned = nn::hard_alignment(weights, tokens, std::ssize(source));
  for (std::size_t t = 0; t < aligned.size(); ++t)
    if (answer.ids[t] == data::Vocabulary::unk)
      result.tokens[t] = source[static_cast<std::size_t>(aligned[t])];
  return result;
}

std::vector<data::Tokens> translate(const Model& model, const std::vector<data::Tokens>& sources,
                                    const DecodingSettings& settings) {
  std::vector<data::Tokens> best;
  for (std::vector<Translation>& answers : Translator(model, settings)(sources))
    best.push_back(answers.empty() ? data::Tokens() : std::move(answers.front().tokens));
  return best;
}

}  // namespace adjoint::seq2seq

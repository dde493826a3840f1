#include "examples/seq2seq/model/translation.h"

#include <algorithm>

#include "autograd/support/error.h"
#include "autograd/support/printable.h"
#include "autograd/support/threads.h"
#include "nn/decoding/generation.h"
#include "nn/translation/encoding.h"

namespace adjoint::seq2seq {
namespace {

constexpr Index batch_rows = 32;

void require_known(const std::vector<std::string>& words, const char* problem) {
  for (const std::string& word : words)
    fail("--prefix: ", problem, " '", printable_line(word), "'");
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
    for (std::size_t i = 0; i < batch.size(); ++i)
      for (const nn::Hypothesis& answer : found[i])
        results[batch[i]].push_back(
            {decode_target(model_, sources[batch[i]], answer.ids), answer.score});
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

// A good translation is at most about twice as long as its source; a longer answer is usually a
// loop. The limit grows in coarse steps, so that sources of different lengths can share a batch.
Index Translator::longest_answer(const data::Tokens& source) const {
  if (settings_.max_length) return *settings_.max_length;
  constexpr Index step = 8;
  const Index length = std::ssize(source) + 1;  // including the end
  const Index usual = 2 * ((length + step - 1) / step * step) + 10;
  return std::min(model_.settings.data.decoding_limit(),
                  std::max({usual, settings_.min_length, std::ssize(prefix_)}));
}

// A model that copies can begin with words of the source.
nn::Ids Translator::encode_prefix(const data::Tokens& source) const {
  require_known(words_out_of_reach(model_, source, prefix_),
                "neither the model nor the sentence has");
  return encode_target(model_, source, prefix_);
}

std::vector<Translator::Answers> Translator::search(const std::vector<Question>& questions,
                                                    Index max_length) const {
  nn::DecodingOptions options{.begin = data::Vocabulary::bos,
                              .end = data::Vocabulary::eos,
                              .padding = data::Vocabulary::pad,
                              .max_length = max_length,
                              .min_length = settings_.min_length,
                              .never = {data::Vocabulary::pad, data::Vocabulary::bos}};
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
  if (settings_.scores || settings_.n_best)
    for (nn::Hypothesis& answer : nn::greedy_hypotheses(network, sources, options))
      answers.push_back({std::move(answer)});
  else
    for (nn::Ids& ids : nn::greedy(network, sources, options))
      answers.push_back({{.ids = std::move(ids)}});
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

std::vector<data::Tokens> translate(const Model& model, const std::vector<data::Tokens>& sources,
                                    const DecodingSettings& settings) {
  std::vector<data::Tokens> best;
  for (std::vector<Translation>& answers : Translator(model, settings)(sources))
    best.push_back(answers.empty() ? data::Tokens() : std::move(answers.front().tokens));
  return best;
}

// ---- Measuring ----------------------------------------------------------------------------------

std::vector<std::string> as_text(const std::vector<data::Tokens>& sentences,
                                 const data::Tokenizer& tokenizer) {
  std::vector<std::string> text;
  for (const data::Tokens& tokens : sentences) text.push_back(tokenizer.detokenize(tokens));
  return text;
}

Score score(const Model& model, const std::vector<data::Pair>& pairs,
            const std::vector<data::Tokens>& translations) {
  const data::Tokenizer& tokenizer = model.tokenizers.target;
  const std::vector<data::Tokens> references = data::targets(pairs);
  return {data::corpus_bleu(as_text(translations, tokenizer), as_text(references, tokenizer),
                            model.settings.training.bleu_options()),
          data::sequence_accuracy(translations, references), pairs.size()};
}

NearestSource nearest_source(const Model& model, const std::vector<data::Pair>& train,
                             const std::vector<data::Pair>& held_out) {
  std::vector<data::Tokens> translations(held_out.size());
  std::vector<Index> distances(held_out.size());
  parallel_tasks(std::ssize(held_out), [&](Index number) {
    const auto i = static_cast<std::size_t>(number);
    const auto distance = [&](const data::Pair& pair) {
      return data::edit_distance(pair.source, held_out[i].source);
    };
    const auto nearest = std::ranges::min_element(train, {}, distance);
    translations[i] = nearest->target;
    distances[i] = distance(*nearest);
  });
  const auto near = std::ranges::count_if(distances, [](Index d) { return d <= 1; });
  const data::Tokenizer& tokenizer = model.tokenizers.target;
  return {data::corpus_bleu(as_text(translations, tokenizer),
                            as_text(data::targets(held_out), tokenizer),
                            model.settings.training.bleu_options()),
          static_cast<double>(near) / static_cast<double>(held_out.size())};
}

std::vector<nn::PairScore> score_pairs(const Model& model, const std::vector<data::Pair>& pairs) {
  std::vector<nn::Ids> sources, targets;
  for (const data::Pair& pair : pairs) {
    sources.push_back(encode_source(model, pair.source));
    targets.push_back(encode_target(model, pair.source, pair.target));
  }
  return nn::score(*model.network, sources, targets,
                   {.begin = data::Vocabulary::bos,
                    .end = data::Vocabulary::eos,
                    .padding = data::Vocabulary::pad});
}

}  // namespace adjoint::seq2seq

#include "examples/seq2seq/model/translation.h"

#include <algorithm>

#include "autograd/support/error.h"
#include "autograd/support/printable.h"
#include "autograd/support/threads.h"
#include "nn/decoding/generation.h"

namespace adjoint::seq2seq {
namespace {

constexpr Index batch_rows = 32;

nn::Ids encode_prefix(const Model& model, const std::string& text) {
  const data::Tokens tokens = model.tokenizer.tokenize(text);
  for (const std::string& word : unknown_words(tokens, model.target))
    fail("--prefix: the model does not know '", printable_line(word), "'");
  return model.target.encode(tokens);
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
    : model_(model), settings_(settings), prefix_(encode_prefix(model, settings.prefix)) {
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
    std::vector<nn::Ids> ids;
    std::vector<std::size_t> numbers;
    for (const std::size_t i : batch) {
      ids.push_back(data::encode_source(sources[i], model_.source));
      numbers.push_back(first_number + i);
    }
    const std::vector<Answers> found = search(ids, numbers, longest_answer(sources[batch.front()]));
    for (std::size_t i = 0; i < batch.size(); ++i)
      for (const nn::Hypothesis& answer : found[i])
        results[batch[i]].push_back({model_.target.decode(answer.ids), answer.score});
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

std::vector<Translator::Answers> Translator::search(const std::vector<nn::Ids>& sources,
                                                    const std::vector<std::size_t>& numbers,
                                                    Index max_length) const {
  nn::DecodingOptions options{.begin = data::Vocabulary::bos,
                              .end = data::Vocabulary::eos,
                              .padding = data::Vocabulary::pad,
                              .max_length = max_length,
                              .min_length = settings_.min_length,
                              .never = {data::Vocabulary::pad, data::Vocabulary::bos}};
  if (settings_.sample) return draw(sources, numbers, options);
  const nn::EncoderDecoder& network = *model_.network;
  if (!prefix_.empty()) options.prefixes.assign(sources.size(), prefix_);
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
std::vector<Translator::Answers> Translator::draw(const std::vector<nn::Ids>& sources,
                                                  const std::vector<std::size_t>& numbers,
                                                  nn::DecodingOptions options) const {
  const auto times = static_cast<std::size_t>(settings_.answers());
  nn::SamplingOptions sampling = settings_.sampling_options();
  std::vector<nn::Ids> repeated;
  for (std::size_t i = 0; i < sources.size(); ++i)
    for (std::size_t k = 0; k < times; ++k) {
      repeated.push_back(sources[i]);
      sampling.numbers.push_back(static_cast<Index>(numbers[i] * times + k));
    }
  if (!prefix_.empty()) options.prefixes.assign(repeated.size(), prefix_);
  const Answers drawn = nn::sample(*model_.network, repeated, sampling, options);
  std::vector<Answers> answers(sources.size());
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
  const data::Tokenizer& tokenizer = model.tokenizer;
  const std::vector<data::Tokens> references = data::targets(pairs);
  return {data::corpus_bleu(as_text(translations, tokenizer), as_text(references, tokenizer)),
          data::sequence_accuracy(translations, references), pairs.size()};
}

NearestSource nearest_source(const std::vector<data::Pair>& train,
                             const std::vector<data::Pair>& held_out,
                             const data::Tokenizer& tokenizer) {
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
  return {data::corpus_bleu(as_text(translations, tokenizer),
                            as_text(data::targets(held_out), tokenizer)),
          static_cast<double>(near) / static_cast<double>(held_out.size())};
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

#include "examples/experiments/squad/corpus.h"

#include <algorithm>

#include "autograd/support/error.h"
#include "data/text/unicode.h"

namespace adjoint::squad {
namespace {

using Passages = std::vector<const Passage*>;

data::Tokens words_of(const std::vector<Token>& tokens) {
  data::Tokens words;
  for (const Token& token : tokens) words.push_back(token.text);
  return words;
}
data::Tokens words_of(std::string_view text) { return words_of(tokens_of(text)); }

data::Vocabulary vocabulary_of(const Passages& passages, Index most_words) {
  std::vector<data::Tokens> sentences;
  for (const Passage* passage : passages) {
    sentences.push_back(words_of(passage->text));
    for (const Question& question : passage->questions)
      sentences.push_back(words_of(question.text));
  }
  return data::Vocabulary(sentences, {.max_size = most_words});
}

Corpus corpus_of(const Passages& passages, const data::Vocabulary& vocabulary) {
  Corpus corpus;
  for (const Passage* passage : passages) {
    ReadPassage read{data::code_points(passage->text), tokens_of(passage->text), {}};
    read.ids = vocabulary.encode(words_of(read.tokens));
    for (const Question& question : passage->questions)
      corpus.questions.push_back({corpus.passages.size(),
                                  vocabulary.encode(words_of(question.text)), question.answers,
                                  tokens_in(read.tokens, question.answers.front())});
    corpus.passages.push_back(std::move(read));
  }
  return corpus;
}

}  // namespace

std::string ReadPassage::text(const TokenSpan& span) const {
  const auto begin = static_cast<std::size_t>(tokens[static_cast<std::size_t>(span.first)].begin);
  const auto end = static_cast<std::size_t>(tokens[static_cast<std::size_t>(span.last)].end);
  return data::utf8(std::u32string_view(characters).substr(begin, end - begin));
}

Corpora corpora(const Dataset& dataset, Key key, const CorporaOptions& options) {
  Passages all;
  for (const Article& article : dataset)
    for (const Passage& passage : article.passages)
      if (!passage.questions.empty()) all.push_back(&passage);
  const Index count = std::ssize(all);
  require(count >= 2, "two passages with questions are needed, one of them held out; there is ",
          count);
  const auto share = static_cast<Index>(options.held_out * static_cast<double>(count));
  const Index held = std::clamp<Index>(share, 1, count - 1);
  Passages held_out, train;
  const Tensor order = permutation(count, key);
  for (const Index i : order.values<Index>())
    (std::ssize(held_out) < held ? held_out : train).push_back(all[static_cast<std::size_t>(i)]);

  data::Vocabulary vocabulary = vocabulary_of(train, options.most_words);
  Corpus to_train = corpus_of(train, vocabulary), to_test = corpus_of(held_out, vocabulary);
  return {std::move(vocabulary), std::move(to_train), std::move(to_test)};
}

Sequence sequence(const Corpus& corpus, const ReadQuestion& question, QuestionPlace place,
                  Index longest) {
  const Ids& passage = corpus.passages[question.passage].ids;
  const Index asked = std::min(std::ssize(question.ids), longest - 1);
  const Index kept = std::min(std::ssize(passage), longest - 1 - asked);
  const auto question_end = question.ids.begin() + asked, passage_end = passage.begin() + kept;
  Ids ids;
  if (place == QuestionPlace::first) {
    ids.assign(question.ids.begin(), question_end);
    ids.push_back(data::Vocabulary::eos);
    ids.insert(ids.end(), passage.begin(), passage_end);
    return {ids, asked + 1, asked + 1 + kept};
  }
  ids.assign(passage.begin(), passage_end);
  ids.push_back(data::Vocabulary::eos);
  ids.insert(ids.end(), question.ids.begin(), question_end);
  return {ids, 0, kept};
}

}  // namespace adjoint::squad

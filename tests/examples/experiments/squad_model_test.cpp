// The span model and what it reads: tokens, generated passages, sequences, batches, answers.
#include "examples/experiments/squad/span_model.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "autograd/support/error.h"
#include "data/text/unicode.h"
#include "examples/experiments/squad/generator.h"

using namespace adjoint;
using namespace adjoint::squad;

namespace {

const Dataset sea = {
    {"T",
     {{"“Zoë Varga” saw the sea.", {{"1", "Who saw it?", {{"Zoë Varga", 1}}}}},
      {"In the 1990s it rained.", {{"2", "When?", {{"1990", 7}}}, {"3", "What?", {{" ", 2}}}}}}}};

Corpora small() { return corpora(generated({.passages = 40}, Key(1)), Key(2)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(squad_model)

BOOST_AUTO_TEST_CASE(tokens_are_words_and_signs_with_their_places) {
  const std::vector<Token> expected = {{"“", 0, 1}, {"zoë", 1, 4}, {"x_1", 5, 8},
                                       {"'", 8, 9}, {"s", 9, 10},  {"”", 10, 11}};
  BOOST_TEST((tokens_of("“Zoë X_1's”") == expected));
  BOOST_TEST(tokens_of(" \t\u00A0\u200B\n").empty());
  BOOST_TEST(tokens_of("").empty());
}

BOOST_AUTO_TEST_CASE(an_answer_is_the_tokens_that_it_touches) {
  const std::vector<Token> tokens = tokens_of("In the 1990s it rained.");
  BOOST_TEST((tokens_in(tokens, {"1990", 7}) == TokenSpan{2, 2}));
  BOOST_TEST((tokens_in(tokens, {"s it", 11}) == TokenSpan{2, 3}));
  BOOST_TEST((tokens_in(tokens, {" ", 2}) == TokenSpan{-1, -1}));
}

BOOST_AUTO_TEST_CASE(generated_passages_are_squad) {
  const GeneratorOptions options{.passages = 100, .questions = 3, .max_sentences = 12};
  const Dataset dataset = generated(options, Key(1));
  BOOST_TEST((dataset_from(to_json(dataset), "generated") == dataset));  // answers stand there
  std::set<std::size_t> lengths;
  bool offsets_differ = false;
  Index questions = 0;
  for (const Article& article : dataset)
    for (const Passage& passage : article.passages)
      for (const Question& question : passage.questions) {
        const Answer& answer = question.answers.front();
        lengths.insert(tokens_of(answer.text).size());
        offsets_differ |= passage.text.find(answer.text) != static_cast<std::size_t>(answer.start);
        ++questions;
      }
  BOOST_TEST((lengths == std::set<std::size_t>{1, 2, 3}));
  BOOST_TEST(offsets_differ);
  BOOST_TEST(questions > 250);
  BOOST_TEST((generated(options, Key(1)) == dataset));
  BOOST_TEST((generated(options, Key(2)) != dataset));
}

// No surname stands twice in a passage, so each question has one answer.
BOOST_AUTO_TEST_CASE(a_key_names_one_person) {
  for (const Article& article : generated({.passages = 50, .max_sentences = 80}, Key(1)))
    for (const Passage& passage : article.passages)
      for (const Question& question : passage.questions) {
        const std::string key = tokens_of(question.answers.front().text).back().text;
        BOOST_TEST(std::ranges::count(tokens_of(passage.text), key, &Token::text) == 1);
        BOOST_TEST(std::ranges::count(tokens_of(question.text), key, &Token::text) == 1);
      }
}

BOOST_AUTO_TEST_CASE(sizes_that_do_not_fit_are_refused) {
  BOOST_CHECK_THROW(generated({.passages = 0}, Key(1)), Error);
  BOOST_CHECK_THROW(generated({.min_sentences = 5, .max_sentences = 4}, Key(1)), Error);
  BOOST_CHECK_THROW(generated({.max_sentences = most_sentences + 1}, Key(1)), Error);
  BOOST_CHECK_THROW(corpora({{"T", {sea[0].passages[0]}}}, Key(1)), Error);
}

BOOST_AUTO_TEST_CASE(held_out_passages_are_not_trained_on) {
  const Corpora data = small();
  BOOST_TEST(data.train.passages.size() == 36U);
  BOOST_TEST(data.held_out.passages.size() == 4U);
  for (const ReadPassage& held : data.held_out.passages)
    for (const ReadPassage& trained : data.train.passages)
      BOOST_TEST((held.characters != trained.characters));
}

BOOST_AUTO_TEST_CASE(a_sequence_has_the_question_first_or_last_and_cuts_the_passage) {
  Corpus corpus;
  corpus.passages.push_back({U"", {}, {10, 11, 12}});
  const ReadQuestion question{0, {20, 21}, {}, {1, 2}};
  const auto is = [&](QuestionPlace place, Index longest, const Ids& ids, Index begin, Index end) {
    const Sequence read = sequence(corpus, question, place, longest);
    return read.ids == ids && read.begin == begin && read.end == end;
  };
  const Index sep = data::Vocabulary::eos;
  BOOST_TEST(is(QuestionPlace::first, 9, {20, 21, sep, 10, 11, 12}, 3, 6));
  BOOST_TEST(is(QuestionPlace::last, 9, {10, 11, 12, sep, 20, 21}, 0, 3));
  BOOST_TEST(is(QuestionPlace::first, 4, {20, 21, sep, 10}, 3, 4));
  BOOST_TEST(is(QuestionPlace::last, 4, {10, sep, 20, 21}, 0, 1));
  BOOST_TEST(is(QuestionPlace::first, 2, {20, sep}, 2, 2));
  BOOST_TEST(is(QuestionPlace::last, 1, {sep}, 0, 0));
}

BOOST_AUTO_TEST_CASE(a_batch_knows_where_answers_can_stand) {
  const Corpora data = corpora(sea, Key(1));
  for (const Corpus* corpus : {&data.train, &data.held_out}) {
    const std::vector<std::size_t> all = {0};
    const SpanBatch batch = span_batch(*corpus, all, {.question = QuestionPlace::first});
    const Index begin = std::ssize(corpus->questions[0].ids) + 1;
    for (Index step = 0; step < batch.ids.size(1); ++step)
      BOOST_TEST(batch.in_passage.at<bool>({0, step, 0}) == (step >= begin));
    BOOST_TEST(batch.starts.at<Index>({0}) == begin + corpus->questions[0].span.first);
  }
}

BOOST_AUTO_TEST_CASE(the_best_span_does_not_end_before_it_starts) {
  const std::vector<float> starts = {0, 1, 5, 0}, ends = {9, 2, 0, 1};
  BOOST_TEST((best_span(starts, ends, 4) == TokenSpan{0, 0}));  // 9; 5 + 9 would end too early
  const std::vector<float> far = {3, 0, 0, 0}, end = {0, 0, 1, 9};
  BOOST_TEST((best_span(far, end, 4) == TokenSpan{0, 3}));
  BOOST_TEST((best_span(far, end, 3) == TokenSpan{1, 3}));  // at most three tokens
}

BOOST_AUTO_TEST_CASE(outside_the_passage_nothing_scores) {
  const Corpora data = small();
  const SpanOptions options{.width = 16, .longest = 64};
  const SpanModel model(options, data.vocabulary.size(), Key(1));
  const std::vector<std::size_t> questions = {0, 1, 2, 3, 4};
  const SpanBatch batch = span_batch(data.train, questions, options);
  const Tensor logits = model(batch);  // [batch, steps, 2]
  for (Index row = 0; row < logits.size(0); ++row)
    for (Index step = 0; step < logits.size(1); ++step)
      BOOST_TEST((logits.at<float>({row, step, 0}) > -1e5F) ==
                 batch.in_passage.at<bool>({row, step, 0}));
}

BOOST_AUTO_TEST_CASE(training_lowers_the_loss_and_is_a_function_of_its_keys) {
  const Corpora data = small();
  const SpanOptions options{.width = 16, .longest = 64, .steps = 30, .batch = 8};
  const auto losses = [&] {
    std::vector<double> result;
    const SpanModel model(options, data.vocabulary.size(), Key(1));
    train(model, data.train, options, Key(2), [&](Index, double loss) { result.push_back(loss); });
    return result;
  };
  const std::vector<double> first = losses();
  BOOST_TEST(first.size() == 30U);
  BOOST_TEST(first.back() < 0.8 * first.front());
  BOOST_TEST((losses() == first));
}

// With equal lengths, one head or one example, the orders are the same to the last bit.
BOOST_AUTO_TEST_CASE(the_wrong_order_is_right_where_nothing_can_be_exchanged) {
  const Corpora data = small();
  const auto loss = [&](SpanOptions options, experiments::LengthOrder order) {
    options.width = 16;
    options.steps = 3;
    options.order = order;
    const SpanModel model(options, data.vocabulary.size(), Key(1));
    return train(model, data.train, options, Key(2));
  };
  const auto same = [&](const SpanOptions& options) {
    return loss(options, experiments::LengthOrder::repeat) ==
           loss(options, experiments::LengthOrder::tile);
  };
  BOOST_TEST(same({.heads = 1}));
  BOOST_TEST(same({.batch = 1}));
  BOOST_TEST(same({.batching = Batching::equal}));
  BOOST_TEST(!same({}));
}

BOOST_AUTO_TEST_CASE(evaluation_counts_what_is_cut_off_as_not_found) {
  const Corpora data = small();
  SpanOptions options{.width = 16, .longest = 1};
  const SpanModel model(options, data.vocabulary.size(), Key(1));
  const SpanScores scores = evaluate(model, data.held_out, options);
  BOOST_TEST(scores.exact_match == 0);
  BOOST_TEST(scores.f1 == 0);
  BOOST_CHECK_THROW(train(model, data.train, options, Key(1)), Error);
}

BOOST_AUTO_TEST_SUITE_END()

#include "examples/experiments/squad/command.h"

#include <sys/resource.h>

#include <chrono>
#include <iomanip>
#include <iostream>

#include "autograd/support/files.h"
#include "examples/experiments/squad/generator.h"
#include "examples/experiments/squad/span_model.h"

namespace adjoint::squad {
namespace {

using seq2seq::UsageError;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The most memory that the process has had so far, in MB. Linux counts in KiB.
double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

template <class... Parts>
void say(const Parts&... parts) {
  TextStream text;
  text << std::fixed << std::setprecision(2);
  (text << ... << parts);
  std::cout << text.str() << std::endl;
}

Index question_count(const Dataset& dataset) {
  Index count = 0;
  for (const Article& article : dataset)
    for (const Passage& passage : article.passages) count += std::ssize(passage.questions);
  return count;
}

// f(), whose errors are the fault of what was asked for, or of this file.
template <class F>
auto as_usage(const F& f, const std::string& file = "") {
  try {
    return f();
  } catch (const Error& error) {
    throw UsageError(file.empty() ? error.what() : file + ": " + error.what());
  }
}

int write(const CommandRequest& request) {
  const Dataset dataset = as_usage([&] {
    return generated(
        {request.passages, request.questions, request.min_sentences, request.max_sentences},
        Key(request.seed));
  });
  const std::string text = to_json(dataset);
  write_file(request.write, text);
  say(request.write, ": ", request.passages, " passages, ", question_count(dataset), " questions, ",
      static_cast<double>(text.size()) / 1e6, " MB");
  return 0;
}

SpanOptions options_of(const CommandRequest& request) {
  SpanOptions options;
  options.width = request.width;
  options.heads = request.heads;
  options.blocks = request.blocks;
  options.longest = request.longest;
  options.steps = request.steps;
  options.batch = request.batch;
  options.learning_rate = request.learning_rate;
  if (request.order == "tile") options.order = experiments::LengthOrder::tile;
  if (request.question == "last") options.question = QuestionPlace::last;
  return options;
}

int train_and_evaluate(const CommandRequest& request) {
  const Stopwatch watch;
  const Key key(request.seed);
  const Dataset dataset = as_usage([&] { return read_dataset(request.data); });
  Corpora data = as_usage([&] { return corpora(dataset, key.child("held out")); }, request.data);
  say(request.data, ": ", dataset.size(), " articles, ", question_count(dataset), " questions; ",
      watch.seconds(), " s, ", peak_megabytes(), " MB");
  if (std::ssize(data.held_out.questions) > request.held_out_most)
    data.held_out.questions.resize(static_cast<std::size_t>(request.held_out_most));
  say("training on ", data.train.questions.size(), " questions, holding out ",
      data.held_out.questions.size(), "; ", data.vocabulary.size(), " words; ", watch.seconds(),
      " s, ", peak_megabytes(), " MB");

  const SpanOptions options = options_of(request);
  const SpanModel model =
      as_usage([&] { return SpanModel(options, data.vocabulary.size(), key.child("model")); });
  const Index every = std::max<Index>(1, options.steps / 10);
  const double end_loss =
      train(model, data.train, options, key.child("training"), [&](Index step, double loss) {
        if ((step + 1) % every == 0) say("step ", step + 1, "  loss ", loss);
      });
  say("trained with the lengths in the order ", request.order, ": loss ", end_loss, " at the end; ",
      watch.seconds(), " s, ", peak_megabytes(), " MB");
  const SpanScores scores = evaluate(model, data.held_out, options);
  say("held out: exact match ", scores.exact_match, "%, F1 ", scores.f1, "%, loss ", scores.loss,
      ", attention on padding ", scores.on_padding, "%; ", watch.seconds(), " s, ",
      peak_megabytes(), " MB");
  return 0;
}

}  // namespace

void add_options(seq2seq::Options& options, CommandRequest& request) {
  using seq2seq::Range;
  static constexpr Range sizes = {"a whole number from 1 to 4096", 1, 4096, true};
  static constexpr Range sentences = {"a whole number from 1 to 80", 1, 80, true};
  options.add("--data FILE", request.data, "train on this file, in the form of SQuAD v1.1");
  options.add("--write FILE", request.write, "write generated passages and questions instead")
      .excludes("--data");
  options.add("--seed", request.seed, seq2seq::any_seed, "another one gives another run");
  options.group("Training");
  options.add("--order", request.order, {"repeat", "tile"},
              "of the valid lengths: repeat is right, tile the book's first edition");
  options.add("--question", request.question, {"first", "last"},
              "whether it comes before or after the passage");
  options.add("--steps", request.steps, seq2seq::from_1, "steps of the optimizer");
  options.add("--batch", request.batch, sizes, "questions in a batch");
  options.add("--learning-rate", request.learning_rate, seq2seq::positive, "at its highest");
  options.add("--width", request.width, sizes, "features of a token");
  options.add("--heads", request.heads, sizes, "of each block");
  options.add("--blocks", request.blocks, sizes, "of the encoder");
  options.add("--longest", request.longest, sizes,
              "tokens of question and passage; a longer passage is cut");
  options.add("--held-out", request.held_out_most, seq2seq::from_1,
              "the most held-out questions to answer");
  options.group("Writing");
  options.add("--passages", request.passages, seq2seq::from_1, "how many");
  options.add("--questions", request.questions, seq2seq::from_1, "the most about a passage");
  options.add("--min-sentences", request.min_sentences, sentences,
              "the fewest sentences of a passage");
  options.add("--max-sentences", request.max_sentences, sentences,
              "the most sentences of a passage");
}

int run_command(const CommandRequest& request) {
  if (!request.write.empty()) return write(request);
  if (request.data.empty())
    throw UsageError("squad needs --data FILE or --write FILE (see --help)");
  return train_and_evaluate(request);
}

}  // namespace adjoint::squad

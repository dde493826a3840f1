#include "examples/seq2seq/training.h"

#include <atomic>
#include <csignal>
#include <iostream>
#include <optional>

#include "autograd/error.h"
#include "data/batching.h"
#include "data/tasks.h"
#include "examples/seq2seq/progress.h"
#include "nn/schedule.h"
#include "nn/trainer.h"

namespace adjoint::seq2seq {
namespace {

// Set by Ctrl-C. The first one asks for an orderly end; a second one ends at once.
std::atomic<bool> interrupt_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // else a signal handler may not touch it

class InterruptHandler {
 public:
  InterruptHandler() {
    interrupt_requested = false;
    former_ = std::signal(SIGINT, [](int signal) {
      interrupt_requested = true;
      std::signal(signal, SIG_DFL);
    });
  }
  ~InterruptHandler() { std::signal(SIGINT, former_); }
  InterruptHandler(const InterruptHandler&) = delete;
  InterruptHandler& operator=(const InterruptHandler&) = delete;

 private:
  void (*former_)(int);
};

data::Split toy_task(const Settings& s) {
  return data::make_task(s.data.task, {.symbols = s.data.symbols,
                                       .min_length = s.data.min_length,
                                       .max_length = s.data.max_length,
                                       .train_count = s.data.train_count,
                                       .held_out_count = s.data.held_out_count,
                                       .key = Key(s.training.seed).child("task")});
}

// Over all pairs, a batch at a time; nothing when there are none.
std::optional<double> mean_loss(const nn::Trainer& trainer, const data::EncodedPairs& pairs,
                                Index batch) {
  if (pairs.size() == 0) return std::nullopt;
  double loss = 0;
  Index tokens = 0;
  const auto size = static_cast<std::size_t>(batch);
  for (std::size_t begin = 0; begin < pairs.size(); begin += size) {
    const std::size_t count = std::min(size, pairs.size() - begin);
    const nn::StepResult result = trainer.evaluate(std::span(pairs.sources).subspan(begin, count),
                                                   std::span(pairs.targets).subspan(begin, count));
    loss += result.loss * static_cast<double>(result.tokens);
    tokens += result.tokens;
  }
  return loss / static_cast<double>(tokens);
}

}  // namespace

Parts prepare(const Settings& s, const std::string& file) {
  require(file.empty() != s.data.task.empty(),
          "train: give a file of pairs or a --task, one of the two");
  const Key key = Key(s.training.seed).child("split");
  Parts parts;
  if (s.data.task.empty()) {
    parts.train =
        data::read_corpus(file, s.data.make_tokenizer(), {.max_tokens = s.data.max_tokens}).pairs;
  } else {
    data::Split task = toy_task(s);
    parts.train = std::move(task.train);
    parts.held_out = std::move(task.held_out);
  }
  const auto take = [&](double share, const char* name) -> std::vector<data::Pair> {
    if (share == 0) return {};
    try {
      data::Split split = data::split_by_fraction(parts.train, share, key.child(name));
      parts.train = std::move(split.train);
      return std::move(split.held_out);
    } catch (const Error&) {
      fail(file.empty() ? "--task" : file, ": ", parts.train.size(), " pairs are too few for --",
           name, ' ', share, "; with --", name, " 0 none are kept out");
    }
  };
  if (s.data.task.empty()) parts.held_out = take(s.data.held_out, "held-out");
  parts.validation = take(s.data.validation, "validation");
  return parts;
}

Trained train(const Settings& s, const Parts& parts) {
  // The vocabularies know the training part only: what else is said is unknown, as it would be
  // later.
  Model model(s, data::Vocabulary(data::sources(parts.train), s.data.min_frequency),
              data::Vocabulary(data::targets(parts.train), s.data.min_frequency));
  const data::EncodedPairs pairs = data::encode(parts.train, model.source, model.target);
  const data::EncodedPairs validation = data::encode(parts.validation, model.source, model.target);
  std::cout << parts.train.size() << " training, " << parts.validation.size() << " validation and "
            << parts.held_out.size() << " held-out pairs; " << model.source.size() << " and "
            << model.target.size() << " words; " << nn::parameter_count(*model.network)
            << " parameters" << std::endl;

  const Key key(s.training.seed);
  nn::Adam optimizer(nn::parameters(*model.network), {.learning_rate = s.training.learning_rate});
  nn::Trainer trainer(*model.network, optimizer,
                      {.shards = s.training.shards,
                       .clip = s.training.clip,
                       .smoothing = s.training.smoothing,
                       .padding = data::Vocabulary::pad,
                       .key = key.child("dropout")});

  const InterruptHandler handler;
  const std::size_t per_epoch = data::batch_order(pairs.size(), s.training.batch, key).size();
  const nn::LinearSchedule schedule{
      s.training.warm_up,
      s.training.schedule == "linear" ? s.training.epochs * static_cast<Index>(per_epoch) : 0};
  Progress progress(s.training.epochs, per_epoch);
  for (Index epoch = 1; epoch <= s.training.epochs && !interrupt_requested; ++epoch) {
    progress.begin_epoch(epoch);
    double loss = 0;
    Index tokens = 0;
    std::size_t done = 0;
    const Key order = key.child("order").child(static_cast<std::uint64_t>(epoch));
    for (const auto& chosen : data::batch_order(pairs.size(), s.training.batch, order)) {
      const data::EncodedPairs batch = data::select(pairs, chosen);
      optimizer.set_learning_rate(s.training.learning_rate * schedule(optimizer.steps()));
      const nn::StepResult result = trainer.step(batch.sources, batch.targets);
      loss += result.loss * static_cast<double>(result.tokens);
      tokens += result.tokens;
      progress.batch(++done, result.loss, result.tokens);
      if (interrupt_requested) break;
    }
    progress.end_epoch(loss / static_cast<double>(tokens),
                       mean_loss(trainer, validation, s.training.batch));
  }
  if (interrupt_requested) std::cout << "interrupted; what has been learnt is kept" << std::endl;
  return {std::move(model), interrupt_requested};
}

}  // namespace adjoint::seq2seq

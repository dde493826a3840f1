#include "examples/seq2seq/settings/data_settings.h"

#include "autograd/support/error.h"
#include "data/pairs/tasks.h"
#include "data/text/subwords.h"
#include "examples/seq2seq/settings/validators.h"

namespace adjoint::seq2seq {

void DataSettings::check() const {
  require(!subwords() || data::Subwords::available(),
          "--tokenizer subwords: this program was built without the sentencepiece library; with it "
          "installed, build anew");
  require(task.empty() || !subwords(), "--tokenizer subwords does not go with --task ", task);
  if (task.empty()) return;
  const Index longest =
      task == "addition" ? 2 * max_length + 1 : max_length;  // both summands and +
  require(longest <= max_tokens, "--max-length: a source of ", longest,
          " tokens is more than --max-tokens, ", max_tokens);
}

void add_options(CLI::App& app, DataSettings& s) {
  const std::string data = "Data";
  app.add_option("--task", s.task, "learn a toy task instead")
      ->check(CLI::IsMember(data::task_names()))
      ->group(data);
  app.add_option("--tokenizer", s.tokenizer, "what a token is")
      ->check(CLI::IsMember({"words", "characters", "subwords"}))
      ->group(data);
  app.add_option("--min-frequency", s.min_frequency, "rarer tokens become <unk>")
      ->check(counting())
      ->group(data);
  app.add_option("--max-vocabulary", s.max_vocabulary,
                 "so many tokens at most, the most frequent, on each side; 0: all")
      ->check(whole_number())
      ->group(data);
  app.add_option("--max-tokens", s.max_tokens, "longest sentence, in tokens")
      ->check(counting())
      ->group(data);
  app.add_option("--too-long", s.too_long, "what to do with a pair that has a longer one")
      ->check(CLI::IsMember({"error", "skip"}))
      ->group(data);
  add_number(app, "--held-out", s.held_out, "share of the source sentences kept for the final BLEU")
      ->check(fraction())
      ->group(data);
  add_number(app, "--validation", s.validation, "share kept for the loss after each epoch")
      ->check(fraction())
      ->group(data);

  const std::string subwords = subwords_group;
  app.add_option("--pieces", s.pieces, "so many at most, learnt from both sides of the training")
      ->check(counting())
      ->group(subwords);
  app.add_option("--subword-model", s.algorithm, "how they are learnt")
      ->check(CLI::IsMember({"unigram", "bpe"}))
      ->group(subwords);

  const std::string task = toy_task_group;
  app.add_option("--symbols", s.symbols, "different symbols; for addition, the base")
      ->check(counting())
      ->group(task);
  app.add_option("--min-length", s.min_length, "shortest string")->check(counting())->group(task);
  app.add_option("--max-length", s.max_length, "longest string")->check(counting())->group(task);
  app.add_option("--train-count", s.train_count, "strings to learn from")
      ->check(counting())
      ->group(task);
  app.add_option("--held-out-count", s.held_out_count, "strings kept for the final score")
      ->check(counting())
      ->group(task);
}

}  // namespace adjoint::seq2seq

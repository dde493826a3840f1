#include "examples/seq2seq/settings/data_settings.h"

#include "data/pairs/tasks.h"
#include "data/text/subwords.h"

namespace adjoint::seq2seq {
namespace {

constexpr auto subwords_group = "Subwords", task_group = "Toy task";

constexpr std::initializer_list<std::pair<const char*, data::TooLong>> too_long_choices = {
    {"error", data::TooLong::error}, {"skip", data::TooLong::skip}};

}  // namespace

void DataSettings::add_to(Options& options) {
  options.group("Data");
  options.add("--task", task, data::task_names(), "learn a toy task instead of files");
  options.add("--tokenizer", tokenizer, {"words", "characters", "subwords"}, "what a token is");
  options.add("--min-frequency", min_frequency, from_1, "less frequent tokens become <unk>");
  options.add("--max-vocabulary", max_vocabulary, from_0,
              "keep the n most frequent tokens of each side; 0: all");
  options.add("--max-tokens", max_tokens, from_1, "length limit of a sentence, in tokens");
  options.add_choice("--too-long", too_long, too_long_choices,
                     "what to do with a pair over the limit");
  options.add("--held-out", held_out, below_1,
              "fraction of the source sentences held out for the final BLEU");
  options.add("--validation", validation, below_1,
              "fraction held out for the loss after each epoch");

  options.group(subwords_group);
  options.add("--pieces", pieces, from_1, "size limit of the vocabulary shared by both sides");
  options.add("--subword-model", algorithm, {"unigram", "bpe"}, "how the pieces are learned");

  options.group(task_group);
  options.add("--symbols", symbols, from_1, "number of different symbols; for addition, the base");
  options.add("--min-length", min_length, from_1, "length of the shortest string");
  options.add("--max-length", max_length, from_1, "length of the longest string");
  options.add("--train-count", train_count, from_1, "number of training strings");
  options.add("--held-out-count", held_out_count, from_1, "number of strings for the final score");
}

void DataSettings::check(const Options& options) const {
  options.require_for_group(subwords(), subwords_group, "needs --tokenizer subwords");
  options.require_for_group(!task.empty(), task_group, "needs a --task");
  require(!subwords() || data::Subwords::available(),
          "--tokenizer subwords: this program was built without sentencepiece; install the library "
          "and build again");
  require(task.empty() || !subwords(), "--tokenizer subwords cannot be used with --task ", task);
  if (task.empty()) return;
  const Index longest =
      task == "addition" ? 2 * max_length + 1 : max_length;  // both summands and +
  require(longest <= max_tokens, "--max-length: a source would have ", longest,
          " tokens, but --max-tokens is ", max_tokens);
}

}  // namespace adjoint::seq2seq

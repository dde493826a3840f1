#include "examples/seq2seq/settings/settings.h"

#include <algorithm>

#include "autograd/support/printable.h"

namespace adjoint::seq2seq {
namespace {

constexpr auto plateau_group = "Schedule: plateau", validation_group = "Validation";

}  // namespace

void TrainingSettings::add_to(Options& options) {
  options.group("Training");
  options.add("--epochs", epochs, from_1, "number of passes through the training pairs");
  options.add("--batch", batch, from_1, "pairs in a batch");
  options.add("--batch-tokens", batch_tokens, from_0,
              "batch by tokens instead, pairs of similar length together, as they are cut without "
              "--subword-dropout; 0: use --batch");
  options.add("--accumulate", accumulate, from_1_to_1024,
              "compute each batch as n micro-batches, one after the other, to save memory");
  options.add("--shards", shards, from_1_to_1024,
              "cut each batch into n shards, computed in parallel");
  options.add("--clip", clip, not_negative, "clip the gradient to this norm; 0: do not clip");
  options.add("--smoothing", smoothing, below_1, "label smoothing");
  options
      .add("--scheduled-sampling", scheduled_sampling, below_1,
           "probability that the model reads its own prediction instead of the target's token")
      .absent_means("0");
  options
      .add("--subword-dropout", subword_dropout, below_1,
           "cut the training pairs into other subwords in each epoch: the probability that a merge "
           "is left out (bpe; try 0.1), or that a word's cut is drawn (unigram; try 0.5)")
      .absent_means("0");
  options
      .add("--alignment-weight", alignment_weight, positive,
           "with --alignment: how much the head's loss counts beside the cross-entropy")
      .absent_means("0.05");
  options
      .add("--alignment-head", alignment_head,
           "with --alignment: the head that learns it [decoder.blocks.N.cross_attention:0 of the "
           "last block N; attention:0 of a recurrent model]")
      .absent_means("");
  options.add("--save-every", save_every, from_0,
              "save the state of the run every n steps; 0: after each epoch");
  options.add("--keep-epochs", keep_epochs, from_1,
              "keep the weights of the last n epochs in the model's folder, for `average` [none]");
  options.add(
      "--gradcheck-every", gradcheck_every, from_0,
      "before every n-th step compare the gradient of the loss with finite differences, in "
      "f64, and stop if it is wrong; each check takes as long as 100 to 300 steps; 0: never");
  options.add("--seed", seed, any_seed, "seed of everything random");

  options.group("Optimizer");
  options.add("--optimizer", optimizer, nn::optimizer_names(), "the update rule");
  options.add("--learning-rate", learning_rate, positive,
              "[0.001 for adam and adamw, 0.0001 for lion, 0.01 for adafactor, else 0.1]");
  options.add("--momentum", momentum, below_1, "for momentum and nesterov [0.9]");
  options.add("--beta1", beta1, below_1, "for adam, adamw and lion [0.9]");
  options.add("--beta2", beta2, below_1, "for adam and adamw [0.999], and lion [0.99]");
  options.add("--epsilon", epsilon, not_negative, "for adam and adamw [1e-8]");
  options.add("--weight-decay", weight_decay, not_negative, "for adamw [0.01] and lion [0]");
  options.add("--ema", average, below_1,
              "validate and keep a moving average of the weights with this decay; 0: no average");

  options.group("Schedule");
  options.add("--schedule", schedule, nn::schedule_names(),
              "how the learning rate changes after the warm-up");
  options.add("--warm-up", warm_up, from_0, "steps of linear warm-up");
  options.add("--rate-floor", rate_floor, below_1,
              "lowest rate of linear, cosine and plateau, as a fraction of --learning-rate");
  options.group(plateau_group);
  options.add("--plateau-patience", plateau_patience, from_1,
              "lower the rate after n epochs without a lower validation loss");
  options.add("--plateau-decay", plateau_decay, below_1, "factor by which the rate is lowered");

  options.group(validation_group);
  options.add_flag("--validation-bleu", validation_bleu,
                   "translate the validation pairs after each epoch");
  options.add("--best-by", best_by, {"loss", "bleu", "chrf", "ter", "exact", "token-errors"},
              "the validation figure that defines the best; exact: the share of sentences that are "
              "right; token-errors: WER; where two are equal, the lower loss");
  options.add("--patience", patience, from_0,
              "stop after n epochs in a row without a new best; 0: never");
  options.add("--keep", keep, {"last", "best"},
              "which weights become the model's; the best are also saved separately");

  options.group("Translations");
  options.add("--bleu-tokenizer", bleu_tokenizer, {"13a", "intl", "char", "none"},
              "how sacreBLEU cuts texts into tokens; char for languages without blanks [13a]");
}

void TrainingSettings::check(const Options& options, bool has_validation) const {
  const bool plateau = schedule == "plateau";
  const std::string no_validation = "needs validation pairs, but --validation is 0";
  options.require_for_group(plateau, plateau_group, "needs --schedule plateau");
  options.require_for_group(has_validation, validation_group, no_validation);
  require(!plateau || has_validation, "--schedule plateau ", no_validation);
  make_optimizer({});  // throws an Error for a setting that this optimizer does not have
}

std::unique_ptr<nn::Optimizer> TrainingSettings::make_optimizer(Tensors parameters) const {
  return nn::make_optimizer(optimizer, std::move(parameters),
                            {.learning_rate = learning_rate,
                             .momentum = momentum,
                             .beta1 = beta1,
                             .beta2 = beta2,
                             .epsilon = epsilon,
                             .weight_decay = weight_decay});
}

data::BatchSize TrainingSettings::batch_size() const {
  if (batch_tokens > 0) return {batch_tokens, data::BatchSize::Unit::tokens};
  return {batch, data::BatchSize::Unit::sentences};
}

nn::TrainerOptions TrainingSettings::trainer_options() const {
  return {.shards = shards,
          .micro_batches = accumulate,
          .clip = clip,
          .smoothing = smoothing,
          .padding = data::Vocabulary::pad,
          .scheduled_sampling = scheduled_sampling,
          .key = Key(seed).child("dropout")};
}

nn::ScheduleOptions TrainingSettings::schedule_options(Index steps_in_epoch) const {
  const bool falls = schedule == "linear" || schedule == "cosine";
  return {.name = schedule,
          .warm_up = warm_up,
          .total = falls ? epochs * steps_in_epoch : 0,
          .floor = rate_floor,
          .decay = plateau_decay,
          .patience = plateau_patience};
}

void TrainingSettings::check_warm_up(Index steps_in_epoch) const {
  const Index steps = schedule_options(steps_in_epoch).total;
  require(steps == 0 || steps > warm_up, "--schedule ", schedule, " ends after ", steps,
          " steps, within the --warm-up of ", warm_up, "; give --warm-up below ", steps,
          ", or more --epochs");
}

std::string no_such_head(const std::string& name, const nn::AttentionHead& first,
                         const nn::AttentionHead& last) {
  return text_from("--alignment-head: there is no head '", printable_line(name),
                   "'; the heads are ", first.name(), " to ", last.name());
}

nn::GuidedHead Settings::guided_head() const {
  const std::vector<std::string> layers = model.source_attention_layers();
  const Index heads = model.is_recurrent() ? 1 : model.transformer.heads;
  require(!layers.empty(), "--alignment needs a model with attention, but --model is ",
          model.model);
  const std::string& name = training.alignment_head;
  const auto chosen =
      name.empty() ? nn::AttentionHead{layers.back(), 0} : nn::AttentionHead::from_name(name);
  require(
      chosen && std::ranges::find(layers, chosen->layer) != layers.end() && chosen->head < heads,
      no_such_head(name, {layers.front(), 0}, {layers.back(), heads - 1}));
  const auto& pruned = model.transformer.pruned_heads;
  require(std::ranges::find(pruned, *chosen) == pruned.end(), "--alignment-head: ", chosen->name(),
          " is switched off by --prune-heads");
  return {*chosen, training.alignment_weight};
}

data::BleuOptions TrainingSettings::bleu_options() const {
  data::BleuOptions options;
  if (!bleu_tokenizer.empty()) options.tokenizer = bleu_tokenizer;
  return options;
}

nn::PatienceOptions TrainingSettings::patience_options() const {
  return {.patience = std::max<Index>(patience, 1),  // without patience the best is still tracked
          .goal = best_by == "bleu" || best_by == "chrf" || best_by == "exact" ? nn::Goal::highest
                                                                               : nn::Goal::lowest};
}

}  // namespace adjoint::seq2seq

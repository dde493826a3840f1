// Everything that the program is configured with, as options. A model keeps those of its run.
#pragma once

#include "data/metrics/bleu.h"
#include "data/pairs/batching.h"
#include "examples/seq2seq/settings/options.h"
#include "nn/decoding/beam_search.h"
#include "nn/decoding/generation.h"
#include "nn/training/optimizer.h"
#include "nn/training/schedule.h"
#include "nn/training/trainer.h"
#include "nn/translation/config.h"

namespace adjoint::seq2seq {

// In each struct, add_to() declares the options. check() throws an Error that names the options
// whose values contradict each other; `options` are those declared before, after parsing.

/// The value of --columns; none if it is empty.
std::optional<data::Columns> parse_columns(const std::string& text);

/// The pairs that a run learns from, and how they become tokens.
struct DataSettings : nn::TokenizerConfig {
  std::string task;                ///< a toy task instead of files of pairs
  std::string columns, bad_lines;  ///< empty: the default
  data::TooLong too_long = data::TooLong::error;
  std::optional<Index> min_frequency;  ///< unless given, it depends on the tokenizer
  Index max_vocabulary = 0;
  Index pieces = 8000;
  std::string algorithm = "unigram";
  Index symbols = 50, min_length = 1, max_length = 25, train_count = 20000;
  double held_out = 0.1, validation = 0.03;
  Index held_out_count = 1000;

  void add_to(Options& options);
  void check(const Options& options) const;

  /// Which tokens a vocabulary contains. Every subword is frequent enough to be learned, and a rare
  /// one is worth more than an unknown one.
  data::VocabularyLimits limits(const std::string& kind_of_token) const {
    return {min_frequency.value_or(kind_of_token == "subwords" ? 1 : 2), max_vocabulary};
  }
  bool skips_bad_lines() const { return bad_lines == "skip"; }
  std::optional<data::Columns> chosen_columns() const { return parse_columns(columns); }
  /// Addition and names have defaults of their own, because there are only 10 digits and 26
  /// letters.
  Index task_symbols() const {
    return symbols != 50 ? symbols : task == "addition" ? 10 : task == "names" ? 26 : 50;
  }
};

/// The model that a run trains.
struct ModelSettings : nn::NetworkConfig {
  void add_to(Options& options);
  void check(const Options& options) const;
};

/// How a model is trained.
struct TrainingSettings {
  Index epochs = 30, batch = 128, batch_tokens = 0, accumulate = 1, shards = 2;
  double clip = 1, smoothing = 0, scheduled_sampling = 0;
  double subword_dropout = 0;
  double alignment_weight = 0.05;  ///< of the guided head's loss
  std::string alignment_head;      ///< "layer:head"; empty: the default
  std::uint64_t seed = 1;

  std::string optimizer = "adam";
  std::optional<double> learning_rate, momentum, beta1, beta2, epsilon, weight_decay;
  double average = 0;  ///< decay of a moving average of the weights; 0: no average

  std::string schedule = "constant";
  Index warm_up = 0, plateau_patience = 3;
  double rate_floor = 0, plateau_decay = 0.5;

  bool validation_bleu = false;
  std::string best_by = "loss", keep = "last";
  std::string bleu_tokenizer;        ///< empty: the default
  std::optional<Index> keep_epochs;  ///< of how many last epochs the weights are kept
  Index patience = 0;         ///< epochs without a new best that end the run; 0: run all epochs
  Index save_every = 0;       ///< steps between saved states; 0: save after each epoch
  Index gradcheck_every = 0;  ///< steps between gradient checks; 0: none

  void add_to(Options& options);
  /// Some options need validation pairs.
  void check(const Options& options, bool has_validation) const;

  /// Whether the validation pairs are translated after each epoch.
  bool translates_validation() const { return validation_bleu || best_by != "loss"; }
  data::BleuOptions bleu_options() const;

  std::unique_ptr<nn::Optimizer> make_optimizer(Tensors parameters) const;
  data::BatchSize batch_size() const;
  nn::TrainerOptions trainer_options() const;
  /// A linear or cosine schedule reaches its floor after all epochs, so it needs their length.
  nn::ScheduleOptions schedule_options(Index steps_in_epoch) const;
  /// Error if a schedule that falls until the last step would have no step after the warm-up.
  void check_warm_up(Index steps_in_epoch) const;
  nn::PatienceOptions patience_options() const;
};

/// The defaults are those of the book's translation run (Zhang et al., Dive into Deep Learning,
/// section 11.7) unless the help text says otherwise.
struct Settings {
  DataSettings data;
  ModelSettings model;
  TrainingSettings training;

  void add_to(Options& options);
  void check(const Options& options) const;

  /// What of them decides what a trained model computes.
  nn::TranslationConfig config() const { return {data, model}; }
  /// The model that they describe, freshly initialized.
  std::unique_ptr<nn::EncoderDecoder> network(Index source_tokens, Index target_tokens) const;

  /// The head that learns alignments: by default head 0 of the last decoder block's attention to
  /// the source. Error if the model does not have it.
  nn::GuidedHead guided_head() const;

  /// The text of a settings file.
  std::string to_text() const;
  /// The part of the text that the weights keep: data and model.
  std::string model_text() const;
  /// Reads what to_text() wrote, or nn::save_model(): what decides what the model computes must be
  /// present, the rest may be absent and then has its default. Errors name the file.
  static Settings read(const std::filesystem::path& path);
  /// The names and values in a settings file.
  std::vector<std::pair<std::string, std::string>> values() const;
};

/// What differs in b: "--heads is 4, not 2; …". Empty if nothing does.
std::string difference(const Settings& a, const Settings& b);
/// The same, compared with the text of a former settings file. Options that it does not name are
/// not compared. Error if it is not such a text.
std::string difference(const std::string& former, const Settings& b);

/// What is wrong with an --alignment-head that a model lacks: it has those from first to last.
std::string no_such_head(const std::string& name, const nn::AttentionHead& first,
                         const nn::AttentionHead& last);

/// How a model answers: the options that `translate` and `evaluate` share. The defaults are greedy
/// decoding: the likeliest token at each step.
struct DecodingSettings {
  Index beam = 1;
  bool sample = false;
  Index min_length = 0;
  std::optional<Index> max_length;  ///< unless given, it depends on the length of the source
  // Unless given, the defaults of BeamOptions and SamplingOptions.
  std::optional<double> length_penalty;
  std::optional<double> temperature, top_p;
  std::optional<Index> top_k;
  std::optional<std::uint64_t> seed;
  bool no_unknown = false;     ///< <unk> is never chosen
  bool copy_unknown = false;   ///< <unk> becomes the source word that it attends to most
  std::string alignment_head;  ///< whose attention counts, "layer:head"; empty: the default
  // Options of translate only.
  std::optional<Index> n_best;
  std::string prefix;
  bool scores = false;
  std::string alignments;  ///< file of the alignments; empty: none
  std::string attention;   ///< how it is printed; empty: not at all

  void add_to(Options& options);
  void check(const Options& options) const;

  /// The first option that needs a model with attention; empty if there is none.
  std::string needs_attention() const;
  /// Whether the answers need their scores, which take a little more time.
  bool needs_scores() const { return scores || n_best || attention == "json"; }
  /// The number of answers to a source, at most.
  Index answers() const { return n_best.value_or(1); }
  /// The number of rows that a source takes in a batch.
  Index rows() const { return sample ? answers() : beam; }
  nn::BeamOptions beam_options() const;
  nn::SamplingOptions sampling_options() const;
};

}  // namespace adjoint::seq2seq

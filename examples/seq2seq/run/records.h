// What a training run writes down for `seq2seq report`, in the file records.jsonl of its model.
#pragma once

#include "examples/seq2seq/model/model.h"

namespace adjoint::seq2seq {

/// The content of the file, which holds a JSON object per line. Numbers have five digits, and there
/// is no time of day: a run that is repeated or resumed writes the same bytes.
struct Records {
  /// A step. Of a long run only some are recorded: see is_recorded().
  struct Step {
    Index step = 0;
    double loss = 0;           ///< mean over the batch's target tokens, in nats; NaN if it was
    double gradient_norm = 0;  ///< global, before clipping
    double learning_rate = 0;
    /// ‖Δw‖ / ‖w‖ of each group of parameters, then of all; empty where it was not measured.
    std::vector<double> update_ratios = {};
  };

  /// The weights of an attention layer for one sentence, before dropout.
  struct Attention {
    std::string layer;              ///< its path: "decoder.blocks.1.cross_attention"
    bool source_keys = true;        ///< whether the keys are the source's tokens or the target's
    bool source_queries = false;    ///< the same for the queries
    std::vector<Index> sizes = {};  ///< heads, queries, keys
    std::string weights = {};       ///< a byte for each in row-major order, 255 for 1; in base64
    /// Of each head: the entropy of a row, divided by that of uniform weights; mean over the rows
    /// with a choice of keys. 1: every query attends to all keys alike. NaN if the weights are.
    std::vector<double> entropies = {};
  };

  /// What the losses are after an epoch.
  struct Epoch {
    Index step = 0, epoch = 0;
    double training_loss = 0;
    std::optional<double> validation_loss = {}, bleu = {};
    bool best = false;  ///< the best validation so far
  };

  /// A look at the model after an epoch; after 0 epochs, at the untrained one. The first and the
  /// last model are looked at, and as many between as take about 1% of the time.
  struct Look {
    Index step = 0, epoch = 0;
    std::vector<std::string> translations = {};  ///< of each sentence; none if the logits are NaN
    std::vector<std::vector<Attention>> attention = {};  ///< of the first sentences
  };

  /// A sentence that each look translates.
  struct Sentence {
    std::string source, reference;
    data::Tokens source_tokens, target_tokens;  ///< as the model reads them: with <eos>, or <bos>
  };

  std::string model;     ///< model_digest() of the run's
  Index first_step = 0;  ///< steps done before the records begin
  std::vector<std::string> machines;
  std::string split;  ///< where the sentences come from: "validation", "held-out" or "training"
  std::vector<std::string> groups;  ///< of parameters: "encoder.blocks.0"
  std::vector<Index> frequencies;   ///< of each target word in the training pairs, by id from 4 on
  Index train_pairs = 0, validation_pairs = 0, held_out_pairs = 0;
  std::vector<Sentence> sentences;
  std::vector<Step> steps;
  std::vector<Epoch> epochs;
  std::vector<Look> looks;
  std::optional<Index> not_finite;  ///< the step whose gradient was NaN or infinite
};

/// Whether number i of a sequence is recorded: all up to `all`, then every second up to twice as
/// many, every fourth up to four times as many, and so on.
bool is_recorded(Index i, Index all);

/// The version of the file's format.
constexpr Index records_format = 1;

/// A digest of what a run never changes: the model's settings, vocabularies and held-out pairs, as
/// save_description() wrote them into the folder.
std::string model_digest(const Model& model, const std::filesystem::path& folder);

/// The records in this folder. Error, naming the file and the line, if there are none, they are
/// damaged, or another version of the program wrote them. The file may come from a stranger. Its
/// last line may be incomplete, as in a copy that was cut short: it does not count.
Records read_records(const std::filesystem::path& folder);
/// The same for the records of this model. Error if they are those of another.
Records read_records(const std::filesystem::path& folder, const Model& model);

/// The records of this model up to a step, as a text, for the run that goes on there. Errors as for
/// read_records().
std::string records_until(const std::filesystem::path& folder, Index step, const Model& model);

}  // namespace adjoint::seq2seq

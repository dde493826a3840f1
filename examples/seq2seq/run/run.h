// A training run: its state, and how that changes with each step and epoch.
#pragma once

#include "autograd/gradcheck.h"
#include "examples/seq2seq/run/dataset.h"
#include "examples/seq2seq/run/destination.h"
#include "examples/seq2seq/run/other_cuts.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/averaging.h"

namespace adjoint::seq2seq {

struct EpochResult {
  double loss = 0;                                        ///< mean over the training tokens
  std::optional<double> validation_loss = {}, bleu = {};  ///< on the validation pairs, if any
  std::optional<double> figure = {};                      ///< that of --best-by, except for a loss
  std::optional<double> alignment_loss = {};              ///< of guided attention, if there is any
  bool best = false;                                      ///< the best validation so far
};

/// Steps and epochs, without files. state() lists everything that must be saved to resume the run
/// and reach the same weights, bit for bit.
///
///   while (!run.finished()) {
///     run.step();
///     if (run.at_end_of_epoch()) run.end_epoch();
///   }
class Run {
 public:
  /// Keeps references to both.
  Run(Model& model, const Dataset& dataset);

  nn::StepResult step();
  /// Whether the next step is one that settings ask to check.
  bool check_is_due() const;
  /// Checks the gradient of what the next step minimizes, in f64, along random directions. Changes
  /// nothing: the run goes on as if it had not been checked.
  GradcheckReport check_gradient() const;
  /// All epochs are done, or patience has run out.
  bool finished() const;
  bool at_end_of_epoch() const { return batches_.batch() == 0; }
  /// Validates, and informs the schedule. Call it once, after the last step of an epoch.
  EpochResult end_epoch();

  Index steps() const { return optimizer_->steps(); }
  Index epochs() const { return settings_.epochs; }
  Index epochs_done() const { return batches_.epoch(); }
  Index batch() const { return batches_.batch(); }  ///< batches done in the current epoch
  Index batches_in_epoch() const { return batches_.batches_in_epoch(); }
  double learning_rate() const { return optimizer_->learning_rate(); }
  /// The mean training loss of the last complete epoch; empty before one is complete.
  std::optional<double> last_loss() const { return last_loss_; }
  /// The best validation figure so far, that of --best-by; infinite before the first.
  double best_figure() const { return best_.best(); }
  /// The epoch that had it; empty before the first.
  std::optional<Index> best_epoch() const;
  /// Whether patience has run out.
  bool out_of_patience() const { return settings_.patience > 0 && best_.ended(); }

  /// During its lifetime the model has the weights that are validated and kept: their average, if
  /// there is one.
  std::unique_ptr<nn::WithAverage> with_average();

  void state(nn::State& visit);
  /// Part of the state: a run that writes a log is not resumed without it.
  void set_logged(bool logged) { logged_ = logged; }
  /// Whether a saved state belongs to a run that writes a log.
  static bool has_log(const nn::Metadata& state);
  /// Error when a saved state belongs to a run with other alignments, or with none.
  void require_same_alignments(const nn::Metadata& state) const;
  /// The splits whose pairs differ from those of the run that saved the state: "training",
  /// "validation", "held-out".
  std::vector<std::string> changed_splits(const nn::Metadata& state) const;

 private:
  data::EncodedPairs next_batch(data::Batches& batches) const;
  double validation_loss() const;
  bool is_best(const EpochResult& result);

  Model& model_;
  const Dataset& dataset_;
  const TrainingSettings& settings_;
  data::EncodedPairs pairs_, validation_;
  std::optional<OtherCuts> other_cuts_;  // of the training pairs
  data::Batches batches_;
  std::unique_ptr<nn::Optimizer> optimizer_;
  nn::Schedule schedule_;
  nn::Trainer trainer_;
  nn::Patience best_;
  std::optional<nn::MovingAverage> average_;
  double best_loss_ = std::numeric_limits<double>::infinity();  // of the epoch with the best figure
  bool logged_ = false;
  std::optional<double> last_loss_;
  double epoch_loss_ = 0;  // sum over the tokens of the epoch so far
  Index epoch_tokens_ = 0;
  double epoch_alignment_loss_ = 0;  // sum over the linked target tokens of the epoch so far
  Index epoch_aligned_ = 0;
};

/// Whether a loss is NaN, or over twice that of giving all tokens the same probability, which is
/// the logarithm of their number.
bool has_diverged(double loss, Index tokens);

struct TrainResult {
  bool complete = false;            ///< not interrupted, and no wrong gradient
  std::optional<double> loss = {};  ///< mean over the tokens of the last epoch that this run did
  bool diverged = false;            ///< has_diverged() of this loss
  std::vector<EpochResult> epochs = {};                ///< those that this run did
  std::optional<GradcheckReport> wrong_gradient = {};  ///< the check that has stopped the run
};

/// Trains the model from its beginning, or from the state of the stopped run that `destination`
/// found, and saves that state along the way. Prints a line for each epoch; logs each step, unless
/// the path is empty. In the end the model has the weights that are kept. Ctrl-C ends the run after
/// the current batch, and a wrong gradient before the step that it would go into. The partial
/// folder is then a model of what has been learned, and the run can be resumed. With `records`,
/// what the report needs is written into the folder (recorder.h).
TrainResult train(Model& model, const Dataset& dataset, Destination& destination,
                  const std::filesystem::path& log, bool records = true);

}  // namespace adjoint::seq2seq

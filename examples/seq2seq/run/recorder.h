// Writes the records of a training run while it goes on.
#pragma once

#include "examples/seq2seq/run/records.h"
#include "examples/seq2seq/run/run.h"
#include "examples/seq2seq/run/update_meter.h"

namespace adjoint::seq2seq {

/// Observes a run and changes nothing in it. Lines are added to the file before each state of the
/// run is saved, so a killed run keeps the records up to its last state. A look at the model and a
/// measurement of its weights come as often as they take about 1% of the time.
class Recorder {
 public:
  /// Continues the records in the folder of a run that has taken `steps` steps, or begins them. The
  /// folder holds the description of the model. Keeps a reference to the model. Errors as for
  /// read_records().
  Recorder(const Model& model, const Dataset& dataset, const std::filesystem::path& folder,
           Index steps);

  /// Before and after a step; `step` counts from 1.
  void before_step(Index step);
  void after_step(Index step, const nn::StepResult& result, double learning_rate);
  /// After an epoch, while the model has the weights that are kept.
  void end_epoch(Index step, Index epoch, const EpochResult& result);
  /// The same at the end of a run: looks at the last model, and saves.
  void end(Index step, Index epoch);
  /// The step could not be taken, since its gradient is NaN or infinite.
  void not_finite(Index step);

  /// Adds what is new to the file. Error, naming the file, on a full disk.
  void save();

 private:
  bool is_measured(Index step) const;
  bool is_looked_at(Index epoch) const;
  void choose_sentences(const Dataset& dataset);
  void begin(const Dataset& dataset, Index steps);
  void write_machine(Index step);
  void look(Index step, Index epoch, const char* kind);

  const Model& model_;
  std::filesystem::path file_;
  UpdateMeter meter_;
  Index epochs_between_looks_, steps_between_measurements_;
  std::string split_;
  std::vector<data::Pair> sentences_;
  std::size_t watched_ = 0;  // of how many sentences the attention is recorded
  std::string text_;         // not yet in the file
};

/// The processor, the number of its cores, the version of the program, and its BLAS.
std::string machine_description();

}  // namespace adjoint::seq2seq

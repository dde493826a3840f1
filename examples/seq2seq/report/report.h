// The report of a training run, or of two: one HTML file that works offline.
#pragma once

#include "examples/seq2seq/model/translation.h"
#include "examples/seq2seq/run/records.h"

namespace adjoint::seq2seq {

/// A run that a report shows.
struct ReportedRun {
  std::string name;
  Model model;
  Records records;
  std::vector<data::Pair> held_out;

  /// Loads the model, its records and its held-out pairs. Error if one of them is missing or
  /// damaged.
  static ReportedRun load(const std::filesystem::path& folder);
};

/// The page for one or two runs. Translates the held-out pairs.
std::string report_page(std::span<const ReportedRun> runs);

/// What the page shows, as JSON.
std::string report_data(std::span<const ReportedRun> runs);

}  // namespace adjoint::seq2seq

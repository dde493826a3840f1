// An experiment: a question of the discussion, runs that measure, and a report that is made from
// the measured numbers alone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "autograd/shape.h"
#include "examples/experiments/frame/picture.h"
#include "examples/experiments/frame/results.h"
#include "examples/experiments/frame/statistics.h"
#include "examples/experiments/frame/table.h"

namespace adjoint::experiments {

/// How long and how often to run.
struct Effort {
  bool quick = false;  ///< seconds instead of minutes, for the tests
  std::optional<Index> seeds_asked = {};

  /// The number of seeds: as asked for, else one of these.
  Index seeds(Index full, Index when_quick) const {
    return seeds_asked.value_or(sized(full, when_quick));
  }
  /// One of two sizes.
  template <class T>
  T sized(T full, T when_quick) const {
    return quick ? when_quick : full;
  }
};

/// Something that must come out beyond chance, in the quick form too unless `only_full`. A run in
/// which it does not fails.
struct Claim {
  std::string what;  ///< "reversal needs positions: sinusoidal − none = 93.1 (91.0 to 95.2)"
  bool holds = false;
  bool only_full = false;
};

/// What the numbers say.
struct Report {
  std::string answer;  ///< one to three sentences, with the number of seeds and intervals
  std::vector<Table> tables = {};
  std::vector<Picture> pictures = {};  ///< one, or one for each panel side by side
  std::vector<Claim> claims = {};
};

struct Experiment {
  std::string name = {};      ///< of the subcommand and the files: "positions"
  std::string title = {};     ///< "Fixed, learned, convolutional, or no position?"
  std::string settings = {};  ///< what was run, for the page of results: model, task, steps, seeds
  void (*measure)(const Effort&, Results&) = nullptr;
  Report (*report)(const Results&) = nullptr;
};

/// Calls run(arm, seed) for each arm and seed (1 … seeds), side by side on the pool's threads, one
/// thread each, and adds what they return in the order of arms, then seeds. A line on standard
/// error tells how far it is. Results do not depend on the number of threads.
struct Measured {
  std::string quantity;
  double value;
  std::optional<double> x = std::nullopt;
  std::string arm = {};  ///< if not the run's
};
void run_all(Results& results, const std::vector<std::string>& arms, Index seeds,
             const std::function<std::vector<Measured>(std::size_t arm, Index seed)>& run);

/// The experiments, in the order of the discussion.
const std::vector<Experiment>& all_experiments();

}  // namespace adjoint::experiments

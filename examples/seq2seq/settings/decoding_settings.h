// How a model is made to answer: the options that `translate` and `evaluate` share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "nn/decoding/beam_search.h"
#include "nn/decoding/sampling.h"

namespace CLI {
class App;
}

namespace adjoint::seq2seq {

/// Without any of them the likeliest token is taken at each step.
struct DecodingSettings {
  Index beam = 1;
  bool sample = false;
  Index min_length = 0;
  std::optional<Index> max_length;  ///< else a limit that follows the source's length
  // What is not given has the defaults of BeamOptions and SamplingOptions.
  std::optional<double> length_penalty;
  std::optional<double> temperature, top_p;
  std::optional<Index> top_k;
  std::optional<std::uint64_t> seed;
  // Of translate alone.
  std::optional<Index> n_best;
  std::string prefix;

  /// Error, naming the options, when they contradict each other.
  void check() const;

  /// How many answers there are for each source, at most.
  Index answers() const { return n_best.value_or(1); }
  /// How many rows a source has in a batch.
  Index rows() const { return sample ? answers() : beam; }
  nn::BeamOptions beam_options() const;
  nn::SamplingOptions sampling_options() const;
};

void add_options(CLI::App& app, DecodingSettings& settings);

}  // namespace adjoint::seq2seq

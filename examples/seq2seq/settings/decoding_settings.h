// How a model answers: the options that `translate` and `evaluate` share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "examples/seq2seq/settings/options.h"
#include "nn/decoding/beam_search.h"
#include "nn/decoding/generation.h"

namespace adjoint::seq2seq {

/// The defaults are greedy decoding: the likeliest token at each step.
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
  // Options of translate only.
  std::optional<Index> n_best;
  std::string prefix;

  /// Declares the shared options.
  void add_to(Options& options);
  /// Error, naming the options, when they contradict each other.
  void check() const;

  /// The number of answers to a source, at most.
  Index answers() const { return n_best.value_or(1); }
  /// The number of rows that a source takes in a batch.
  Index rows() const { return sample ? answers() : beam; }
  nn::BeamOptions beam_options() const;
  nn::SamplingOptions sampling_options() const;
};

}  // namespace adjoint::seq2seq

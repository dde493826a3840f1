// How a model answers.
#include "examples/seq2seq/settings/settings.h"

namespace adjoint::seq2seq {
namespace {

constexpr auto sampling_group = "Sampling";

}  // namespace

void DecodingSettings::add_to(Options& options) {
  options.group("Search");
  options.add("--beam", beam, from_1, "beam width; 1: greedy decoding");
  options.add("--length-penalty", length_penalty, not_negative,
              "exponent of the beam's length penalty; larger values favor longer answers; 0: none "
              "[0.6]");
  options.add("--min-length", min_length, from_0, "length of the shortest answer, in tokens");
  options.add("--max-length", max_length, from_1,
              "length of the longest answer [about twice the length of the source]");

  options.group("Unknown words");
  options.add_flag("--no-unknown", no_unknown, "never answer with <unk>");
  options.add_flag("--copy-unknown", copy_unknown,
                   "replace each <unk> of an answer by the token of the source that it attends to "
                   "most");
  options.add("--alignment-head", alignment_head,
              "the head whose attention counts, as in decoder.blocks.0.cross_attention:0 [the one "
              "that has learned alignments, else the mean of the last block's]");

  options.group(sampling_group);
  options.add_flag("--sample", sample, "draw each token from the model's distribution");
  options.add("--temperature", temperature, positive,
              "values below 1 sharpen the distribution [1]");
  options.add("--top-k", top_k, from_1, "draw from the k likeliest tokens [all]");
  options.add("--top-p", top_p, up_to_1,
              "draw from the fewest tokens whose probabilities sum to p [1]");
  options.add("--seed", seed, any_seed, "seed of the draws [1]");
}

void DecodingSettings::check(const Options& options) const {
  require(!sample || beam == 1, "--sample and --beam cannot be combined; choose one");
  options.require_for_group(sample, sampling_group, "needs --sample");
  require(!length_penalty || beam > 1, "--length-penalty needs a --beam of at least 2");
  require(sample || answers() <= beam, "--n-best: a --beam of ", beam, " cannot give ", answers(),
          " answers; widen it, or use --sample");
  require(min_length <= max_length.value_or(min_length), "--min-length ", min_length,
          " is greater than --max-length ", max_length.value_or(0));
  require(!no_unknown || !copy_unknown,
          "--copy-unknown has no effect with --no-unknown; leave one of them out");
  require(alignments != "-",
          "--alignments -: the answers are on standard output; give the name of a file");
  require(alignment_head.empty() || !needs_attention().empty(),
          "--alignment-head has no effect without --copy-unknown",
          options.has("--alignments") ? ", --alignments or --attention" : "");
}

std::string DecodingSettings::needs_attention() const {
  if (copy_unknown) return "--copy-unknown";
  if (!alignments.empty()) return "--alignments";
  return attention.empty() ? "" : "--attention";
}

nn::BeamOptions DecodingSettings::beam_options() const {
  nn::BeamOptions options{.width = beam, .best = answers()};
  options.penalty.alpha = length_penalty.value_or(options.penalty.alpha);
  return options;
}

nn::SamplingOptions DecodingSettings::sampling_options() const {
  nn::SamplingOptions options{.key = Key(seed.value_or(1))};
  options.temperature = temperature.value_or(options.temperature);
  options.top_k = top_k.value_or(options.top_k);
  options.top_p = top_p.value_or(options.top_p);
  return options;
}

}  // namespace adjoint::seq2seq

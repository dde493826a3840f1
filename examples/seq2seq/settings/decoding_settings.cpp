#include "examples/seq2seq/settings/decoding_settings.h"

#include "autograd/support/error.h"
#include "examples/seq2seq/settings/validators.h"

namespace adjoint::seq2seq {

void DecodingSettings::check() const {
  require(!sample || beam == 1,
          "--sample draws an answer, --beam searches for one: give one of the two");
  const auto belongs = [](bool given, const char* option, bool allowed, const char* to) {
    require(!given || allowed, option, " is an option for ", to, ", which is not given");
  };
  belongs(temperature.has_value(), "--temperature", sample, "--sample");
  belongs(top_k.has_value(), "--top-k", sample, "--sample");
  belongs(top_p.has_value(), "--top-p", sample, "--sample");
  belongs(seed.has_value(), "--seed", sample, "--sample");
  belongs(length_penalty.has_value(), "--length-penalty", beam > 1, "a --beam of more than 1");
  require(sample || answers() <= beam, "--n-best: a --beam of ", beam, " has no ", answers(),
          " answers; give it a wider one, or --sample");
  require(min_length <= max_length.value_or(min_length), "--min-length, ", min_length,
          ", is more than --max-length, ", max_length.value_or(0));
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

void add_options(CLI::App& app, DecodingSettings& s) {
  const std::string search = "Search";
  app.add_option("--beam", s.beam, "hypotheses followed at a time; 1 takes the likeliest token")
      ->check(counting())
      ->group(search);
  app.add_option("--length-penalty", s.length_penalty,
                 "with a beam: the larger, the longer the answers; 0 for none [0.6]")
      ->check(not_negative())
      ->group(search);
  app.add_option("--min-length", s.min_length, "tokens of an answer at least")
      ->check(CLI::NonNegativeNumber)
      ->group(search);
  app.add_option("--max-length", s.max_length,
                 "tokens of an answer at most [twice those of the source and some more]")
      ->check(counting())
      ->group(search);

  const std::string sampling = "Sampling";
  app.add_flag("--sample", s.sample, "draw each token by its probability")->group(sampling);
  app.add_option("--temperature", s.temperature, "below 1 the likely becomes likelier [1]")
      ->check(positive())
      ->group(sampling);
  app.add_option("--top-k", s.top_k, "draw from so many of the likeliest tokens [all]")
      ->check(counting())
      ->group(sampling);
  app.add_option("--top-p", s.top_p, "draw from the fewest that hold this share [1]")
      ->check(share())
      ->group(sampling);
  app.add_option("--seed", s.seed, "another one, other draws [1]")->check(seed())->group(sampling);
}

}  // namespace adjoint::seq2seq

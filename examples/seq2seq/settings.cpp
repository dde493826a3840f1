#include "examples/seq2seq/settings.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <map>

#include "autograd/error.h"
#include "data/tasks.h"

namespace adjoint::seq2seq {

void Settings::check() const {
  require(width % heads == 0, "--heads: ", heads, " does not divide --width, ", width);
  require(positions != "rotary" || width / heads % 2 == 0,
          "--positions rotary: needs heads of an even width, not ", width / heads);
  if (task.empty()) return;
  const Index longest =
      task == "addition" ? 2 * max_length + 1 : max_length;  // both summands and +
  require(longest <= max_tokens, "--max-length: a source of ", longest,
          " tokens is more than --max-tokens, ", max_tokens);
}

namespace {
const std::map<std::string, nn::Positions> all_positions = {
    {"none", nn::Positions::none},           {"sinusoidal", nn::Positions::sinusoidal},
    {"learned", nn::Positions::learned},     {"rotary", nn::Positions::rotary},
    {"alibi", nn::Positions::linear_biases},
};
}  // namespace

nn::TransformerConfig Settings::model(Index source_tokens, Index target_tokens) const {
  return {
      .source_tokens = source_tokens,
      .target_tokens = target_tokens,
      .width = width,
      .hidden = hidden,
      .heads = heads,
      .encoder_blocks = encoder_blocks,
      .decoder_blocks = decoder_blocks,
      .dropout = dropout,
      .max_length = decoding_limit() + 1,
      .positions = all_positions.at(positions),
      .norm = norm == "post" ? nn::NormPlacement::post : nn::NormPlacement::pre,
      .activation = activation == "relu" ? nn::Activation::relu : nn::Activation::gelu,
  };
}

namespace {

// A real number for which `good` holds; NaN and infinity never are.
CLI::Validator number(const std::string& demand, bool (*good)(double)) {
  return CLI::Validator(
      [demand, good](const std::string& text) {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        const bool is_number = !text.empty() && *end == '\0' && std::isfinite(value);
        return is_number && good(value) ? "" : demand + ", is " + text;
      },
      "");
}

// A whole number of at least 1.
CLI::Validator counting() {
  return number("must be a whole number of at least 1",
                [](double x) { return x >= 1 && x <= 1e9 && x == std::floor(x); });
}

}  // namespace

void add_options(CLI::App& app, Settings& s) {
  const CLI::Validator count = counting();
  const CLI::Validator positive = number("must be more than 0", [](double x) { return x > 0; });
  const CLI::Validator fraction =
      number("must lie in [0, 1)", [](double x) { return x >= 0 && x < 1; });
  const CLI::Validator not_negative =
      number("must not be negative", [](double x) { return x >= 0; });

  const std::string data = "Data";
  app.add_option("--task", s.task, "learn a toy task instead")
      ->check(CLI::IsMember(data::task_names()))
      ->group(data);
  app.add_option("--tokenizer", s.tokenizer, "what a token is")
      ->check(CLI::IsMember({"words", "characters"}))
      ->group(data);
  app.add_option("--min-frequency", s.min_frequency, "rarer tokens become <unk>")
      ->check(count)
      ->group(data);
  app.add_option("--max-tokens", s.max_tokens, "longest sentence, in tokens")
      ->check(count)
      ->group(data);
  app.add_option("--held-out", s.held_out, "share of the source sentences kept for the final BLEU")
      ->check(fraction)
      ->group(data);
  app.add_option("--validation", s.validation, "share kept for the loss after each epoch")
      ->check(fraction)
      ->group(data);

  const std::string task = "Toy task";
  app.add_option("--symbols", s.symbols, "different symbols; for addition, the base")
      ->check(count)
      ->group(task);
  app.add_option("--min-length", s.min_length, "shortest string")->check(count)->group(task);
  app.add_option("--max-length", s.max_length, "longest string")->check(count)->group(task);
  app.add_option("--train-count", s.train_count, "strings to learn from")
      ->check(count)
      ->group(task);
  app.add_option("--held-out-count", s.held_out_count, "strings kept for the final score")
      ->check(count)
      ->group(task);

  const std::string model = "Model";
  app.add_option("--width", s.width, "of embeddings and blocks")->check(count)->group(model);
  app.add_option("--hidden", s.hidden, "width inside of the feed-forward networks")
      ->check(count)
      ->group(model);
  app.add_option("--heads", s.heads, "of attention; must divide the width")
      ->check(count)
      ->group(model);
  app.add_option("--encoder-blocks", s.encoder_blocks, "layers that read the source")
      ->check(count)
      ->group(model);
  app.add_option("--decoder-blocks", s.decoder_blocks, "layers that write the target")
      ->check(count)
      ->group(model);
  app.add_option("--dropout", s.dropout, "share of the values left out at random in training")
      ->check(fraction)
      ->group(model);
  app.add_option("--positions", s.positions, "how a token knows its place")
      ->check(CLI::IsMember(all_positions))
      ->group(model);
  app.add_option("--norm", s.norm, "layer norm after or before each sublayer")
      ->check(CLI::IsMember({"post", "pre"}))
      ->group(model);
  app.add_option("--activation", s.activation, "inside of the feed-forward networks")
      ->check(CLI::IsMember({"relu", "gelu"}))
      ->group(model);

  const std::string training = "Training";
  app.add_option("--epochs", s.epochs, "times through all training pairs")
      ->check(count)
      ->group(training);
  app.add_option("--batch", s.batch, "pairs in a batch")->check(count)->group(training);
  app.add_option("--shards", s.shards, "parts a batch is cut into, each computed by one thread")
      ->check(CLI::Range(1, 1024))
      ->group(training);
  app.add_option("--learning-rate", s.learning_rate, "of Adam")->check(positive)->group(training);
  app.add_option("--schedule", s.schedule, "keep the rate, or let it fall to 0 over the run")
      ->check(CLI::IsMember({"constant", "linear"}))
      ->group(training);
  app.add_option("--warm-up", s.warm_up, "steps over which the rate rises at first")
      ->check(CLI::NonNegativeNumber)
      ->group(training);
  app.add_option("--clip", s.clip, "limit of the gradient's norm; 0 for none")
      ->check(not_negative)
      ->group(training);
  app.add_option("--smoothing", s.smoothing, "of the labels")->check(fraction)->group(training);
  app.add_option("--seed", s.seed, "of everything that is random")->group(training);

  for (CLI::Option* option : app.get_options()) option->capture_default_str();
}

std::string to_text(const Settings& settings) {
  CLI::App app;
  Settings values = settings;
  add_options(app, values);  // the values become the options' defaults, which are written out
  if (values.task.empty()) app.remove_option(app.get_option("--task"));
  return app.config_to_str(true);
}

Settings read_settings(const std::filesystem::path& path) {
  Settings settings;
  CLI::App app;
  add_options(app, settings);
  for (CLI::Option* option : app.get_options())
    if (!option->check_lname("task") && !option->check_lname("help")) option->required();
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_config("--settings", path.string(), "", true);
  try {
    app.parse(std::vector<std::string>{});
    settings.check();
  } catch (const std::runtime_error& error) {  // CLI11's and ours
    fail(path.string(), ": not the settings of a model: ", error.what());
  }
  return settings;
}

}  // namespace adjoint::seq2seq

// seq2seq: train a Transformer on sentence pairs, translate with it, measure it.
//
//   seq2seq train data/english-french.tsv --output build/english-french
//   seq2seq translate build/english-french "where is the station ?"
//   seq2seq evaluate build/english-french

#include <CLI/CLI.hpp>
#include <csignal>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <optional>

#include "autograd/anomaly.h"
#include "autograd/error.h"
#include "autograd/kernels/blas.h"
#include "autograd/kernels/parallel.h"
#include "examples/seq2seq/settings.h"
#include "examples/seq2seq/training.h"
#include "examples/seq2seq/translation.h"
#include "nn/trainer.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;

constexpr int interrupted_status = 130;  // what a shell reports for a program ended by Ctrl-C
constexpr int below_floor_status = 3;

constexpr auto example = R"(For example:
  seq2seq train data/english-french.tsv --output my-model
  seq2seq translate my-model "Where is my red hat?")";

struct Arguments {
  Settings settings;
  std::string output, model, pairs;
  std::vector<std::string> sentences;
  double floor = 0;
  std::optional<double> margin;
  bool detect_anomaly = false;
  int threads = adjoint::threads();
};

void print(const Score& score) {
  std::cout << std::fixed << std::setprecision(2) << "BLEU " << score.bleu.score << " on "
            << score.count << " sentences, " << std::setprecision(1) << 100 * score.exact
            << "% of them exact";
  if (score.bleu.totals[3] == 0) std::cout << " (BLEU needs sentences of four words or more)";
  std::cout << std::endl;
}

void print(const NearestSource& nearest) {
  std::cout << std::fixed << std::setprecision(2) << "for comparison, BLEU " << nearest.bleu.score
            << " by copying the translation of the nearest training source; "
            << std::setprecision(1) << 100 * nearest.near_duplicates
            << "% of the sources differ from one by at most a word" << std::endl;
}

void show_some(const Model& model, const std::vector<data::Pair>& pairs,
               const std::vector<data::Tokens>& translations) {
  const data::Tokenizer tokenizer = model.settings.make_tokenizer();
  for (std::size_t i = 0; i < std::min<std::size_t>(8, pairs.size()); ++i) {
    const bool right = translations[i] == pairs[i].target;
    std::cout << "  " << tokenizer.detokenize(pairs[i].source) << "\n    " << (right ? "= " : "→ ")
              << tokenizer.detokenize(translations[i]) << '\n';
    if (!right) std::cout << "    ≠ " << tokenizer.detokenize(pairs[i].target) << '\n';
  }
}

// In anomaly mode an error says which operation went wrong; otherwise it says how to find out.
Trained train_watched(const Arguments& arguments, const Parts& parts) {
  std::optional<DetectAnomaly> guard;
  if (arguments.detect_anomaly) guard.emplace();
  try {
    return train(arguments.settings, parts);
  } catch (const nn::NotFinite&) {
    if (guard) throw;
    fail(
        "train: the gradient is NaN or infinite; the same command with --detect-anomaly says "
        "which operation made it so");
  }
}

int train_command(const Arguments& arguments) {
  const Settings& settings = arguments.settings;
  settings.check();
  Destination destination(arguments.output);
  const Parts parts = prepare(settings, arguments.pairs);
  const Trained trained = train_watched(arguments, parts);
  destination.save(trained.model, parts.held_out);
  std::cout << "saved in " << arguments.output << std::endl;
  if (trained.interrupted) return interrupted_status;
  if (parts.held_out.empty()) return 0;

  const std::vector<data::Tokens> translations =
      translate(trained.model, data::sources(parts.held_out));
  show_some(trained.model, parts.held_out, translations);
  const Score result = score(trained.model, parts.held_out, translations);
  double demanded = arguments.floor;
  if (settings.task.empty()) {
    const NearestSource nearest =
        nearest_source(parts.train, parts.held_out, settings.make_tokenizer());
    print(nearest);
    if (arguments.margin) demanded = std::max(demanded, nearest.bleu.score + *arguments.margin);
  }
  print(result);
  if (result.bleu.score >= demanded) return 0;
  std::cerr << "seq2seq: BLEU is below the floor, " << demanded << '\n';
  return below_floor_status;
}

// One line in, one line out, as they come.
void translate_line(const Model& model, const std::string& line) {
  const data::Tokens source = model.settings.make_tokenizer().tokenize(line);
  for (const std::string& word : unknown_words(model, source))
    std::cerr << "seq2seq: the model does not know '" << word << "'\n";
  const data::Tokens target = source.empty() ? data::Tokens() : translate(model, {source}).front();
  std::cout << model.settings.make_tokenizer().detokenize(target) << std::endl;
}

int translate_command(const Arguments& arguments) {
  const Model model = load(arguments.model);
  Index number = 0;
  const auto translate_next = [&](const char* what, const std::string& line) {
    ++number;
    try {
      translate_line(model, line);
    } catch (const Error& error) {
      fail(what, ' ', number, ": ", error.what());
    }
  };
  for (const std::string& sentence : arguments.sentences) translate_next("sentence", sentence);
  if (!arguments.sentences.empty()) return 0;
  for (std::string line; std::getline(std::cin, line);)
    translate_next("standard input, line", line);
  return 0;
}

int evaluate_command(const Arguments& arguments) {
  const Model model = load(arguments.model);
  const std::string file =
      arguments.pairs.empty() ? held_out_file(arguments.model).string() : arguments.pairs;
  require(!arguments.pairs.empty() || std::filesystem::file_size(file) > 0,
          "evaluate: no pairs were held out for this model; give a file");
  const std::vector<data::Pair> pairs = data::read_corpus(file, model.settings.make_tokenizer(),
                                                          {.max_tokens = model.settings.max_tokens})
                                            .pairs;
  const std::vector<data::Tokens> translations = translate(model, data::sources(pairs));
  show_some(model, pairs, translations);
  print(score(model, pairs, translations));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ,
              SIG_IGN);  // a file beyond its limit is an error like a full disk, not a crash
  Arguments arguments;
  CLI::App app("Train a Transformer on sentence pairs, translate with it, measure it.");
  app.footer(example);
  app.set_version_flag("--version", "adjoint 0.1, on " + kernels::blas_description());
  app.require_subcommand(1);
  app.fallthrough();  // options of the program are known after the subcommand too
  app.option_defaults()->always_capture_default();
  app.add_option("--threads", arguments.threads, "threads to use; changes no result")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();

  CLI::App* train = app.add_subcommand("train", "train a model and save it in a folder");
  add_options(*train, arguments.settings);
  train
      ->add_option("file", arguments.pairs,
                   "pairs, or give a --task: source, tab, target on each line")
      ->type_name("FILE");
  train->add_option("--output", arguments.output, "folder for the model")
      ->required()
      ->type_name("FOLDER");
  train->add_option("--floor", arguments.floor, "exit with 3 if the held-out BLEU is lower");
  train->add_option("--margin", arguments.margin,
                    "exit with 3 unless it is so much above that of the nearest source");
  train->add_flag("--detect-anomaly", arguments.detect_anomaly,
                  "stop at the first NaN or infinity and say where it came from; slower");

  CLI::App* translate = app.add_subcommand("translate", "translate sentences, or standard input");
  translate->add_option("model", arguments.model, "folder of a trained model")->required();
  translate->add_option("sentences", arguments.sentences, "each quoted; none: read lines");

  CLI::App* evaluate =
      app.add_subcommand("evaluate", "BLEU on pairs, by default those held out from training");
  evaluate->add_option("model", arguments.model, "folder of a trained model")->required();
  evaluate->add_option("file", arguments.pairs, "file of pairs")->type_name("FILE");

  try {
    app.parse(argc, argv);
    set_threads(arguments.threads);
    const int status = train->parsed()       ? train_command(arguments)
                       : translate->parsed() ? translate_command(arguments)
                                             : evaluate_command(arguments);
    require(std::cout.flush().good(), "standard output: cannot be written");
    return status;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    const std::string first = argc > 1 ? argv[1] : "";
    const bool known = first.empty() || first.front() == '-' || first == "train" ||
                       first == "translate" || first == "evaluate";
    std::cerr << "seq2seq: "
              << (known ? error.what()
                        : "no command '" + first + "'; there are train, translate and evaluate")
              << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "seq2seq: " << error.what() << '\n';
    return 1;
  }
}

#include "tests/benchmarks/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

namespace adjoint::benchmarks {
namespace {

// A configuration by name, and changes to it that show how the cost grows.
struct Choice {
  std::string name = "micro", lengths = "even";
  Index batch = 0, length = 0, width = 0;  // 0: unchanged

  void add_to(CLI::App& app) {
    std::vector<std::string> names;
    for (const Configuration& each : configurations()) names.push_back(each.name);
    app.add_option("--config", name, "which model and batch")
        ->check(CLI::IsMember(names))
        ->capture_default_str();
    app.add_option("--batch", batch, "another number of sequences")->check(CLI::Range(1, 1 << 20));
    app.add_option("--length", length, "of source and target")->check(CLI::Range(2, 256));
    app.add_option("--width", width, "of the model; the feed-forward networks' grows with it")
        ->check(CLI::Range(1, 1 << 20));
    app.add_option("--lengths", lengths,
                   "even: half to all of the full length; sentences: as in the corpus in data/; "
                   "words: letters and sounds as in CMUdict")
        ->check(CLI::IsMember({"even", "sentences", "words"}))
        ->capture_default_str();
  }

  Configuration changed(Configuration result) const {
    if (batch > 0) result.batch = batch;
    if (length > 0) result.source_length = result.target_length = length;
    if (width > 0) {
      result.hidden = result.hidden * width / result.width;
      result.width = width;
    }
    if (lengths != "even") {
      constexpr Key key{4};
      result.lengths = lengths == "words" ? word_lengths(result.batch, key)
                                          : sentence_lengths(result.batch, key);
      result.source_length = std::ranges::max(result.lengths, {}, &PairLengths::source).source;
      result.target_length = std::ranges::max(result.lengths, {}, &PairLengths::target).target;
    }
    return result;
  }
};

}  // namespace

int run_benchmark(int argc, const char* const* argv, const std::string& description,
                  std::initializer_list<Takes> takes,
                  const std::function<void(const Options&)>& benchmark) {
  const auto wanted = [&](Takes option) { return std::ranges::find(takes, option) != takes.end(); };
  CLI::App app(description);
  Options options;
  Choice choice;
  app.add_option("--seconds", options.seconds, "how long each measurement lasts")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  if (wanted(Takes::configuration)) choice.add_to(app);
  if (wanted(Takes::threads))
    app.add_option("--threads", options.threads, "threads to use")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
  if (wanted(Takes::packed)) app.add_flag("--packed", options.packed, "leave padding out");
  if (wanted(Takes::composed))
    app.add_flag("--composed", options.composed, "formulas instead of fused kernels");
  if (wanted(Takes::recomputed))
    app.add_flag("--recomputed", options.recomputed,
                 "compute each block again in the sweep instead of keeping its values");
  if (wanted(Takes::profile))
    app.add_flag("--profile", options.profile,
                 "the time of each operation in a step, one per line, and of the step");
  if (wanted(Takes::list))
    app.add_flag("--list", options.list, "only print the configurations, one per line");
  try {
    app.parse(argc, argv);
    options.configuration = choice.changed(configuration(choice.name));
    for (const Configuration& each : configurations())
      options.every.push_back(choice.changed(each));
    benchmark(options);
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    std::cerr << app.get_name() << ": " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << app.get_name() << ": " << error.what() << '\n';
    return 1;
  }
}

}  // namespace adjoint::benchmarks

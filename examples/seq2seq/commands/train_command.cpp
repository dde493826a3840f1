#include <cmath>
#include <iostream>

#include "autograd/tools/anomaly.h"
#include "data/pairs/tasks.h"
#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/look/description.h"
#include "examples/seq2seq/run/start/start.h"
#include "examples/seq2seq/run/written_file.h"
#include "nn/training/metrics_log.h"

namespace adjoint::seq2seq {
namespace {

// The settings that affect what a run has done so far. The number of epochs does so only if the
// schedule depends on it.
Settings fixed_by_run(Settings settings) {
  TrainingSettings& training = settings.training;
  const TrainingSettings defaults;
  const bool falls_over_all_epochs = training.schedule_options(1).total != 0;
  if (!falls_over_all_epochs) training.epochs = defaults.epochs;
  training.validation_bleu = defaults.validation_bleu;
  training.keep = defaults.keep;
  training.keep_epochs = defaults.keep_epochs;
  training.save_every = defaults.save_every;
  training.gradcheck_every = defaults.gradcheck_every;
  return settings;
}

constexpr auto train_footer = R"(For example:
  seq2seq train pairs.tsv --output my-model
  seq2seq train pairs.tsv --output my-model --resume
  seq2seq train english.txt french.txt --tokenizer subwords --min-frequency 1 --output my-model
  seq2seq train pairs.tsv --config my-model/settings.toml --seed 2 --output second
  seq2seq train other.tsv --from my-model --learning-rate 0.0003 --output adapted
  seq2seq train --task reverse --symbols 10 --max-length 8 --epochs 5 --output reverse
Exit codes: 0 done; 1 a bad file or model, a disk error, or options that contradict each other; 2 an
unknown option, or a value it does not accept; 3 BLEU is below --floor or --margin; 4 the loss has
diverged (the model is saved in both cases); 5 --gradcheck-every found a wrong gradient; 130
interrupted.)";

struct TrainCommand : Command {
  Settings settings;
  InputFiles files;
  Start start;
  std::string output, config, log;
  bool resume = false, restart = false, records = true;
  double floor = 0;
  std::optional<double> margin;
  bool detect_anomaly = false;

  TrainCommand() : Command({"train", "train a model and save it in a folder", train_footer}) {
    options.add("--output FOLDER", output, "folder for the model").required();
    options.add_flag("--resume", resume,
                     "continue the run that was stopped there, with its settings; give the same "
                     "files and --log");
    options
        .add_flag("--restart", restart,
                  "start over, in place of the run that was stopped there or of the model")
        .excludes("--resume");
    options.add("--config FILE", config,
                "read options from a file, such as the settings.toml of a model; those on the "
                "command line win");
    options.add("--log FILE", log, "write a line of JSON for each step and epoch");
    options.add_choice("--records", records, {{"on", true}, {"off", false}},
                       "write down what `seq2seq report` shows of the training");
    // A settings file may come from a stranger, so it must not name what is read or written.
    options.command_line_only(
        {"--output", "--resume", "--restart", "--config", "--log", "--records"});
    options.add("--floor", floor, percent, "exit with 3 if the held-out BLEU is lower");
    options.add(
        "--margin", margin, percent,
        "exit with 3 unless the held-out BLEU exceeds that of the nearest source by this much");
    options.add_flag("--detect-anomaly", detect_anomaly,
                     "stop at the first NaN or infinity and report where it came from; slower");
    settings.add_to(options);
    start.add_to(options);
    files.add_to(options);
  }

  int run() override {
    if (!config.empty()) options.read_file(config);
    start.prepare(output, resume, settings, options);
    check_that_all_count();
    check_log();
    Destination destination(output, resume    ? IfStopped::resume
                                    : restart ? IfStopped::discard
                                              : IfStopped::refuse);
    require(log.empty() || !destination.holds(log), "--log: '", log,
            "' is inside the folder of the model; choose another place");
    for (const std::string& name : files.names())
      require(resume || name == "-" || !destination.holds(name), "--output: '", name,
              "' is in a folder that the run would replace; choose another folder");
    if (resume) take_settings_of_run(destination.partial() / settings_file);
    if (!settings.data.task.empty()) settings.data.tokenizer = tokenizer_of_task();
    settings.check(options);
    // `translate` reads alignments from the head that has learned them.
    if (!files.alignment.empty()) settings.training.alignment_head = settings.guided_head().name();
    if (resume) start.resume(destination.partial(), settings);

    const Dataset dataset = load_dataset(settings, read(files), start.subwords());
    check_demands(dataset);
    check_warm_up(dataset);
    return with_memory_advice(
        "lower --batch (or --batch-tokens), --max-tokens or the size of the model (--width, "
        "--hidden, --encoder-blocks, --decoder-blocks), or raise --accumulate",
        [&] { return run_on(dataset, destination); });
  }

  // Before any work: the name may be that of another file.
  void check_log() const {
    std::vector<std::string> inputs = files.names();
    for (const std::string& name : start.files()) inputs.push_back(name);
    inputs.push_back(config);
    require_writable("--log", log, Written::in_lines, inputs);
    try {
      nn::MetricsLog::check(log);
    } catch (const Error& error) {
      fail("--log: ", error.what(), "; choose another file");
    }
    std::error_code no_file;
    require(resume || restart || !std::filesystem::is_regular_file(log, no_file) ||
                std::filesystem::is_empty(log, no_file),
            "--log: '", log,
            "' is not empty, and a run begins a new metrics log; replace it with "
            "--restart, or choose another file");
  }

  int run_on(const Dataset& dataset, Destination& destination) {
    auto [model, description] = start.begin(settings, dataset);
    const Figures figures = measure(settings, dataset, {model.source, model.target});
    std::cout << describe_pairs(figures) << describe_tokens(figures) << model.source.size()
              << " and " << model.target.size() << " words; " << nn::parameter_count(*model.network)
              << " parameters\n"
              << description << lines_of(advise(settings, figures)) << std::flush;
    if (!resume && std::filesystem::exists(std::filesystem::path(output) / weights_file))
      std::cout << "the new model will replace the one in " << output << std::endl;
    const TrainResult result = train_watched(model, dataset, destination);
    if (result.wrong_gradient) return report_wrong_gradient(*result.wrong_gradient, destination);
    if (!result.complete) {
      std::cout << "interrupted; continue with --resume, or use the model so far in "
                << destination.partial().string() << std::endl;
      return status::interrupted;
    }
    std::cout << "saved in " << output;
    if (records) std::cout << "; `seq2seq report " << output << "` makes a page about the run";
    std::cout << std::endl;
    const Outcome outcome = {.epochs = result.epochs, .target_tokens = model.target.size()};
    if (dataset.held_out.empty()) std::cout << lines_of(advise(settings, figures, outcome));
    const int code =
        dataset.held_out.empty() ? status::done : report_score(model, dataset, figures, outcome);
    if (!result.diverged) return code;
    report(text_from("the training has diverged: the loss is ", fixed(*result.loss, 1),
                     ", and guessing among ", model.target.size(), " words gives ",
                     fixed(std::log(static_cast<double>(model.target.size())), 1),
                     "; lower --learning-rate, or use --warm-up or --clip"));
    return status::diverged;
  }

  // An option without effect is a mistake. A configuration file may name every option, so if there
  // is one, only values other than the default count.
  void check_that_all_count() const {
    const DataSettings& data = settings.data;
    const ModelSettings& model = settings.model;
    const TrainingSettings& training = settings.training;
    const auto refuse = [&](bool ignored, const std::vector<std::string>& names,
                            const std::string& reason) {
      for (const std::string& name : names)
        require(!ignored || !options.given(name, config.empty()), name, " has no effect ", reason);
    };
    refuse(training.batch_tokens > 0, {"--batch"}, "with --batch-tokens; leave one of them out");
    refuse(training.schedule == "constant" || training.schedule == "inverse-sqrt", {"--rate-floor"},
           "with --schedule " + training.schedule + "; it is for linear, cosine and plateau");
    refuse(!data.task.empty(), {"--held-out"}, "with --task; use --held-out-count");
    refuse(!data.task.empty(),
           {"--too-long", "--columns", "--bad-lines", "--source-tokenizer", "--target-tokenizer",
            "--valid", "--test", "--alignment"},
           "with --task; it is for files of pairs");
    // The settings of a finished run name the tokenizer of its task.
    refuse(!data.task.empty() && data.tokenizer != tokenizer_of_task(), {"--tokenizer"},
           "with --task; it is for files of pairs");
    refuse(data.task == "dates", {"--symbols", "--min-length", "--max-length"},
           "with --task dates, whose forms are fixed");
    refuse(!data.source_tokenizer.empty() && !data.target_tokenizer.empty(), {"--tokenizer"},
           "with --source-tokenizer and --target-tokenizer");
    refuse(!files.valid.empty(), {"--validation"}, "with --valid; leave one of them out");
    refuse(!files.test.empty(), {"--held-out"}, "with --test; leave one of them out");
    // The settings of a finished run name its head.
    refuse(files.alignment.empty() && !resume && config.empty(),
           {"--alignment-weight", "--alignment-head"}, "without --alignment");
    refuse(!files.targets.empty(), {"--columns"}, "with two files; it is for one file of pairs");
    if (model.is_recurrent()) return;
    const nn::TransformerConfig& c = model.transformer;
    refuse(c.positions != nn::Positions::relative, {"--relative", "--max-distance"},
           "without --positions relative");
    refuse(c.positions != nn::Positions::convolutional, {"--kernel"},
           "without --positions convolutional");
    refuse(c.position_mode != nn::PositionMode::split, {"--position-width"},
           "without --position-mode split");
  }

  std::string tokenizer_of_task() const { return data::task_tokenizer(settings.data.task).name(); }

  // A resumed run has its own settings, except those given now.
  void take_settings_of_run(const std::filesystem::path& file) {
    options.read_file(file);
    const std::string different =
        difference(fixed_by_run(Settings::read(file)), fixed_by_run(settings));
    require(different.empty(), "--resume: the run began with other settings: ", different,
            "; leave these options out, or start over with --restart");
  }

  // Anomaly mode reports the operation that produced the NaN; without it, the message explains how.
  TrainResult train_watched(Model& model, const Dataset& dataset, Destination& destination) {
    std::optional<DetectAnomaly> guard;
    if (detect_anomaly) guard.emplace();
    try {
      return train(model, dataset, destination, log, records);
    } catch (const nn::NotFinite&) {
      if (guard) throw;
      fail("train: the gradient is NaN or infinite; run it again with --detect-anomaly",
           destination.kept() ? " --resume" : "", " to see which operation is the cause");
    }
  }

  static int report_wrong_gradient(const GradcheckReport& check, const Destination& destination) {
    std::cout << check << std::endl;
    report(
        "train: --gradcheck-every: the gradient of the loss is wrong, see above; the state before "
        "this step is saved in " +
        destination.partial().string() + ", and --resume --gradcheck-every 0 ignores the mistake");
    return status::wrong_gradient;
  }

  // Without held-out pairs a demand could not fail.
  void check_demands(const Dataset& dataset) {
    const std::string& task = settings.data.task;
    require(!margin || task.empty(), "--margin cannot be used with --task ", task,
            ", which has no nearest source; use --floor");
    require(!dataset.held_out.empty() || (floor == 0 && !margin), margin ? "--margin" : "--floor",
            " needs held-out pairs, and there are none; see --held-out");
  }

  // Before the model is made, if the batches are of so many pairs.
  void check_warm_up(const Dataset& dataset) const {
    const auto [size, unit] = settings.training.batch_size();
    if (unit == data::BatchSize::Unit::sentences)
      settings.training.check_warm_up((std::ssize(dataset.train) + size - 1) / size);
  }

  // The score is the last line, for scripts.
  int report_score(const Model& model, const Dataset& dataset, const Figures& figures,
                   Outcome outcome) {
    const std::vector<data::Tokens> translations =
        translate(model, data::sources(dataset.held_out));
    print_examples(model, dataset.held_out, translations);
    const Score result = score(model, dataset.held_out, translations);
    outcome.held_out_bleu = result.bleu.score;
    double demanded = floor;
    std::string origin = text_from("--floor ", floor);
    if (model.settings.data.task.empty()) {
      const NearestSource nearest = nearest_source(model, dataset.train, dataset.held_out);
      std::cout << "for comparison, BLEU " << fixed(nearest.bleu.score, 2)
                << " by copying the translation of the nearest training source; "
                << fixed(100 * nearest.near_duplicates, 1)
                << "% of the sources differ from one by at most a word" << std::endl;
      if (margin && nearest.bleu.score + *margin > floor) {
        demanded = nearest.bleu.score + *margin;
        origin = text_from("the ", fixed(nearest.bleu.score, 2),
                           " of copying the nearest source's translation plus --margin ", *margin);
      }
    }
    std::cout << lines_of(advise(settings, figures, outcome));
    print(result);
    if (result.bleu.score >= demanded) return status::done;
    report("BLEU is below " + origin);
    return status::below_floor;
  }
};

}  // namespace

std::unique_ptr<Command> train_command() { return std::make_unique<TrainCommand>(); }

}  // namespace adjoint::seq2seq

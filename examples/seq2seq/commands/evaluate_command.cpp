#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "autograd/support/files.h"
#include "examples/seq2seq/commands/lines.h"
#include "examples/seq2seq/commands/long_sentences.h"
#include "examples/seq2seq/commands/named_models.h"
#include "examples/seq2seq/commands/references.h"
#include "examples/seq2seq/run/dataset.h"
#include "examples/seq2seq/run/written_file.h"
#include "examples/seq2seq/settings/counted.h"
#include "nn/translation/encoding.h"

namespace adjoint::seq2seq {
namespace {

// Additional references of these pairs, as tokens of the model, from a file with a line for each
// line of the corpus. An empty line stays empty: it is not a reference.
std::vector<data::Tokens> read_references(const std::string& file, const Model& model,
                                          const data::Corpus& corpus) {
  std::vector<std::string> lines = read_lines(file);
  const std::size_t all =
      corpus.pairs.size() + static_cast<std::size_t>(corpus.skipped + corpus.bad());
  require(lines.size() == all, "--references: ", file, " has ", lines.size(), " lines for ", all,
          " pairs");
  const data::Tokenizer& tokenizer = model.tokenizers.target;
  std::vector<data::Tokens> references;
  for (const data::Pair& pair : corpus.pairs) {
    const std::string& line = lines[static_cast<std::size_t>(pair.line - 1)];
    try {
      require_text(line);
      references.push_back(tokenizer.tokenize(line));
    } catch (const Error& error) {
      fail(file, ':', pair.line, ": ", error.what());
    }
  }
  return references;
}

// ---- The figures --------------------------------------------------------------------------------

struct Metric {
  std::string key;   // in JSON
  std::string name;  // in the table
  double value;
  int digits;        // after the point, in the table
  std::string note;  // sacreBLEU's signature, where there is one
};

std::vector<std::vector<std::string>> texts_of(const ReferenceSets& sets,
                                               const data::Tokenizer& tokenizer) {
  std::vector<std::vector<std::string>> texts;
  for (const std::vector<data::Tokens>& set : sets) texts.push_back(as_text(set, tokenizer));
  return texts;
}

// The book's BLEU for the best reference of each sentence, averaged over the sentences.
double mean_book_bleu(const std::vector<data::Tokens>& translations,
                      const ReferenceSets& references, Index k) {
  const auto joined = [](const data::Tokens& tokens) {
    std::string text;
    for (const std::string& token : tokens) text += (text.empty() ? "" : " ") + token;
    return text;
  };
  double sum = 0;
  for (std::size_t i = 0; i < translations.size(); ++i) {
    double best = 0;
    for (const std::vector<data::Tokens>& set : references)
      if (&set == &references.front() || !set[i].empty())
        best = std::max(best, data::bleu(joined(translations[i]), joined(set[i]), k));
    sum += best;
  }
  return sum / static_cast<double>(translations.size());
}

// The fraction of positions where the reference's token, or its end, is the likeliest after those
// before it.
double token_accuracy(const Model& model, const std::vector<nn::PairScore>& scores,
                      const std::vector<data::Pair>& pairs) {
  nn::Ids predicted, expected;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto& [source, reference, line] = pairs[i];
    std::ranges::copy(scores[i].likeliest, std::back_inserter(predicted));
    std::ranges::copy(encode_target(model, source, reference), std::back_inserter(expected));
    expected.push_back(data::Vocabulary::eos);
  }
  return data::token_accuracy(predicted, expected, data::Vocabulary::pad);
}

// BLEU, chrF and TER compare texts, as the model's tokenizer joins them; the other metrics compare
// tokens. Of several references the best counts, except where the model predicts a reference.
std::vector<Metric> compute_metrics(const Model& model, const std::vector<data::Pair>& pairs,
                                    const std::vector<data::Tokens>& translations,
                                    const ReferenceSets& sets, const Score& summary) {
  const data::BleuScore& bleu = summary.bleu;
  const std::vector<data::Tokens> targets = data::targets(pairs);
  const std::vector<std::string> texts = as_text(translations, model.tokenizers.target);
  const std::vector<std::vector<std::string>> references = texts_of(sets, model.tokenizers.target);
  const data::ChrfScore chrf = data::corpus_chrf(texts, references);
  const data::TerScore ter = data::corpus_ter(texts, references);
  const ReferenceSets more(sets.begin() + 1, sets.end());
  const std::vector<nn::PairScore> scores = score_pairs(model, pairs);
  Likelihood likelihood;
  for (const nn::PairScore& score : scores) likelihood.add(score);
  return {
      {"bleu", "BLEU", bleu.score, 2, bleu.signature},
      {"chrf", chrf.name, chrf.score, 2, chrf.signature},
      {"ter", "TER", ter.score, 2, ter.signature},
      {"book_bleu", "d2l's BLEU", mean_book_bleu(translations, sets, 2), 4,
       "k = 2, mean over the sentences, from 0 to 1"},
      {"wer", "WER", data::word_error_rate(translations, targets, more).rate, 2,
       "% of the reference's tokens"},
      {"per", "PER", data::position_independent_error_rate(translations, targets, more).rate, 2,
       "% of the reference's tokens, in any order"},
      {"sequence_accuracy", "right sentences", 100 * summary.exact, 2, "%"},
      {"token_accuracy", "right tokens", 100 * token_accuracy(model, scores, pairs), 2,
       "%, each predicted from the first reference's before it; ends included"},
      {"perplexity", "perplexity", likelihood.perplexity(), 3,
       "of the first reference's tokens, ends included"},
  };
}

void print(const std::vector<Metric>& metrics) {
  for (const Metric& metric : metrics)
    std::cout << std::left << std::setw(16) << metric.name << std::right << std::setw(9)
              << fixed(metric.value, metric.digits) << "  " << metric.note << '\n';
}

// What of a file is not evaluated as it is.
void print_left_out(std::ostream& out, const data::Corpus& corpus, Index max_tokens) {
  if (corpus.skipped > 0)
    out << "left out: " << counted(corpus.skipped, "pair") << " longer than " << max_tokens
        << " tokens (up to " << corpus.longest_left_out << ")\n";
  for (const data::Corpus::Problem& problem : corpus.problems)
    out << "left out: " << counted(problem.lines, "line") << "; " << problem.first << '\n';
  if (corpus.cut > 0) out << counted(corpus.cut, "pair") << " cut to " << max_tokens << " tokens\n";
}

void print_json(const std::vector<Metric>& metrics, std::size_t sentences,
                const data::Corpus& corpus) {
  nlohmann::ordered_json json, notes;
  json["sentences"] = sentences;
  if (const Index left_out = corpus.skipped + corpus.bad(); left_out > 0)
    json["left_out"] = left_out;
  if (corpus.cut > 0) json["cut"] = corpus.cut;
  for (const Metric& metric : metrics) {
    json[metric.key] = metric.value;  // NaN and infinity become null
    notes[metric.key] = metric.note;
  }
  json["notes"] = notes;
  std::cout << json.dump() << std::endl;
}

constexpr auto evaluate_footer = R"(
BLEU, chrF and TER equal sacreBLEU's; the signature beside each says how it was computed. Both sides
are compared as the model's tokenizer joins them: with --tokenizer words, in lower case. TER, WER
and PER count errors: lower is better.

A line of the file that is not a pair, or is too long for the model, is an error. With --on-error
continue it is left out, and the exit code is 1 in the end; --too-long skip leaves only long pairs
out, and --too-long cut uses the first tokens of each side. The last lines say how many.

  seq2seq evaluate my-model
  seq2seq evaluate my-model pairs.tsv --beam 4 --output translations.txt
  seq2seq evaluate my-model another-model pairs.tsv
  seq2seq evaluate my-model --json | python3 -c 'import json; print(json.load(open(0))["bleu"])')";

struct EvaluateCommand : Command {
  std::string folder, file, output, columns;
  std::vector<std::string> models, arguments, reference_files;
  DecodingSettings decoding;
  data::BleuOptions bleu = {.tokenizer = ""};
  OnError on_error = OnError::stop;
  LongSentences long_sentences;
  bool group = false, as_json = false;

  EvaluateCommand()
      : Command({"evaluate", "translate pairs and measure the translations", evaluate_footer}) {
    options.add("model", folder, "folder of a trained model").required();
    options.add("file FILE", arguments,
                "more models, to answer together; then a file of pairs; -: standard input [those "
                "held out from training]");
    options.add("--columns", columns,
                "the columns of the file that are source and target, as in 2,4 [1,2]");
    options.add("--references FILE", reference_files,
                "files of more reference translations, one per line; an empty line is none");
    options.add_flag("--group-references", group,
                     "take all targets of a source as references of one sentence");
    options.add("--output FILE", output, "write the translations to this file, one per line");
    add_on_error(options, on_error, "leave it out");
    long_sentences.add_to(options, "leave it out");
    options.add_flag("--json", as_json, "print a JSON object instead");
    options.group("BLEU");
    options.add("--tokenize", bleu.tokenizer, {"13a", "intl", "char", "none"},
                "tokenizer of BLEU [the model's --bleu-tokenizer, by default 13a]");
    options.add("--smooth", bleu.smoothing, {"exp", "floor", "add-k", "none"},
                "smoothing of BLEU, for n-gram orders without a match");
    options.add("--smooth-value", bleu.smoothing_value, not_negative,
                "for floor [0.1] and add-k [1]");
    decoding.add_to(options);
  }

  int run() override {
    decoding.check(options);
    models = take_models(folder, arguments);
    file = only_file(arguments);
    for (const char* option : {"--columns", "--on-error", "--too-long"})
      require(!options.given(option, true) || !file.empty(), option, " needs a file of pairs");
    require(!bleu.smoothing_value || bleu.smoothing == "floor" || bleu.smoothing == "add-k",
            "--smooth-value has no effect with --smooth ", bleu.smoothing,
            "; it is for floor and add-k");
    std::vector<std::string> inputs = reference_files;
    inputs.push_back(file);
    require_writable("--output", output, Written::whole, inputs);
    const Model model = load_for_use(models);
    if (bleu.tokenizer.empty()) bleu.tokenizer = model.settings.training.bleu_options().tokenizer;
    const data::Corpus corpus = read(model);
    const bool refused =
        corpus.bad() > 0 || (corpus.skipped > 0 && long_sentences.choice == data::TooLong::error);
    const Index max_tokens = model.settings.data.max_tokens;
    std::vector<data::Pair> pairs = corpus.pairs;
    ReferenceSets references = {data::targets(pairs)};
    for (const std::string& name : reference_files)
      references.push_back(read_references(name, model, corpus));
    if (group) {
      WithReferences grouped = group_by_source(pairs, references);
      pairs = std::move(grouped.pairs);
      references = std::move(grouped.references);
    }

    const std::vector<data::Tokens> translations = translate(model, data::sources(pairs), decoding);
    const Score summary = {data::corpus_bleu(as_text(translations, model.tokenizers.target),
                                             texts_of(references, model.tokenizers.target), bleu),
                           data::sequence_accuracy(translations, references.front(),
                                                   {references.begin() + 1, references.end()}),
                           pairs.size()};
    const std::vector<Metric> metrics =
        compute_metrics(model, pairs, translations, references, summary);
    if (as_json) {
      print_json(metrics, pairs.size(), corpus);
      if (refused) print_left_out(std::cerr, corpus, max_tokens);
    } else {
      print_examples(model, pairs, translations, {references.begin() + 1, references.end()});
      print(metrics);
      print_left_out(std::cout, corpus, max_tokens);
      print(summary);
    }
    // Comes last, so that the figures are not lost if it fails.
    if (!output.empty()) {
      std::string text;
      for (const std::string& line : as_text(translations, model.tokenizers.target))
        text += line + '\n';
      write_file(output, text);
    }
    return refused ? status::failed : status::done;
  }

  data::Corpus read(const Model& model) const {
    if (file.empty()) {
      data::Corpus held_out;
      held_out.pairs = load_held_out(models, model);
      require(!held_out.pairs.empty(),
              "evaluate: no pairs were held out from training; give a file of pairs");
      return held_out;
    }
    const bool goes_on = on_error == OnError::go_on;
    const bool refuses = long_sentences.choice == data::TooLong::error;
    InputFiles input;
    input.pairs = file;
    return data::read_corpus(
        *seq2seq::read(input).pairs, model.tokenizers,
        {.columns = parse_columns(columns),
         .bad_line = goes_on ? data::BadLine::skip : data::BadLine::error,
         .max_tokens = model.settings.data.max_tokens,
         .too_long = goes_on && refuses ? data::TooLong::skip : long_sentences.choice,
         .advice = LongSentences::advice});
  }
};

}  // namespace

std::unique_ptr<Command> evaluate_command() { return std::make_unique<EvaluateCommand>(); }

}  // namespace adjoint::seq2seq

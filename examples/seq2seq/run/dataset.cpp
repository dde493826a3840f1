#include <algorithm>
#include <cmath>
#include <iostream>
#include <iterator>
#include <utility>

#include "data/pairs/tasks.h"
#include "examples/seq2seq/run/alignments.h"
#include "examples/seq2seq/run/dataset.h"

namespace adjoint::seq2seq {
namespace {

using Pairs = std::vector<data::Pair>;

constexpr auto length_advice = "; raise --max-tokens, or leave such pairs out with --too-long skip";

constexpr auto standard_input = "-";

// Subwords are learned from the training split, so the text is split as characters first.
data::Tokenizer first_tokenizer(const std::string& kind) {
  return data::Tokenizer::from_name(kind == "subwords" ? "characters" : kind);
}

// The length in subwords is checked later.
data::ReadOptions read_options(const DataSettings& settings) {
  return {.columns = settings.chosen_columns(),
          .bad_line = settings.skips_bad_lines() ? data::BadLine::skip : data::BadLine::error,
          .max_tokens = settings.subwords() ? 0 : settings.max_tokens,
          .too_long = settings.too_long,
          .advice = length_advice};
}

void add_problem(Dataset& dataset, const data::Corpus::Problem& problem) {
  auto same = std::ranges::find(dataset.problems, problem.reason, &data::Corpus::Problem::reason);
  if (same == dataset.problems.end())
    dataset.problems.push_back(problem);
  else
    same->lines += problem.lines;
}

// Counts in the dataset what is left out.
Pairs take(data::Corpus corpus, Dataset& dataset) {
  dataset.skipped += corpus.skipped;
  dataset.longest_left_out = std::max(dataset.longest_left_out, corpus.longest_left_out);
  for (const data::Corpus::Problem& problem : corpus.problems) add_problem(dataset, problem);
  return std::move(corpus.pairs);
}

// Moves a fraction of the sources, with all their translations, out of the training split.
Pairs hold_out(Pairs& train, double fraction, const std::string& name, const std::string& from,
               Key key) {
  if (fraction == 0) return {};
  const Index sources = data::distinct_sources(train);
  const Index taken = std::llround(fraction * static_cast<double>(sources));
  const auto s = [](auto count) { return count == 1 ? "" : "s"; };
  require(taken > 0 && taken < sources, from, ": --", name, ' ', fraction, " of ", sources,
          " different source", s(sources), " (", train.size(), " pair", s(train.size()),
          ") would hold out ", taken == 0 ? "none" : "all", "; give more pairs",
          sources > 1 ? ", another fraction" : "", ", or --", name, " 0 to hold out none");
  data::Split split = data::split_by_fraction(train, fraction, key.child(name));
  train = std::move(split.train);
  return std::move(split.held_out);
}

constexpr auto subword_kind = data::Tokenizer::Kind::sentencepiece;

// One model for the sides that need it.
data::Subwords learn_subwords(const Pairs& pairs, const data::Tokenizer& characters,
                              const DataSettings& settings) {
  std::vector<std::string> text;
  for (const data::Pair& pair : pairs) {
    if (settings.tokenizer_of_source() == "subwords")
      text.push_back(characters.detokenize(pair.source));
    if (settings.tokenizer_of_target() == "subwords")
      text.push_back(characters.detokenize(pair.target));
  }
  try {
    return data::Subwords::train(text,
                                 {.max_pieces = settings.pieces, .algorithm = settings.algorithm});
  } catch (const Error& error) {
    fail("--pieces: ", error.what());
  }
}

// Cuts a side into subwords, if it is to be.
data::Tokens retokenized(const data::Tokens& side, const data::Tokenizer& from,
                         const data::Tokenizer& to) {
  return to.kind == subword_kind ? to.tokenize(from.detokenize(side)) : side;
}

// Tokenizes a split into subwords. Their normalization may remove all of a side.
void retokenize(Pairs& pairs, Dataset& dataset, const data::Tokenizer& from,
                const DataSettings& settings, const std::string& file) {
  const auto& [source, target] = dataset.tokenizers;
  const auto limit = static_cast<std::size_t>(settings.max_tokens);
  Pairs kept;
  for (const data::Pair& pair : pairs) {
    data::Pair pieces = {retokenized(pair.source, from, source),
                         retokenized(pair.target, from, target), pair.line};
    const std::string place = file + ':' + std::to_string(pair.line) + ": ";
    if (pieces.source.empty() || pieces.target.empty()) {
      const std::string reason = text_from("the ", pieces.source.empty() ? "source" : "target",
                                           " has no subwords: normalization removed all of it");
      require(settings.skips_bad_lines(), place, reason);
      add_problem(dataset, {reason, 1, place + reason});
      continue;
    }
    const bool fits = pieces.source.size() <= limit && pieces.target.size() <= limit;
    require(fits || settings.too_long == data::TooLong::skip, place, "the source has ",
            pieces.source.size(), " tokens and the target ", pieces.target.size(),
            "; the limit is ", limit, length_advice);
    if (fits) {
      kept.push_back(std::move(pieces));
      continue;
    }
    ++dataset.skipped;
    dataset.longest_left_out =
        std::max({dataset.longest_left_out, std::ssize(pieces.source), std::ssize(pieces.target)});
  }
  pairs = std::move(kept);
}

// The names of the files that the splits come from.
struct Names {
  std::string train, validation, held_out;
};

void cut_into_subwords(Dataset& dataset, const DataSettings& settings, const Names& names,
                       const std::optional<data::Subwords>& given) {
  const data::Tokenizer characters = {.kind = data::Tokenizer::Kind::characters};
  const data::Tokenizer pieces = {
      .kind = subword_kind,
      .subwords = given ? *given : learn_subwords(dataset.train, characters, settings)};
  if (settings.tokenizer_of_source() == "subwords") dataset.tokenizers.source = pieces;
  if (settings.tokenizer_of_target() == "subwords") dataset.tokenizers.target = pieces;
  retokenize(dataset.train, dataset, characters, settings, names.train);
  retokenize(dataset.validation, dataset, characters, settings, names.validation);
  retokenize(dataset.held_out, dataset, characters, settings, names.held_out);
  require(!dataset.train.empty(), "--max-tokens ", settings.max_tokens, ": every pair is longer");
}

// Batching would find this too, but cannot name the option.
void check_batch_tokens(const Pairs& pairs, Index batch_tokens) {
  std::size_t longest = 0;
  for (const data::Pair& pair : pairs)
    longest = std::max({longest, pair.source.size() + 1, pair.target.size() + 2});  // bos, eos
  require(batch_tokens == 0 || std::cmp_less_equal(longest, batch_tokens), "--batch-tokens ",
          batch_tokens, " is too small: the longest sentence has ", longest, " with bos and eos");
}

data::Split make_task(const Settings& s) {
  try {
    return data::make_task(s.data.task, {.symbols = s.data.task_symbols(),
                                         .min_length = s.data.min_length,
                                         .max_length = s.data.max_length,
                                         .train_count = s.data.train_count,
                                         .held_out_count = s.data.held_out_count,
                                         .key = Key(s.training.seed).child("task")});
  } catch (const Error& error) {
    fail("--task ", error.what(),
         "; see --symbols, --min-length, --max-length, --train-count and --held-out-count");
  }
}

}  // namespace

void InputFiles::add_to(Options& options) {
  options.group("Data");
  options.add("--valid FILE", valid, "pairs to validate with, instead of --validation");
  options.add("--test FILE", test, "pairs for the final score, instead of --held-out");
  options.add("--alignment FILE", alignment,
              "word alignments of the pairs, such as fast_align's: 0-0 1-2 … on each line, counted "
              "from 0; an attention head learns them");
  options.command_line_only(
      {"--valid", "--test", "--alignment"});  // a settings file must name no file
  options.add("file FILE", pairs,
              "pairs: source, tab, target on each line; or sources, if targets is given; "
              "-: standard input");
  options.add("targets FILE", targets, "targets, one for each line of file");
}

std::vector<std::string> InputFiles::names() const {
  std::vector<std::string> given = {pairs, targets, valid, test, alignment};
  std::erase(given, "");
  return given;
}

InputTexts read(const InputFiles& files) {
  bool taken = false;
  const auto text_of = [&](const std::string& name) -> std::optional<data::TextLines> {
    if (name.empty()) return std::nullopt;
    if (name != standard_input) return data::read_text_lines(name);
    require(!taken, "standard input (-) is named twice; it can be read once");
    taken = true;
    const std::string text(std::istreambuf_iterator<char>(std::cin), {});
    return data::text_lines(text, "standard input");
  };
  return {text_of(files.pairs), text_of(files.targets), text_of(files.valid), text_of(files.test),
          text_of(files.alignment)};
}

Dataset load_dataset(const Settings& s, InputTexts texts,
                     const std::optional<data::Subwords>& subwords) {
  require(texts.pairs.has_value() == s.data.task.empty(),
          "give either a file of pairs or a --task");
  std::optional<WordAlignments> alignments;
  if (texts.alignment) alignments.emplace(texts, s.data.chosen_columns());
  auto& [file, targets, valid, test, alignment] = texts;
  const Key key = Key(s.training.seed).child("split");
  const data::ReadOptions options = read_options(s.data);
  const std::string from = file ? file->name : "--task";
  const Names names = {from, valid ? valid->name : from, test ? test->name : from};
  Dataset dataset;
  dataset.tokenizers = {first_tokenizer(s.data.tokenizer_of_source()),
                        first_tokenizer(s.data.tokenizer_of_target())};
  const auto pairs_of = [&](data::TextLines& text) {
    return take(data::read_corpus(std::move(text), dataset.tokenizers, options), dataset);
  };
  if (!file) {
    data::Split task = make_task(s);
    dataset.train = std::move(task.train);
    dataset.held_out = std::move(task.held_out);
  } else {
    dataset.train = targets ? take(data::read_parallel_files(std::move(*file), std::move(*targets),
                                                             dataset.tokenizers, options),
                                   dataset)
                            : pairs_of(*file);
    dataset.held_out =
        test ? pairs_of(*test) : hold_out(dataset.train, s.data.held_out, "held-out", from, key);
  }
  dataset.validation = valid ? pairs_of(*valid)
                             : hold_out(dataset.train, s.data.validation, "validation", from, key);
  if (s.data.subwords()) cut_into_subwords(dataset, s.data, names, subwords);
  check_batch_tokens(dataset.train, s.training.batch_tokens);
  if (alignments) {
    dataset.alignments = alignments->of(dataset.train, dataset.tokenizers);
    // The others have no use for theirs, but a mistake is found whatever the seed holds out.
    if (!valid) alignments->of(dataset.validation, dataset.tokenizers);
    if (!test) alignments->of(dataset.held_out, dataset.tokenizers);
  }
  return dataset;
}

// With tied embeddings, source and target share one table and thus one vocabulary.
TrainingText training_text(const Settings& s, const Dataset& dataset) {
  std::vector<data::Tokens> sources = data::sources(dataset.train),
                            targets = data::targets(dataset.train);
  if (s.model.one_vocabulary()) {
    sources.insert(sources.end(), targets.begin(), targets.end());
    targets = sources;
  }
  if (s.training.subword_dropout > 0) {  // any piece may be drawn
    const auto add_pieces = [](std::vector<data::Tokens>& sentences, const data::Tokenizer& side) {
      if (side.kind == subword_kind) sentences.push_back(side.subwords.pieces());
    };
    add_pieces(sources, dataset.tokenizers.source);
    add_pieces(targets, dataset.tokenizers.target);
  }
  return {std::move(sources), std::move(targets)};
}

Vocabularies make_vocabularies(const Settings& s, const Dataset& dataset) {
  const auto [sources, targets] = training_text(s, dataset);
  return {data::Vocabulary(sources, s.data.limits(s.data.tokenizer_of_source())),
          data::Vocabulary(targets, s.data.limits(s.data.tokenizer_of_target()))};
}

Model make_model(const Settings& s, const Dataset& dataset) {
  Vocabularies vocabularies = make_vocabularies(s, dataset);
  return Model(s, dataset.tokenizers, std::move(vocabularies.source),
               std::move(vocabularies.target));
}

}  // namespace adjoint::seq2seq

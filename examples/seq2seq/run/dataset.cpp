#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <utility>

#include "autograd/support/printable.h"
#include "data/pairs/tasks.h"
#include "examples/seq2seq/run/run.h"

namespace adjoint::seq2seq {
namespace {

using Pairs = std::vector<data::Pair>;

constexpr auto length_advice = "; raise --max-tokens, or leave such pairs out with --too-long skip";

// Subwords are learned from the training split, so the text is split as characters first; its
// length in pieces is checked later.
data::Corpus read(const std::string& file, const std::string& targets,
                  const data::Tokenizer& tokenizer, const DataSettings& settings) {
  const data::ReadOptions options = {
      .columns = settings.chosen_columns(),
      .bad_line = settings.skips_bad_lines() ? data::BadLine::skip : data::BadLine::error,
      .max_tokens = settings.subwords() ? 0 : settings.max_tokens,
      .too_long = settings.too_long,
      .advice = length_advice};
  return targets.empty() ? data::read_corpus(file, tokenizer, options)
                         : data::read_parallel_files(file, targets, tokenizer, options);
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

data::Subwords learn_subwords(const Pairs& pairs, const data::Tokenizer& characters,
                              const DataSettings& settings) {
  std::vector<std::string> text;
  for (const data::Pair& pair : pairs) {
    text.push_back(characters.detokenize(pair.source));
    text.push_back(characters.detokenize(pair.target));
  }
  try {
    return data::Subwords::train(text,
                                 {.max_pieces = settings.pieces, .algorithm = settings.algorithm});
  } catch (const Error& error) {
    fail("--pieces: ", error.what());
  }
}

// Tokenizes a split into subwords. Their normalization may remove all of a side.
void retokenize(Pairs& pairs, Dataset& dataset, const data::Tokenizer& from,
                const DataSettings& settings, const std::string& file) {
  const data::Tokenizer& to = dataset.tokenizer;
  const auto limit = static_cast<std::size_t>(settings.max_tokens);
  Pairs kept;
  for (const data::Pair& pair : pairs) {
    data::Pair pieces = {to.tokenize(from.detokenize(pair.source)),
                         to.tokenize(from.detokenize(pair.target)), pair.line};
    const std::string place = file + ':' + std::to_string(pair.line) + ": ";
    if (pieces.source.empty() || pieces.target.empty()) {
      const std::string problem = place + "the " + (pieces.source.empty() ? "source" : "target") +
                                  " has no subwords: normalization removed all of it";
      require(settings.skips_bad_lines(), problem);
      if (dataset.bad++ == 0) dataset.first_bad = problem;
      continue;
    }
    const bool fits = pieces.source.size() <= limit && pieces.target.size() <= limit;
    require(fits || settings.too_long == data::TooLong::skip, place, "the source has ",
            pieces.source.size(), " subwords and the target ", pieces.target.size(),
            "; the limit is ", limit, length_advice);
    if (fits)
      kept.push_back(std::move(pieces));
    else
      ++dataset.skipped;
  }
  pairs = std::move(kept);
}

void cut_into_subwords(Dataset& dataset, const DataSettings& settings, const std::string& file) {
  const data::Tokenizer characters = dataset.tokenizer;
  dataset.tokenizer = {.kind = data::Tokenizer::Kind::sentencepiece,
                       .subwords = learn_subwords(dataset.train, characters, settings)};
  for (Pairs* split : {&dataset.train, &dataset.validation, &dataset.held_out})
    retokenize(*split, dataset, characters, settings, file);
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

Dataset load_dataset(const Settings& s, const std::string& file, const std::string& targets) {
  require(file.empty() != s.data.task.empty(), "train: give either a file of pairs or a --task");
  const Key key = Key(s.training.seed).child("split");
  const std::string from = file.empty() ? "--task" : file;
  Dataset dataset;
  dataset.tokenizer =
      data::Tokenizer::from_name(s.data.subwords() ? "characters" : s.data.tokenizer);
  if (!s.data.task.empty()) {
    data::Split task = make_task(s);
    dataset.train = std::move(task.train);
    dataset.held_out = std::move(task.held_out);
  } else {
    data::Corpus corpus = read(file, targets, dataset.tokenizer, s.data);
    dataset.train = std::move(corpus.pairs);
    dataset.skipped = corpus.skipped;
    dataset.bad = corpus.bad;
    dataset.first_bad = corpus.first_bad;
    dataset.held_out = hold_out(dataset.train, s.data.held_out, "held-out", from, key);
  }
  dataset.validation = hold_out(dataset.train, s.data.validation, "validation", from, key);
  if (s.data.subwords()) cut_into_subwords(dataset, s.data, file);
  check_batch_tokens(dataset.train, s.training.batch_tokens);
  return dataset;
}

// With tied embeddings, source and target share one table and thus one vocabulary.
Model make_model(const Settings& s, const Dataset& dataset) {
  const data::VocabularyLimits limits = {s.data.min_frequency, s.data.max_vocabulary};
  std::vector<data::Tokens> sources = data::sources(dataset.train),
                            targets = data::targets(dataset.train);
  if (s.model.one_vocabulary()) {
    sources.insert(sources.end(), targets.begin(), targets.end());
    targets = sources;
  }
  return Model(s, dataset.tokenizer, data::Vocabulary(sources, limits),
               data::Vocabulary(targets, limits));
}

void describe(const Model& model, const Dataset& dataset) {
  std::cout << dataset.train.size() << " training, " << dataset.validation.size()
            << " validation and " << dataset.held_out.size() << " held-out pairs; "
            << model.source.size() << " and " << model.target.size() << " words; "
            << nn::parameter_count(*model.network) << " parameters" << std::endl;
  if (dataset.skipped > 0)
    std::cout << dataset.skipped << " pairs left out as too long" << std::endl;
  if (dataset.bad > 0)
    std::cout << dataset.bad << " lines left out because they are not pairs; the first: "
              << printable_line(dataset.first_bad, 0) << std::endl;
  const auto print_unknown = [&](const char* name, const Pairs& pairs) {
    if (pairs.empty()) return;
    std::cout << std::fixed << std::setprecision(1) << "unknown to the vocabularies: "
              << 100 * data::unknown_rate(data::sources(pairs), model.source) << "% of the " << name
              << " sources, " << 100 * data::unknown_rate(data::targets(pairs), model.target)
              << "% of the targets" << std::endl;
  };
  print_unknown("validation", dataset.validation);
  print_unknown("held-out", dataset.held_out);
}

}  // namespace adjoint::seq2seq

#include "examples/seq2seq/run/parts.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <utility>

#include "autograd/support/error.h"
#include "data/pairs/tasks.h"

namespace adjoint::seq2seq {
namespace {

using Pairs = std::vector<data::Pair>;

constexpr auto about_length = "; --max-tokens raises it, --too-long skip leaves such pairs out";

data::Split toy_task(const Settings& s) {
  return data::make_task(s.data.task, {.symbols = s.data.symbols,
                                       .min_length = s.data.min_length,
                                       .max_length = s.data.max_length,
                                       .train_count = s.data.train_count,
                                       .held_out_count = s.data.held_out_count,
                                       .key = Key(s.training.seed).child("task")});
}

data::Corpus read(const std::string& file, const std::string& targets,
                  const data::Tokenizer& tokenizer, const data::ReadOptions& options) {
  return targets.empty() ? data::read_corpus(file, tokenizer, options)
                         : data::read_parallel_files(file, targets, tokenizer, options);
}

// Takes a share of the sources, with all their translations, out of the training part.
Pairs take(Pairs& train, double share, const std::string& name, const std::string& from, Key key) {
  if (share == 0) return {};
  try {
    data::Split split = data::split_by_fraction(train, share, key.child(name));
    train = std::move(split.train);
    return std::move(split.held_out);
  } catch (const Error&) {
    fail(from, ": ", train.size(), " pairs are too few for --", name, ' ', share, "; with --", name,
         " 0 none are kept out");
  }
}

// ---- Subwords: what they are is learnt from the training part, so the text is split before it is
// cut.

std::vector<std::string> both_sides(const Pairs& pairs, const data::Tokenizer& tokenizer) {
  std::vector<std::string> text;
  for (const data::Pair& pair : pairs) {
    text.push_back(tokenizer.detokenize(pair.source));
    text.push_back(tokenizer.detokenize(pair.target));
  }
  return text;
}

data::Subwords learn_subwords(const std::vector<std::string>& text, const DataSettings& settings) {
  try {
    return data::Subwords::train(text,
                                 {.max_pieces = settings.pieces, .algorithm = settings.algorithm});
  } catch (const Error& error) {
    fail("--pieces: ", error.what());
  }
}

// Cuts anew; gives how many pairs are too long and left out.
Index recut(Pairs& pairs, const data::Tokenizer& from, const data::Tokenizer& to,
            const DataSettings& settings) {
  const auto limit = static_cast<std::size_t>(settings.max_tokens);
  Pairs kept;
  for (const data::Pair& pair : pairs) {
    data::Pair cut = {to.tokenize(from.detokenize(pair.source)),
                      to.tokenize(from.detokenize(pair.target))};
    const bool fits = cut.source.size() <= limit && cut.target.size() <= limit;
    require(fits || settings.too_long == "skip", "'", from.detokenize(pair.source),
            "': ", cut.source.size(), " pieces, ", cut.target.size(),
            " on the other side, the limit is ", limit, about_length);
    if (fits) kept.push_back(std::move(cut));
  }
  const auto skipped = static_cast<Index>(pairs.size() - kept.size());
  pairs = std::move(kept);
  return skipped;
}

void cut_into_subwords(Parts& parts, const DataSettings& settings) {
  const data::Tokenizer characters = parts.tokenizer;
  parts.tokenizer = {.kind = data::Tokenizer::Kind::sentencepiece,
                     .subwords = learn_subwords(both_sides(parts.train, characters), settings)};
  for (Pairs* part : {&parts.train, &parts.validation, &parts.held_out})
    parts.skipped += recut(*part, characters, parts.tokenizer, settings);
  require(!parts.train.empty(), "--max-tokens ", settings.max_tokens, ": every pair is longer");
}

// The batches would find out too, but here the option can be named.
void check_batch(const Pairs& pairs, Index batch_tokens) {
  std::size_t longest = 0;
  for (const data::Pair& pair : pairs)
    longest = std::max({longest, pair.source.size() + 1, pair.target.size() + 2});  // bos, eos
  require(batch_tokens == 0 || std::cmp_less_equal(longest, batch_tokens), "--batch-tokens ",
          batch_tokens, ": must be at least ", longest, ", the longest sentence with its marks");
}

}  // namespace

Parts prepare(const Settings& s, const std::string& file, const std::string& targets) {
  require(file.empty() != s.data.task.empty(),
          "train: give a file of pairs or a --task, one of the two");
  const Key key = Key(s.training.seed).child("split");
  const std::string from = file.empty() ? "--task" : file;
  Parts parts;
  if (!s.data.task.empty()) {
    data::Split task = toy_task(s);
    parts.tokenizer = data::Tokenizer::from_name(s.data.tokenizer);
    parts.train = std::move(task.train);
    parts.held_out = std::move(task.held_out);
  } else {
    parts.tokenizer =
        data::Tokenizer::from_name(s.data.subwords() ? "characters" : s.data.tokenizer);
    data::Corpus corpus =
        read(file, targets, parts.tokenizer,
             {.max_tokens = s.data.subwords() ? 0 : s.data.max_tokens,
              .too_long = s.data.too_long == "skip" ? data::TooLong::skip : data::TooLong::error,
              .advice = about_length});
    parts.train = std::move(corpus.pairs);
    parts.skipped = corpus.skipped;
    parts.held_out = take(parts.train, s.data.held_out, "held-out", from, key);
  }
  parts.validation = take(parts.train, s.data.validation, "validation", from, key);
  if (s.data.subwords()) cut_into_subwords(parts, s.data);
  check_batch(parts.train, s.training.batch_tokens);
  return parts;
}

// Tied embeddings of source and target are one table, so they need one vocabulary of both.
Model make_model(const Settings& s, const Parts& parts) {
  const data::VocabularyLimits limits = s.data.vocabulary_limits();
  std::vector<data::Tokens> sources = data::sources(parts.train),
                            targets = data::targets(parts.train);
  if (s.model.one_vocabulary()) {
    sources.insert(sources.end(), targets.begin(), targets.end());
    targets = sources;
  }
  return Model(s, parts.tokenizer, data::Vocabulary(sources, limits),
               data::Vocabulary(targets, limits));
}

namespace {

void print_unknown(const char* name, const Pairs& pairs, const Model& model) {
  if (pairs.empty()) return;
  const auto percent = [](const std::vector<data::Tokens>& side, const data::Vocabulary& known) {
    return 100 * data::find_unknown_words(side, known).token_rate();
  };
  std::cout << std::fixed << std::setprecision(1)
            << "unknown to the vocabularies: " << percent(data::sources(pairs), model.source)
            << "% of the " << name << " sources, " << percent(data::targets(pairs), model.target)
            << "% of the targets" << std::endl;
}

}  // namespace

void describe(const Model& model, const Parts& parts) {
  std::cout << parts.train.size() << " training, " << parts.validation.size() << " validation and "
            << parts.held_out.size() << " held-out pairs; " << model.source.size() << " and "
            << model.target.size() << " words; " << nn::parameter_count(*model.network)
            << " parameters" << std::endl;
  if (parts.skipped > 0) std::cout << parts.skipped << " pairs left out as too long" << std::endl;
  print_unknown("validation", parts.validation, model);
  print_unknown("held-out", parts.held_out, model);
}

}  // namespace adjoint::seq2seq

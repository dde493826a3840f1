// Sentence pairs: read from files, and split into a training and a held-out part.
#pragma once

#include "autograd/random.h"
#include "data/text/tokenizer.h"

namespace adjoint::data {

/// A sentence and its translation, or a question and its answer.
struct Pair {
  Tokens source;
  Tokens target;

  bool operator==(const Pair&) const = default;
};

/// What to do with a pair that has a side over the limit.
enum class TooLong { error, skip };

struct ReadOptions {
  std::int64_t max_tokens = 0;  ///< per side, without bos and eos; 0: no limit
  TooLong too_long = TooLong::error;
  std::string advice = {};  ///< appended to the Error about a side over the limit
};

struct Corpus {
  std::vector<Pair> pairs;   ///< in the order of the file
  std::int64_t skipped = 0;  ///< pairs left out because a side is too long
};

/// The two sides of a line.
struct Columns {
  std::string_view source;
  std::string_view target;
};

/// Splits a line: source, tab, target, and optionally a third column, which is ignored (ManyThings
/// and Tatoeba files have an attribution there). Error without a tab, or with more columns.
Columns cut_at_tabs(std::string_view line);

/// Reads one pair per line, as cut_at_tabs splits it. LF and CRLF, a byte order mark, and a last
/// line without an end are accepted. Errors name the file and the line, counted from 1: a missing
/// or empty file, a line that cut_at_tabs refuses, bytes that are not UTF-8, a side without tokens,
/// a side over the limit. Error if every pair is skipped.
Corpus read_corpus(const std::filesystem::path& path, const Tokenizer& tokenizer,
                   const ReadOptions& options = {});

/// Reads pairs from two files: line n of one and line n of the other. Errors as above, for files of
/// different length, and for a tab, which belongs in a file of pairs.
Corpus read_parallel_files(const std::filesystem::path& source, const std::filesystem::path& target,
                           const Tokenizer& tokenizer, const ReadOptions& options = {});

/// One side of all pairs, for example to build a Vocabulary.
std::vector<Tokens> sources(const std::vector<Pair>& pairs);
std::vector<Tokens> targets(const std::vector<Pair>& pairs);

/// Two sets of pairs that share no source sentence.
struct Split {
  std::vector<Pair> train;
  std::vector<Pair> held_out;
};

/// Holds out a fraction of the distinct source sentences, drawn by the key, with all their
/// translations: otherwise the model would be tested on sentences it was trained on. Sources are
/// compared as tokens, so "Go." and "go ." are the same. Both parts keep the order of `pairs`. The
/// split is the same on every platform. Error if rounding to whole sources leaves a part empty.
Split split_by_fraction(const std::vector<Pair>& pairs, double fraction, Key key);

/// The same with a number of distinct sources, from 1 to all but one.
Split split_by_count(const std::vector<Pair>& pairs, std::int64_t held_out_sources, Key key);

}  // namespace adjoint::data

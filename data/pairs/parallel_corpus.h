// Sentence pairs: read from files, and split into a training and a held-out part.
#pragma once

#include <optional>

#include "autograd/random.h"
#include "data/pairs/lines.h"
#include "data/text/tokenizer.h"

namespace adjoint::data {

/// A sentence and its translation, or a question and its answer.
struct Pair {
  Tokens source;
  Tokens target;
  std::int64_t line = 0;  ///< in the file that it was read from, counted from 1; 0: no file

  bool operator==(const Pair& other) const {
    return source == other.source && target == other.target;
  }
};

/// What to do with a pair that has a side over the limit; to cut means to keep its first tokens.
enum class TooLong { error, skip, cut };

/// What to do with a line that is not a pair: for example without two sides, or not UTF-8.
enum class BadLine { error, skip };

/// The columns of a file that are the two sides, counted from 1.
struct Columns {
  std::int64_t source = 1, target = 2;

  /// "2,4". Error unless these are two different numbers from 1 on.
  static Columns from_text(std::string_view text);
};

/// How pairs are read: which columns, and what happens to long sides.
struct ReadOptions {
  /// If unset: source, target, and optionally a third column, which is ignored (an attribution in
  /// the files of ManyThings and Anki). If set, all other columns are ignored; the files of Tatoeba
  /// (id, text, id, text) need {2, 4}.
  std::optional<Columns> columns = std::nullopt;
  BadLine bad_line = BadLine::error;
  std::int64_t max_tokens = 0;  ///< per side, without bos and eos; 0: no limit
  TooLong too_long = TooLong::error;
  std::string advice = {};  ///< appended to the Error about a side over the limit
};

/// The pairs of a file, and how many lines gave none.
struct Corpus {
  /// Why some lines are not pairs.
  struct Problem {
    std::string reason;      ///< "no tab; expected source, tab, target"
    std::int64_t lines = 0;  ///< how many have this problem
    std::string first;       ///< the Error about the first of them
  };

  std::vector<Pair> pairs;            ///< in the order of the file
  std::int64_t skipped = 0;           ///< pairs left out because a side is too long
  std::int64_t longest_left_out = 0;  ///< the length of the longest such side
  std::int64_t cut = 0;               ///< pairs with a side that was cut
  std::vector<Problem> problems;      ///< of the lines left out because they are not pairs, by line

  /// The number of lines left out because they are not pairs.
  std::int64_t bad() const;
};

/// The two sides of a line.
struct Sides {
  std::string_view source;
  std::string_view target;
};

/// Splits a line at its tabs into the columns that ReadOptions describes. Empty columns at the end
/// do not count. Error if the line is empty, has no tab, or has too few or too many columns.
Sides cut_at_tabs(std::string_view line, const std::optional<Columns>& columns = std::nullopt);

/// Reads one pair per line, as cut_at_tabs splits it. Lines end with LF, CRLF or CR; the last one
/// need not end. Blank lines at the end of the file and byte order marks anywhere are dropped.
/// Errors name the file and the line, counted from 1, and the character if that helps: a missing,
/// empty or compressed file, one in UTF-16 or UTF-32, a line that cut_at_tabs refuses, a NUL byte
/// or one that is not UTF-8, a side that is invisible or without tokens, a side over the limit.
/// Error if no pair is left.
Corpus read_corpus(const std::filesystem::path& path, const Tokenizers& tokenizers,
                   const ReadOptions& options = {});

/// The same for lines that have been read already. The name stands for the file in messages.
Corpus read_corpus(TextLines text, const Tokenizers& tokenizers, const ReadOptions& options = {});

/// Reads pairs from two files: line n of one and line n of the other. Errors as above, for files of
/// different length, and for a tab, which belongs in a file of pairs.
Corpus read_parallel_files(const std::filesystem::path& source, const std::filesystem::path& target,
                           const Tokenizers& tokenizers, const ReadOptions& options = {});
Corpus read_parallel_files(TextLines source, TextLines target, const Tokenizers& tokenizers,
                           const ReadOptions& options = {});

/// The number of distinct sources, compared as tokens.
std::int64_t distinct_sources(const std::vector<Pair>& pairs);

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

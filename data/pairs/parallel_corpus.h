// Pairs of sentences: read from a file, and split into a training and a held-out part.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/random.h"
#include "data/text/tokenizer.h"

namespace adjoint::data {

/// A sentence and its translation, or a question and its answer.
struct Pair {
  Tokens source;
  Tokens target;

  bool operator==(const Pair&) const = default;
};

/// What to do with a pair of which one side has more tokens than the limit.
enum class TooLong { error, skip };

struct ReadOptions {
  std::int64_t max_tokens = 0;  ///< per side, without bos and eos; 0: no limit
  TooLong too_long = TooLong::error;
  std::string advice = {};  ///< ends the Error of a side over the limit: what can be done about it
};

struct Corpus {
  std::vector<Pair> pairs;   ///< in the order of the file
  std::int64_t skipped = 0;  ///< pairs left out because a side was too long
};

/// The text of both sides of a pair.
struct Columns {
  std::string_view source;
  std::string_view target;
};

/// Cuts a line: source, tab, target, and perhaps a third column, the attribution of the ManyThings
/// and Tatoeba files, which is ignored. Error without a tab, or with more than three columns.
Columns cut_at_tabs(std::string_view line);

/// Reads one pair a line: what cut_at_tabs cuts. LF and CRLF, a byte order mark, and a last line
/// without its end are all accepted. Errors name the file and, counted from 1, the line: a missing
/// or empty file, a line without a tab or with more than three columns, bytes that are not UTF-8, a
/// side without a token, a side over the limit (unless those are skipped; that none is left is an
/// error too).
Corpus read_corpus(const std::filesystem::path& path, const Tokenizer& tokenizer,
                   const ReadOptions& options = {});

/// Reads the pairs from two files, line n of the one beside line n of the other. The Errors are as
/// above and name the file that the line is in, but a tab is one here: it is a file of pairs. Error
/// if one file has more lines than the other.
Corpus read_parallel_files(const std::filesystem::path& source, const std::filesystem::path& target,
                           const Tokenizer& tokenizer, const ReadOptions& options = {});

/// One side of all pairs, for instance to build a Vocabulary from.
std::vector<Tokens> sources(const std::vector<Pair>& pairs);
std::vector<Tokens> targets(const std::vector<Pair>& pairs);

/// Two sets of pairs that share no source sentence.
struct Split {
  std::vector<Pair> train;
  std::vector<Pair> held_out;
};

/// Holds out a share of the different source sentences, drawn by key, with all their translations:
/// a sentence with three translations moves as one, or the model would be tested on a sentence it
/// has seen. Sources are compared as tokens, so "Go." and "go ." are the same. Both parts keep the
/// order of `pairs`. The same arguments give the same split on every platform.
/// `fraction` is rounded to whole sources. Error if it, or what it comes to, leaves a part empty.
Split split_by_fraction(const std::vector<Pair>& pairs, double fraction, Key key);

/// The same with a number of different sources to hold out, from 1 to all but one.
Split split_by_count(const std::vector<Pair>& pairs, std::int64_t held_out_sources, Key key);

}  // namespace adjoint::data

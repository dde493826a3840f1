// The tokenizers of the metrics. A tokenizer is part of the definition of a score: only scores with
// the same tokenizer compare. In the end all of them split at Unicode's white space. Error, with
// the byte offset, if the text is not UTF-8.
#pragma once

#include <string_view>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// sacreBLEU's "13a", after NIST's mteval-v13a.pl. Resolves entities like &quot;. ASCII symbols
/// become tokens of their own, except ' , - and the period; `.` and `,` do unless between digits,
/// `-` does after a digit.
Tokens tokenize_13a(std::string_view text);

/// sacreBLEU's "intl", after mteval-v14.pl: every Unicode symbol becomes a token of its own, and so
/// does every punctuation mark unless between numbers. A mark at either end of the text stays with
/// a number next to it, as in the script.
Tokens tokenize_intl(std::string_view text);

/// sacreBLEU's "char": each code point that is not white space.
Tokens tokenize_char(std::string_view text);

/// sacreBLEU's "none": splits at white space only.
Tokens tokenize_none(std::string_view text);

struct TercomOptions {
  bool case_sensitive = false;
  bool normalize = false;           ///< resolve entities and split off marks, much as 13a
  bool remove_punctuation = false;  ///< drop . , ? : ; ! " ( )
};

/// The tokenizer of tercom and of sacreBLEU's TER: by default lower case, split at white space.
/// (sacreBLEU's option for Asian scripts is not supported.)
Tokens tokenize_tercom(std::string_view text, const TercomOptions& options = {});

}  // namespace adjoint::data

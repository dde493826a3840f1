// How the metrics cut text into tokens. Each way is part of the definition of a score: two scores
// compare only if their texts were cut alike. All of them cut at Unicode's white space in the end,
// and throw an Error, with the byte offset, if the text is not UTF-8.
#pragma once

#include <string_view>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// sacreBLEU's "13a", after NIST's mteval-v13a.pl. Entities like &quot; are resolved; ASCII symbols
/// stand alone, except the apostrophe and what follows; so do `.` and `,` unless between digits,
/// and `-` after a digit.
Tokens tokenize_13a(std::string_view text);

/// sacreBLEU's "intl", after mteval-v14.pl: every punctuation mark of Unicode stands alone unless
/// between numbers, and every symbol does. A mark at either end of the text stays with a number
/// beside it, as in the script.
Tokens tokenize_intl(std::string_view text);

/// sacreBLEU's "char": each code point that is not white space.
Tokens tokenize_char(std::string_view text);

/// sacreBLEU's "none": the words as they stand between white space.
Tokens tokenize_none(std::string_view text);

struct TercomOptions {
  bool case_sensitive = false;
  bool normalize = false;           ///< resolve entities and set marks apart, much as 13a does
  bool remove_punctuation = false;  ///< drop . , ? : ; ! " ( )
};

/// How tercom, and sacreBLEU with it, cuts text for TER: in lower case at white space, unless the
/// options ask for more. (Of sacreBLEU's options the one for Asian scripts is not here.)
Tokens tokenize_tercom(std::string_view text, const TercomOptions& options = {});

}  // namespace adjoint::data

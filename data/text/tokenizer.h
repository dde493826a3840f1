// Text to tokens and back.
#pragma once

#include <utility>

#include "data/text/subwords.h"

namespace adjoint::data {

/// The tokens of a sentence: words and punctuation marks, characters, or subwords.
using Tokens = std::vector<std::string>;

/// What detokenizing puts before `!` and `?`: nothing, as in English, or the narrow no-break space
/// U+202F, as in French.
enum class Spacing { english, french };

/// Splits sentences into tokens and joins them again. A plain value, stored with a model as its
/// name().
///
/// `words` is the tokenizer of the d2l chapter "Machine Translation and the Dataset": lower case,
/// no-break spaces (U+00A0, U+202F) replaced by plain ones, a space before each of `,` `.` `!` `?`,
/// and the text split at spaces. It composes the text first (Unicode's NFC), so that both ways of
/// storing é give the same word. Case is mapped one code point at a time and never folded: ß stays
/// ß. "Don't go, it costs 3.5!" gives `don't` `go` `,` `it` `costs` `3` `.5` `!`.
///
/// `blanks` splits the NFC text at white space (as Python's str.split()) and changes nothing else:
/// for text that is tokenized already, such as phonemes or the output of another tokenizer.
///
/// `characters` makes each code point of the NFC text a token and keeps case and no-break spaces; a
/// plain space becomes the token visible_space.
///
/// `sentencepiece` splits the NFC text into the subwords of a trained model (data/text/subwords.h).
///
/// All of them treat tab, line feed and carriage return as a plain space, and drop byte order marks
/// (U+FEFF), which joining files leaves behind.
struct Tokenizer {
  /// Into what it cuts a text.
  enum class Kind { words, blanks, characters, sentencepiece };

  /// "␣" (U+2423, open box): a space that survives in a file with one token per line. A ␣ in the
  /// text itself comes back as a space.
  static constexpr std::string_view visible_space = "\u2423";

  /// "words", "blanks", "characters" or "sentencepiece"; only the last takes, and needs, the file
  /// of a model.
  /// Error for any other name.
  static Tokenizer from_name(std::string_view name, const std::filesystem::path& model = {});
  std::string name() const;

  /// Error, with the byte offset, if the text is not UTF-8.
  Tokens tokenize(std::string_view text) const;

  /// The tokens as a line of text; tokenizing it again gives the same tokens. Words are joined by
  /// spaces, without one before `,` and `.`; before `!` and `?`, `spacing` applies; `?!` stays
  /// together. The case of words is lost. `blanks` puts one space between tokens. Characters and
  /// subwords keep their own spaces.
  std::string detokenize(const Tokens& tokens, Spacing spacing = Spacing::english) const;

  bool operator==(const Tokenizer&) const = default;

  Kind kind = Kind::words;
  Subwords subwords = {};  ///< for sentencepiece
};

/// The tokenizers of the two sides of a pair.
struct Tokenizers {
  Tokenizer source, target;

  Tokenizers() = default;
  Tokenizers(const Tokenizer& both) : Tokenizers(both, both) {}
  Tokenizers(Tokenizer s, Tokenizer t) : source(std::move(s)), target(std::move(t)) {}

  bool operator==(const Tokenizers&) const = default;
};

}  // namespace adjoint::data

// Text to tokens and back.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/text/subwords.h"

namespace adjoint::data {

/// A sentence, cut up: words and punctuation marks, single characters, or pieces of words.
using Tokens = std::vector<std::string>;

/// What stands before `!` and `?` when words are joined: nothing, as in English, or the narrow
/// no-break space U+202F, as French print has it.
enum class Spacing { english, french };

/// Cuts sentences into tokens and joins tokens to sentences. A plain value: copy it, compare it,
/// store its name() beside a model.
///
/// `words` is the tokenizer of the d2l chapter "Machine Translation and the Dataset": lower case,
/// no-break spaces (U+00A0, U+202F) made plain ones, a space put before each of `,` `.` `!` `?`,
/// and the text cut at spaces. The text is brought to Unicode's composed form (NFC) first, so that
/// two ways of storing é are one word. Case is mapped one code point at a time and never folded: ß
/// stays ß. "Don't go, it costs 3.5!" gives `don't` `go` `,` `it` `costs` `3` `.5` `!`.
///
/// `characters` makes each code point of the NFC text a token and leaves case and no-break spaces
/// alone; a plain space becomes the token visible_space.
///
/// `sentencepiece` cuts the NFC text into the pieces of a trained model (data/text/subwords.h).
///
/// Tab, line feed and carriage return count as a plain space in all of them.
struct Tokenizer {
  enum class Kind { words, characters, sentencepiece };

  /// "␣" (U+2423, open box): a space that survives being written one token a line. A ␣ in the text
  /// itself comes back as a space.
  static constexpr std::string_view visible_space = "\u2423";

  /// The tokenizer with this name: "words", "characters" or "sentencepiece", which alone needs the
  /// file of a model, as Subwords::load() does. Error for any other name.
  static Tokenizer from_name(std::string_view name, const std::filesystem::path& model = {});
  std::string name() const;

  /// Error, with the byte offset, if the text is not UTF-8.
  Tokens tokenize(std::string_view text) const;

  /// The tokens as a line of text. tokenize(detokenize(tokens)) gives the tokens back when they
  /// came from tokenize(). Words are joined by spaces, none before a token that begins with `,` or
  /// `.`, and before one that begins with `!` or `?` what `spacing` says; `?!` stays together.
  /// Case is lost for good, and `spacing` has no part in characters and pieces, which kept their
  /// spaces.
  std::string detokenize(const Tokens& tokens, Spacing spacing = Spacing::english) const;

  bool operator==(const Tokenizer&) const = default;

  Kind kind = Kind::words;
  Subwords subwords = {};  ///< of the kind sentencepiece
};

}  // namespace adjoint::data

// Tokens to numbers and back.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// A token, and how often it occurs.
struct TokenCount {
  std::string token;
  std::int64_t count = 0;

  bool operator==(const TokenCount&) const = default;
};

/// The different tokens of the sentences: the most frequent first, those of equal frequency by
/// their bytes (which is code point order), so that the same sentences always give the same list.
std::vector<TokenCount> count_tokens(const std::vector<Tokens>& sentences);

/// Which tokens of a text become part of its vocabulary.
struct VocabularyLimits {
  std::int64_t min_frequency = 1;  ///< those that occur so often
  std::int64_t max_size = 0;       ///< at most so many, reserved symbols included; 0: no limit
};

/// A numbered list of the tokens a model knows. Ids 0 to 3 are reserved for the model's own marks;
/// text can never produce them, except unk: a word of the text that reads `<eos>` is an unknown
/// word, not the end of the sentence.
class Vocabulary {
 public:
  using Id = std::int64_t;

  static constexpr Id pad = 0;  ///< fills up the shorter sentences of a batch
  static constexpr Id bos = 1;  ///< begins what the decoder reads
  static constexpr Id eos = 2;  ///< ends a sentence
  static constexpr Id unk = 3;  ///< stands for every token that is not in the list
  static constexpr std::array<std::string_view, 4> reserved = {"<pad>", "<bos>", "<eos>", "<unk>"};

  /// Only the reserved symbols.
  Vocabulary();

  /// The tokens of the sentences within the limits, in the order of count_tokens. Build it from
  /// training sentences only.
  /// Error if min_frequency < 1, if max_size leaves no room besides the reserved symbols, or for a
  /// token that is empty, not UTF-8 or contains a line break (it could not be saved).
  Vocabulary(const std::vector<Tokens>& sentences, const VocabularyLimits& limits);
  explicit Vocabulary(const std::vector<Tokens>& sentences, std::int64_t min_frequency = 1);

  /// Reads what save() wrote. The file must begin with the reserved symbols and hold no empty line,
  /// no token twice and nothing but UTF-8; the Error names the file and the line.
  static Vocabulary load(const std::filesystem::path& path);

  /// Writes one token a line, in order of their ids, the reserved symbols included. Errors as for
  /// write_file: an old file survives a failure.
  void save(const std::filesystem::path& path) const;

  /// Number of tokens, the reserved symbols included.
  Id size() const { return static_cast<Id>(tokens_.size()); }

  /// The id of a token of the text; unk if it is not in the list or reads like a reserved symbol.
  Id id(std::string_view token) const;

  /// Whether the token has an id of its own. Reserved symbols are no tokens of the text: false.
  bool contains(std::string_view token) const { return id(token) != unk; }

  /// The token, or reserved symbol, with this id. Error if there is none.
  const std::string& token(Id id) const;

  /// id() of each token; neither bos nor eos is added.
  std::vector<Id> encode(const Tokens& tokens) const;

  /// token() of each id up to the first eos, without pad and bos. An unknown word reads `<unk>`.
  Tokens decode(const std::vector<Id>& ids) const;

  bool operator==(const Vocabulary& other) const { return tokens_ == other.tokens_; }

 private:
  void add(std::string token);

  std::vector<std::string> tokens_;          // by id
  std::unordered_map<std::string, Id> ids_;  // of the tokens of the text: no reserved symbols
};

/// What a vocabulary does not know of a text. Tokens are counted as often as they occur, types
/// once. A word that reads like a reserved symbol is unknown to every vocabulary.
struct UnknownWords {
  std::int64_t tokens = 0, types = 0;  ///< of the text
  std::int64_t unknown_tokens = 0;
  std::vector<TokenCount> unknown;  ///< the unknown types, in the order of count_tokens

  double token_rate() const;  ///< unknown tokens / tokens, from 0 to 1; 0 for no text
  double type_rate() const;   ///< unknown types / types, the same
};

UnknownWords find_unknown_words(const std::vector<Tokens>& sentences, const Vocabulary& vocabulary);

}  // namespace adjoint::data

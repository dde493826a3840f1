// Tokens to ids and back.
#pragma once

#include <array>
#include <optional>
#include <unordered_map>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// Which tokens of a text its vocabulary contains.
struct VocabularyLimits {
  std::int64_t min_frequency = 1;  ///< those that occur at least this often
  std::int64_t max_size = 0;       ///< at most this many, reserved symbols included; 0: no limit
};

/// A numbered list of the tokens a model knows. Ids 0 to 3 are reserved symbols. Text never becomes
/// a reserved id other than unk: a word that reads `<eos>` is an unknown word, not the end of the
/// sentence.
class Vocabulary {
 public:
  using Id = std::int64_t;

  static constexpr Id pad = 0;  ///< pads the shorter sentences of a batch
  static constexpr Id bos = 1;  ///< begins what the decoder reads
  static constexpr Id eos = 2;  ///< ends a sentence
  static constexpr Id unk = 3;  ///< any token that is not in the list
  static constexpr std::array<std::string_view, 4> reserved = {"<pad>", "<bos>", "<eos>", "<unk>"};

  /// Only the reserved symbols.
  Vocabulary();

  /// The tokens of the sentences within the limits, most frequent first; ties are in byte
  /// order, which is code point order. Build it from training sentences only.
  /// Error if min_frequency < 1, if max_size has no room besides the reserved symbols, or for a
  /// token that cannot be saved because it is empty, not UTF-8 or contains a line break.
  explicit Vocabulary(const std::vector<Tokens>& sentences, const VocabularyLimits& limits = {});

  /// The same tokens with the same ids, and after them the other tokens of the sentences within the
  /// limits, in the order of the constructor. max_size counts all tokens, but those that are here
  /// stay in any case. Errors as for the constructor.
  Vocabulary extended(const std::vector<Tokens>& sentences,
                      const VocabularyLimits& limits = {}) const;

  /// For each id here, the id that `other` has for the same token or reserved symbol; empty if it
  /// has none.
  std::vector<std::optional<Id>> ids_in(const Vocabulary& other) const;

  /// Reads what save() wrote: the reserved symbols, then tokens. Errors name the file and the line:
  /// an empty line, a token that occurs twice, bytes that are not UTF-8.
  static Vocabulary load(const std::filesystem::path& path);

  /// Writes one token per line in order of id, reserved symbols included. Errors as for write_file:
  /// an old file survives a failure.
  void save(const std::filesystem::path& path) const;

  /// The number of tokens, reserved symbols included.
  Id size() const { return static_cast<Id>(tokens_.size()); }

  /// The id of a token of the text; unk if it is not in the list or reads like a reserved symbol.
  Id id(std::string_view token) const;

  /// Whether a token of the text has an id of its own; false for reserved symbols.
  bool contains(std::string_view token) const { return id(token) != unk; }

  /// The token, or reserved symbol, with this id. Error if there is none.
  const std::string& token(Id id) const;

  /// id() of each token. Adds neither bos nor eos.
  std::vector<Id> encode(const Tokens& tokens) const;

  /// token() of each id up to the first eos, without pad and bos. An unknown word reads `<unk>`.
  Tokens decode(const std::vector<Id>& ids) const;

  bool operator==(const Vocabulary& other) const { return tokens_ == other.tokens_; }

 private:
  void add(std::string token);

  std::vector<std::string> tokens_;          // by id
  std::unordered_map<std::string, Id> ids_;  // tokens of the text, without reserved symbols
};

/// The fraction of the tokens that the vocabulary does not contain; 0 for an empty text.
double unknown_rate(const std::vector<Tokens>& sentences, const Vocabulary& vocabulary);

}  // namespace adjoint::data

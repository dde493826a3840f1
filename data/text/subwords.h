// Subwords, learned from text by the sentencepiece library, which is optional.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace adjoint::data {

/// How Subwords::train() learns its pieces.
struct SubwordTraining {
  /// An upper limit; a small text yields fewer. Error if it is not greater than the number of
  /// distinct characters in the text.
  std::int64_t max_pieces = 8000;
  /// "unigram" (Kudo, "Subword regularization", ACL 2018) or "bpe", byte pair encoding (Sennrich et
  /// al., "Neural machine translation of rare words with subword units", ACL 2016)
  std::string algorithm = "unigram";
};

/// A trained model of the sentencepiece library (Kudo and Richardson, EMNLP 2018), which splits
/// text into pieces and joins them. A plain value. A piece that begins a word starts with "▁"
/// (U+2581), which stands for the space. The model normalizes the text first (by default NFKC, with
/// runs of white space merged), which joining does not undo.
///
/// In a build without the library available() is false, and everything that needs a model throws an
/// Error that says how to install it.
class Subwords {
 public:
  /// No model; can only be compared.
  Subwords() = default;

  static bool available();

  /// Reads a model file of sentencepiece. Error, naming it, if it cannot be read or is not one.
  static Subwords load(const std::filesystem::path& path);

  /// Learns a model from sentences; use training sentences only. The same sentences and options
  /// give the same model. Error if they contain no text, or as SubwordTraining says.
  static Subwords train(const std::vector<std::string>& sentences,
                        const SubwordTraining& options = {});

  /// Writes a model file of sentencepiece. Errors as for write_file.
  void save(const std::filesystem::path& path) const;

  /// The pieces of the text. An unknown character is a piece of its own. The symbols that
  /// sentencepiece reserves (`<unk>`, `<s>`, `</s>`) are ordinary text here.
  std::vector<std::string> cut(std::string_view text) const;

  /// The pieces as text. `<unk>` becomes " ⁇ ".
  std::string join(const std::vector<std::string>& pieces) const;

  /// Every piece that cut() can return besides unknown characters, in the order of the model.
  std::vector<std::string> pieces() const;

  /// The same with the score of each: a log-probability (unigram), or which merges come first
  /// (bpe).
  std::unordered_map<std::string, double> scores() const;

  /// Whether both have the same model, byte for byte, or neither has one.
  bool operator==(const Subwords& other) const;

 private:
  struct Model;
  explicit Subwords(std::shared_ptr<const Model> model) : model_(std::move(model)) {}
  const Model& model() const;

  std::shared_ptr<const Model> model_;
};

}  // namespace adjoint::data

// Subwords: pieces of words, learnt from text by the sentencepiece library where that is installed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint::data {

struct SubwordTraining {
  /// At most so many pieces; a small text has fewer to give. Error if it is less than the different
  /// characters of the text, and one.
  std::int64_t max_pieces = 8000;
  /// "unigram" (Kudo, "Subword regularization", ACL 2018) or "bpe", byte pair encoding (Sennrich et
  /// al., "Neural machine translation of rare words with subword units", ACL 2016)
  std::string algorithm = "unigram";
};

/// A trained model of the sentencepiece library (Kudo and Richardson, EMNLP 2018), which cuts text
/// into pieces and joins pieces to text. A plain value: copy it, compare it, save it. In the pieces
/// a space is "▁" (U+2581), at the beginning of words. The model brings text to a form of its own
/// first (NFKC, runs of white space made one, unless it was trained otherwise), which joining
/// cannot undo.
///
/// The library is optional. In a build without it available() is false, and whatever needs a model
/// throws an Error that says how to get it.
class Subwords {
 public:
  /// No model: only compares.
  Subwords() = default;

  static bool available();

  /// Reads a model file of sentencepiece. Errors name the file: it cannot be read, or is no model.
  static Subwords load(const std::filesystem::path& path);

  /// Learns a model from sentences; from training sentences only. The same sentences and options
  /// give the same model. Error if there is no text in them, or as SubwordTraining says.
  static Subwords train(const std::vector<std::string>& sentences,
                        const SubwordTraining& options = {});

  /// Writes the model as a file that load(), and sentencepiece itself, can read. Errors as for
  /// write_file.
  void save(const std::filesystem::path& path) const;

  /// The pieces of the text. A character that the model does not know is a piece of its own.
  /// Symbols that sentencepiece itself reserves (<unk>, <s>, </s>) are text here like any other.
  std::vector<std::string> cut(std::string_view text) const;

  /// The pieces as text. `<unk>` becomes " ⁇ ".
  std::string join(const std::vector<std::string>& pieces) const;

  /// All that cut() can give besides unknown characters, in the order of the model.
  std::vector<std::string> pieces() const;

  /// Whether both have the same model, byte by byte, or both none.
  bool operator==(const Subwords& other) const;

 private:
  struct Model;
  explicit Subwords(std::shared_ptr<const Model> model) : model_(std::move(model)) {}
  const Model& model() const;

  std::shared_ptr<const Model> model_;
};

}  // namespace adjoint::data

#include "data/text/subwords.h"

#include "autograd/support/error.h"
#include "autograd/support/files.h"

// The build defines ADJOINT_SENTENCEPIECE where .ci/dependencies found the library.
#ifdef ADJOINT_SENTENCEPIECE

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <unordered_map>

namespace adjoint::data {
namespace {

using Status = sentencepiece::util::Status;

/// The library's message without its source line and the condition in brackets.
std::string reason(const Status& status) {
  const std::string text = status.message();
  const std::size_t end = text.rfind("] ");
  return end == std::string::npos || end + 2 == text.size() ? text : text.substr(end + 2);
}

/// The number of pieces that the library needs ("5 vs 70"), if there were too few; else "".
std::string needed_pieces(const std::string& reason) {
  const std::size_t known = reason.find("smaller than required_chars. ");
  const std::size_t number = reason.find(" vs ", known);
  if (known == std::string::npos || number == std::string::npos) return "";
  return reason.substr(number + 4, reason.find('.', number) - number - 4);
}

/// The ids that stand for text.
std::vector<int> ids_of_text(const sentencepiece::SentencePieceProcessor& processor) {
  std::vector<int> ids;
  for (int id = 0; id < processor.GetPieceSize(); ++id)
    if (!processor.IsUnknown(id) && !processor.IsControl(id) && !processor.IsUnused(id))
      ids.push_back(id);
  return ids;
}

class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const std::vector<std::string>& sentences) : sentences_(sentences) {}
  bool done() const override { return next_ == sentences_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return sentences_[next_]; }
  Status status() const override { return {}; }

 private:
  const std::vector<std::string>& sentences_;
  std::size_t next_ = 0;
};

}  // namespace

struct Subwords::Model {
  explicit Model(std::string serialized) : bytes(std::move(serialized)) {
    const Status status = processor.LoadFromSerializedProto(bytes);
    require(status.ok() && processor.GetPieceSize() > 0, "not a sentencepiece model");
  }

  std::string bytes;
  sentencepiece::SentencePieceProcessor processor;
};

bool Subwords::available() { return true; }

// If the file is damaged, the library throws exceptions of its own, which name its source lines.
Subwords Subwords::load(const std::filesystem::path& path) {
  constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;
  std::string bytes = read_regular_file(path, most_bytes);
  try {
    return Subwords(std::make_shared<const Model>(std::move(bytes)));
  } catch (const std::exception&) {
    fail(path.string(), ": not a sentencepiece model, or a damaged one");
  }
}

Subwords Subwords::train(const std::vector<std::string>& sentences,
                         const SubwordTraining& options) {
  require(options.algorithm == "unigram" || options.algorithm == "bpe",
          "subwords: unknown algorithm \"", options.algorithm, "\", expected unigram or bpe");
  require(std::ranges::any_of(sentences, [](const auto& text) { return !text.empty(); }),
          "subwords: no text to train on");
  // No bos and eos: Vocabulary adds its own. Every character counts, however rare. One thread, so
  // that sums are always added in the same order.
  const std::unordered_map<std::string, std::string> arguments = {
      {"vocab_size", std::to_string(options.max_pieces)},
      {"hard_vocab_limit", "false"},
      {"model_type", options.algorithm},
      {"character_coverage", "1.0"},
      {"bos_id", "-1"},
      {"eos_id", "-1"},
      {"num_threads", "1"},
      {"minloglevel", "2"},
  };
  Sentences iterator(sentences);
  std::string bytes;
  const Status status = sentencepiece::SentencePieceTrainer::Train(arguments, &iterator, &bytes);
  if (status.ok()) return Subwords(std::make_shared<const Model>(std::move(bytes)));
  const std::string needed = needed_pieces(reason(status));
  require(needed.empty(), "subwords: ", options.max_pieces, " pieces are too few; the text needs ",
          needed, " for its distinct characters");
  fail("subwords: training failed: ", reason(status));
}

void Subwords::save(const std::filesystem::path& path) const { write_file(path, model().bytes); }

std::vector<std::string> Subwords::cut(std::string_view text) const {
  std::vector<std::string> pieces;
  const Status status = model().processor.Encode(text, &pieces);
  require(status.ok(), "subwords: cannot split the text: ", reason(status));
  return pieces;
}

std::string Subwords::join(const std::vector<std::string>& pieces) const {
  std::string text;
  const Status status = model().processor.Decode(pieces, &text);
  require(status.ok(), "subwords: cannot join the pieces: ", reason(status));
  return text;
}

std::vector<std::string> Subwords::pieces() const {
  std::vector<std::string> pieces;
  for (const int id : ids_of_text(model().processor))
    pieces.push_back(model().processor.IdToPiece(id));
  return pieces;
}

std::unordered_map<std::string, double> Subwords::scores() const {
  std::unordered_map<std::string, double> scores;
  for (const int id : ids_of_text(model().processor))
    scores[model().processor.IdToPiece(id)] = static_cast<double>(model().processor.GetScore(id));
  return scores;
}

bool Subwords::operator==(const Subwords& other) const {
  if (model_ == other.model_) return true;
  return model_ && other.model_ && model_->bytes == other.model_->bytes;
}

const Subwords::Model& Subwords::model() const {
  require(model_ != nullptr, "subwords: no model; load or train one");
  return *model_;
}

}  // namespace adjoint::data

#else

namespace adjoint::data {
namespace {

[[noreturn]] void fail_without_library() {
  fail(
      "this build does not include sentencepiece; install the library (Debian, Ubuntu: apt-get "
      "install libsentencepiece-dev) and build again");
}

}  // namespace

struct Subwords::Model {};

bool Subwords::available() { return false; }
Subwords Subwords::load(const std::filesystem::path&) { fail_without_library(); }
Subwords Subwords::train(const std::vector<std::string>&, const SubwordTraining&) {
  fail_without_library();
}
void Subwords::save(const std::filesystem::path&) const { fail_without_library(); }
std::vector<std::string> Subwords::cut(std::string_view) const { fail_without_library(); }
std::string Subwords::join(const std::vector<std::string>&) const { fail_without_library(); }
std::vector<std::string> Subwords::pieces() const { fail_without_library(); }
std::unordered_map<std::string, double> Subwords::scores() const { fail_without_library(); }
bool Subwords::operator==(const Subwords&) const { return true; }

}  // namespace adjoint::data

#endif

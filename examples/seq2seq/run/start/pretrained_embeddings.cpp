#include "examples/seq2seq/run/start/pretrained_embeddings.h"

#include <algorithm>
#include <cmath>
#include <iomanip>

#include "data/text/word_vectors.h"

namespace adjoint::seq2seq {
namespace {

// A side of a model: what its messages call it, and its table [tokens, width].
struct Side {
  std::string name;
  const data::Vocabulary& vocabulary;
  const data::Tokenizer& tokenizer;
  Tensor table;
};

// Also under the second name of a tied table.
Tensor parameter(const Model& model, const std::string& name) {
  Tensor found;
  nn::Fields visit([&](const std::string& path, Tensor& tensor) {
    if (path == name) found = tensor;
  });
  model.network->fields(visit);
  return found;
}

double root_mean_square(std::span<const float> values) {
  double sum = 0;
  for (const float x : values) sum += static_cast<double>(x) * x;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

std::string take(const Side& side, const std::string& file) {
  const Index width = side.table.size(1);
  const data::WordVectors vectors =
      data::read_word_vectors(file, side.vocabulary, side.tokenizer, width);
  const Index words = side.vocabulary.size() - std::ssize(data::Vocabulary::reserved);
  require(!vectors.ids.empty(), file, ": has none of the ", words, ' ', side.name, " words");

  const double own = root_mean_square(vectors.values);
  const double factor = own > 0 ? root_mean_square(side.table.values<float>()) / own : 1;
  Tensor table = side.table;
  const auto elements = table.edit<float>();
  for (std::size_t i = 0; i < vectors.values.size(); ++i) {
    const auto row = static_cast<std::size_t>(vectors.ids[i / static_cast<std::size_t>(width)]);
    elements[row * static_cast<std::size_t>(width) + i % static_cast<std::size_t>(width)] =
        static_cast<float>(factor * vectors.values[i]);
  }
  return text_from("pretrained vectors for ", vectors.ids.size(), " of ", words, ' ', side.name,
                   " words, times ", std::setprecision(3), factor, '\n');
}

std::string take_named(const std::string& option, const Side& side, const std::string& file) {
  if (file.empty()) return "";
  try {
    return take(side, file);
  } catch (const Error& error) {
    fail(option, ": ", error.what());
  }
}

}  // namespace

void PretrainedFiles::add_to(Options& options) {
  options.add("--source-embeddings FILE", source,
              "begin with these vectors of source words: the text form of word2vec, GloVe and "
              "fastText, of width --width");
  options.add("--target-embeddings FILE", target, "the same for target words");
  options.command_line_only({"--source-embeddings", "--target-embeddings"});
}

std::string take_embeddings(Model& model, const PretrainedFiles& files) {
  require(!model.settings.model.one_vocabulary() || files.source.empty() || files.target.empty(),
          "--target-embeddings: with --tie all both sides have one table; give one file, with "
          "--source-embeddings");
  const auto side = [&](const char* name, const data::Vocabulary& vocabulary,
                        const data::Tokenizer& tokenizer, const char* table) {
    return Side{name, vocabulary, tokenizer, parameter(model, table)};
  };
  return take_named(
             "--source-embeddings",
             side("source", model.source, model.tokenizers.source, "encoder.embedding.table"),
             files.source) +
         take_named(
             "--target-embeddings",
             side("target", model.target, model.tokenizers.target, "decoder.embedding.table"),
             files.target);
}

}  // namespace adjoint::seq2seq

// Pretrained word embeddings in text form.
#pragma once

#include <filesystem>
#include <vector>

#include "data/text/vocabulary.h"

namespace adjoint::data {

/// The vectors of some tokens of a vocabulary.
struct WordVectors {
  std::int64_t width = 0;
  std::vector<Vocabulary::Id> ids;  ///< rising
  std::vector<float> values;        ///< [ids, width]
};

/// Reads the text form that word2vec, GloVe and fastText write: on each line a word and `width`
/// numbers, with blanks or tabs between them. A first line of two whole numbers, as word2vec has,
/// is skipped; the number of words that it promises may be wrong, since files are often cut.
///
/// A token of the vocabulary takes the vector of the same word, or else of the first word that the
/// tokenizer turns into this token: `words` makes lower case, so `paris` takes the vector of Paris.
/// If a word occurs twice, the first vector counts.
///
/// Only the vectors that are taken are kept, and only their numbers are parsed, so a file may have
/// millions of lines. It may be a pipe. It may come from a stranger. Error, naming the file and the
/// line, if it cannot be read, has vectors of another width, is binary, has a line over 1 MiB, or
/// one of the numbers is no finite f32.
WordVectors read_word_vectors(const std::filesystem::path& path, const Vocabulary& vocabulary,
                              const Tokenizer& tokenizer, std::int64_t width);

}  // namespace adjoint::data

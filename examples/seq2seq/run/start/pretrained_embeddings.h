// A run that begins with embeddings from files of word vectors.
#pragma once

#include "examples/seq2seq/model/model.h"

namespace adjoint::seq2seq {

/// The files of --source-embeddings and --target-embeddings; empty if not given.
struct PretrainedFiles {
  std::string source, target;

  bool any() const { return !source.empty() || !target.empty(); }
  void add_to(Options& options);
};

/// Puts the vectors of the words that a vocabulary and its file share into the embedding of the new
/// model. They are scaled by one factor, so that their root mean square is that of the table's
/// initial values: vectors of any file then have the size that the model expects, beside positions
/// and the other words. Returns lines of text that say how many were found. Error, naming the
/// option, as for read_word_vectors(), if a file has none of the words, or if both files are for
/// one table.
std::string take_embeddings(Model& model, const PretrainedFiles& files);

}  // namespace adjoint::seq2seq

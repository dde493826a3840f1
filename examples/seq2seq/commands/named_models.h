// The models that a command line names.
#pragma once

#include "examples/seq2seq/commands/commands.h"

namespace adjoint::seq2seq {

/// `first` and the models at the beginning of `rest`, which are taken from it: together they are an
/// ensemble. An argument is a model if it is the folder of one, or a file of weights in it. Error
/// if a model comes later.
std::vector<std::string> take_models(const std::string& first, std::vector<std::string>& rest);

/// These models as one, with a note on standard error for each whose run was killed. Error, naming
/// the folder, if one cannot be loaded or differs from the first in what it reads or writes.
Model load_for_use(const std::vector<std::string>& names);

/// What remains of a command's arguments behind its models: a file of pairs, or nothing. Error if
/// it is more.
std::string only_file(const std::vector<std::string>& rest);

/// Error if what remains are not sentences: one reads like the path of a model, but is none.
/// Unless `quiet`, says on standard error what may be meant as a model: a word before other
/// sentences, or a path that exists.
void require_sentences(const std::vector<std::string>& rest, bool quiet);

/// The pairs that none of the models was trained on. Error if they did not hold out the same.
std::vector<data::Pair> load_held_out(const std::vector<std::string>& names, const Model& model);

}  // namespace adjoint::seq2seq

// What a run begins with: new weights, an earlier model, pretrained embeddings, or a stopped run.
#pragma once

#include "examples/seq2seq/run/dataset.h"
#include "examples/seq2seq/run/start/pretrained_embeddings.h"

namespace adjoint::seq2seq {

class Start {
 public:
  /// --from, --source-embeddings and --target-embeddings.
  void add_to(Options& options);
  /// The files of embeddings.
  std::vector<std::string> files() const { return {embeddings_.source, embeddings_.target}; }

  /// Loads the model of --from, if there is one, and gives its values to the options that have not
  /// been given; `settings` are their variables. Error when the start is asked for twice: with
  /// embeddings and a model, or with either for a run that is resumed; and as for load_earlier().
  void prepare(const std::filesystem::path& output, bool resumes, const Settings& settings,
               Options& options);
  /// Takes vocabularies and tokenizers from the folder of a stopped run.
  void resume(const std::filesystem::path& folder, const Settings& settings);

  /// The subwords that are not to be learned anew.
  std::optional<data::Subwords> subwords() const;

  /// The model before the first step, and lines about where it comes from. Call it once: it lets go
  /// of the earlier model.
  struct Begun {
    Model model;
    std::string description;
  };
  Begun begin(const Settings& settings, const Dataset& dataset);

 private:
  std::string from_;
  PretrainedFiles embeddings_;
  std::shared_ptr<const Model> earlier_;
  std::optional<Lexicon> stopped_;
};

}  // namespace adjoint::seq2seq

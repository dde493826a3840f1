#include "examples/seq2seq/run/start/start.h"

#include "examples/seq2seq/run/start/earlier_model.h"

namespace adjoint::seq2seq {

void Start::add_to(Options& options) {
  options.group("Start");
  options.add("--from MODEL", from_,
              "begin with the weights, vocabularies, tokenizers and model options of this model");
  options.command_line_only({"--from"});
  embeddings_.add_to(options);
}

void Start::prepare(const std::filesystem::path& output, bool resumes, const Settings& settings,
                    Options& options) {
  require(from_.empty() || !embeddings_.any(),
          "--from cannot be used with --source-embeddings or --target-embeddings: the embeddings "
          "are those of the earlier model");
  for (const char* name : {"--from", "--source-embeddings", "--target-embeddings"})
    require(!resumes || !options.given(name, true), name,
            " has no effect with --resume: the stopped run has its weights; leave it out");
  if (from_.empty()) return;
  earlier_ = std::make_shared<const Model>(load_earlier(from_, output));
  take_options(earlier_->settings, settings, options);
}

void Start::resume(const std::filesystem::path& folder, const Settings& settings) {
  stopped_ = load_lexicon(folder, settings);
}

std::optional<data::Subwords> Start::subwords() const {
  if (earlier_) return subwords_of(earlier_->tokenizers);
  return stopped_ ? subwords_of(stopped_->tokenizers) : std::nullopt;
}

Start::Begun Start::begin(const Settings& settings, const Dataset& dataset) {
  if (stopped_)
    return {Model(settings, dataset.tokenizers, stopped_->source, stopped_->target), ""};
  if (!earlier_) {
    Begun begun{make_model(settings, dataset), ""};
    begun.description = take_embeddings(begun.model, embeddings_);
    return begun;
  }
  Vocabularies words = extended_vocabularies(settings, dataset, *earlier_);
  Begun begun{Model(settings, dataset.tokenizers, std::move(words.source), std::move(words.target)),
              ""};
  begun.description = describe(take_weights(begun.model, *earlier_), begun.model, *earlier_, from_);
  earlier_.reset();
  return begun;
}

}  // namespace adjoint::seq2seq

#include "examples/seq2seq/commands/long_sentences.h"

namespace adjoint::seq2seq {
namespace {

std::optional<data::Tokens> cut_or_skipped(data::Tokens tokens, Index limit, bool cuts,
                                           const char* what, const LongSentences::Place& place,
                                           bool quiet) {
  if (std::ssize(tokens) <= limit) return tokens;
  if (!cuts) return std::nullopt;
  if (!quiet)
    report(text_from(place(), ": a ", what, " of ", tokens.size(), " tokens; only its first ",
                     limit, " are used"));
  tokens.resize(static_cast<std::size_t>(limit));
  return tokens;
}

}  // namespace

void LongSentences::add_to(Options& options) {
  options.add_choice(
      "--too-long", choice,
      {{"error", data::TooLong::error}, {"skip", data::TooLong::skip}, {"cut", data::TooLong::cut}},
      "what to do with a sentence that is longer than the model can read: an error, "
      "leave it out, or use its first tokens only");
}

std::optional<data::Tokens> LongSentences::source(const Model& model, std::string_view line,
                                                  const Place& place, bool quiet) const {
  if (choice == data::TooLong::error) return model.read_source(line);
  return cut_or_skipped(model.tokenizers.source.tokenize(line), model.settings.data.max_tokens,
                        choice == data::TooLong::cut, "sentence", place, quiet);
}

std::optional<data::Tokens> LongSentences::target(const Model& model, std::string_view line,
                                                  const Place& place, bool quiet) const {
  if (choice == data::TooLong::error) return model.read_target(line);
  return cut_or_skipped(model.tokenizers.target.tokenize(line),
                        model.settings.data.decoding_limit(), choice == data::TooLong::cut,
                        "target", place, quiet);
}

}  // namespace adjoint::seq2seq

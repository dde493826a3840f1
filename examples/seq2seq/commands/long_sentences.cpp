#include "examples/seq2seq/commands/long_sentences.h"

namespace adjoint::seq2seq {
namespace {

std::optional<data::Tokens> cut_or_skipped(data::Tokens tokens, Index limit, data::TooLong choice,
                                           const char* what, const LongSentences::Place& place,
                                           bool quiet) {
  if (std::ssize(tokens) <= limit) return tokens;
  require(choice != data::TooLong::error, "a ", what, " of ", tokens.size(),
          " tokens; the model allows at most ", limit, LongSentences::advice);
  if (choice == data::TooLong::skip) return std::nullopt;
  if (!quiet)
    report(text_from(place(), ": a ", what, " of ", tokens.size(), " tokens; only its first ",
                     limit, " are used"));
  tokens.resize(static_cast<std::size_t>(limit));
  return tokens;
}

}  // namespace

void LongSentences::add_to(Options& options, const std::string& instead) {
  options.add_choice(
      "--too-long", choice,
      {{"error", data::TooLong::error}, {"skip", data::TooLong::skip}, {"cut", data::TooLong::cut}},
      "what to do with a sentence that is longer than the model can read: an error, " + instead +
          ", or use its first tokens only");
}

bool LongSentences::skips(std::string_view line) const {
  const bool is_skipped = line.size() > Lines::longest && choice == data::TooLong::skip;
  require(is_skipped || line.size() <= Lines::longest, "a line of more than ", Lines::longest,
          " bytes; leave it out with --too-long skip");
  if (!is_skipped) require_text(line);
  return is_skipped;
}

std::optional<data::Tokens> LongSentences::source(const Model& model, std::string_view line,
                                                  const Place& place, bool quiet) const {
  return cut_or_skipped(model.tokenizers.source.tokenize(line), model.settings.data.max_tokens,
                        choice, "sentence", place, quiet);
}

std::optional<data::Tokens> LongSentences::target(const Model& model, std::string_view line,
                                                  const Place& place, bool quiet) const {
  return cut_or_skipped(model.tokenizers.target.tokenize(line),
                        model.settings.data.decoding_limit(), choice, "target", place, quiet);
}

}  // namespace adjoint::seq2seq

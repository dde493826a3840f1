// A data set as a model reads it: ids of tokens, and where the answers stand.
#pragma once

#include <span>

#include "autograd/random.h"
#include "data/text/vocabulary.h"
#include "examples/experiments/squad/tokens.h"

namespace adjoint::squad {

/// A passage as ids, and how to get its text back.
struct ReadPassage {
  std::u32string characters;
  std::vector<Token> tokens;
  Ids ids;  // of the tokens

  /// The passage's text from one token to another, both included.
  std::string text(const TokenSpan& span) const;
};
struct ReadQuestion {
  std::size_t passage;  ///< its number
  Ids ids;
  std::vector<Answer> answers;
  TokenSpan span;  ///< of the first answer; the tokens of the passage count from 0
};

/// Passages with their questions.
struct Corpus {
  std::vector<ReadPassage> passages;
  std::vector<ReadQuestion> questions;
};

/// What a model trains on, and what it never sees: passages are held out, with all their questions.
struct Corpora {
  data::Vocabulary vocabulary;
  Corpus train, held_out;
};
struct CorporaOptions {
  double held_out = 0.1;     ///< the share of passages
  Index most_words = 20000;  ///< in the vocabulary; rarer ones are unknown words
};
/// The vocabulary is that of the training passages and their questions. Error unless there are two
/// passages with questions.
Corpora corpora(const Dataset& dataset, Key key, const CorporaOptions& options = {});

/// Whether a sequence begins with the question, as BERT reads it (Devlin et al. 2019, section 4.2),
/// or ends with it.
enum class QuestionPlace { first, last };

/// A question and its passage in one sequence, with a separator between them. A passage that is too
/// long is cut, so that there are `longest` tokens at most.
struct Sequence {
  Ids ids;
  Index begin, end;  ///< the passage is at the steps begin ≤ t < end; it may be empty
};
Sequence sequence(const Corpus& corpus, const ReadQuestion& question, QuestionPlace place,
                  Index longest);

}  // namespace adjoint::squad

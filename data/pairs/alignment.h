// Word alignments: which word of a source belongs to which word of its translation.
#pragma once

#include <utility>
#include <vector>

#include "autograd/shape.h"
#include "data/pairs/lines.h"
#include "data/text/tokenizer.h"

namespace adjoint::data {

/// The links of a sentence and its translation, as pairs of a source and a target index, counted
/// from 0: of words, or of tokens.
using Links = std::vector<std::pair<Index, Index>>;

/// Alignments in Pharaoh form, as fast_align and others write it: one line for each pair, with
/// links such as "0-0 1-2"; each comes once, in ascending order. An empty line has no links. Error,
/// with file and line, for anything else.
std::vector<Links> read_alignments(const TextLines& text);

/// One side of a pair: its text and the tokens that a tokenizer cut it into.
struct TokenizedText {
  std::string_view text;
  const Tokens& tokens;
  const Tokenizer& tokenizer;
};

/// The links of words as links of tokens: a word that was cut into several tokens links all of
/// them. Words are what stands between white space in the text (as Python's str.split() cuts it), a
/// token belongs to the word that its first character is in, and a token that is white space to
/// none. Error for an index that a side does not have, or if a tokenizer makes other text of a word
/// alone than of the whole.
Links links_of_tokens(const Links& words, const TokenizedText& source, const TokenizedText& target);

/// The index of the piece of `coarse` in which each piece of `fine` begins, where both make the
/// same text but for spaces. Error if they do not.
std::vector<Index> pieces_around(const Tokens& coarse, const Tokens& fine);

/// Links of tokens that have been cut in another way: what is linked now was linked before.
Links links_of_other_cut(const Links& links, const std::vector<Index>& source,
                         const std::vector<Index>& target);

}  // namespace adjoint::data

// TER: how many edits, and moves of whole phrases, turn a translation into its reference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/metrics/metric_tokens.h"
#include "data/metrics/references.h"

namespace adjoint::data {

struct TerScore {
  double score = 0;  ///< edits in per cent of the references' length; may exceed 100
  std::int64_t edits = 0;
  double ref_len = 0;  ///< summed over the sentences; of several references the average
  /// nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no, as sacreBLEU has it but for the version
  std::string signature = {};
};

/// Translation edit rate of a corpus (Snover et al., "A study of translation edit rate with
/// targeted human annotation", AMTA 2006), equal to the figure of sacreBLEU ≥ 2 with the same
/// signature:
///
///   100 · edits / length of the references
///
/// An edit inserts, removes or replaces a word, or moves a phrase. See ter_edits for how they are
/// found. Of several references the one with the fewest edits counts. A corpus without a word in
/// its references has a rate of 0 if the hypotheses have none either, else 100.
/// Errors as References, and for text that is not UTF-8.
TerScore corpus_ter(const std::vector<std::string>& hypotheses, ReferenceSets references,
                    const TercomOptions& options = {});

/// The same with one reference a sentence.
TerScore corpus_ter(const std::vector<std::string>& hypotheses,
                    const std::vector<std::string>& references, const TercomOptions& options = {});

/// The number of edits that TER counts. The fewest are too hard to find (with moves the problem is
/// NP-complete), so, as in tercom and sacreBLEU, phrases are moved greedily: again and again the
/// move is made that lowers the edit distance the most, as long as one does. Between equals the
/// longest phrase is moved, then the first in the hypothesis, then the one moved nearest to its
/// beginning. A phrase may be moved if it stands in the reference word for word, at a place at most
/// 50 words from its own, if it is at most 10 words long, if some word of it is wrong where it is
/// and some word of the reference there is too, and if it is not aligned with itself. It goes to
/// where the word before the reference's phrase is aligned, or any word of that phrase. The search
/// ends when 1,000 moves have been tried.
std::int64_t ter_edits(const Tokens& hypothesis, const Tokens& reference);

/// The edit distance without moves, as TER measures it: only along a band of 25 words to both sides
/// of the diagonal, wider where the lengths differ very much. Never less than edit_distance(), and
/// the same when neither side is longer than 25 words.
std::int64_t banded_edit_distance(const Tokens& hypothesis, const Tokens& reference);

}  // namespace adjoint::data

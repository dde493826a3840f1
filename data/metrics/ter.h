// TER: the edits, including moves of phrases, that turn a translation into its reference.
#pragma once

#include "data/metrics/metric_text.h"

namespace adjoint::data {

/// The result of corpus_ter(), with what is needed to compare it with another.
struct TerScore {
  double score = 0;  ///< edits in percent of the references' length; may exceed 100
  std::int64_t edits = 0;
  double ref_len = 0;  ///< summed over the sentences, averaged over several references
  /// sacreBLEU's without the version: nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no
  std::string signature = {};
};

/// Translation edit rate of a corpus (Snover et al., "A study of translation edit rate with
/// targeted human annotation", AMTA 2006), equal to the figure of sacreBLEU ≥ 2 with the same
/// signature:
///
///   100 · edits / length of the references
///
/// An edit inserts, deletes or replaces a word, or moves a phrase; ter_edits says how they are
/// found. Of several references, the one with the fewest edits counts. Without words in the
/// references, the score is as error_rate says. Errors as References, and for text that is not
/// UTF-8.
TerScore corpus_ter(const std::vector<std::string>& hypotheses, const ReferenceSets& references,
                    const TercomOptions& options = {});

/// The number of edits that TER counts. Finding the fewest is NP-complete (because of the moves),
/// so phrases are moved greedily, as in tercom and sacreBLEU: the move that lowers the edit
/// The number of edits that TER counts. Finding the fewest is NP-complete (because of the moves),
/// so phrases are moved greedily, as in tercom and sacreBLEU: the move that lowers the edit
/// distance the most is made, until none does. Ties go to the longest phrase, then to the first in
/// the hypothesis, then to the target nearest its beginning. A phrase may be moved if it has at
/// most 10 words, occurs in the reference at most 50 words away, contains a wrong word on both
/// sides, and is not aligned with itself. It moves to where the word before the reference's phrase,
/// or a word of that phrase, is aligned. The search ends after trying `max_tried` moves
/// (sacreBLEU's limit); 0 gives the edit distance. Distances are those within a band of 25 words
/// (tercom's limit), so time and memory are proportional to the length (README.md).
std::int64_t ter_edits(const Tokens& hypothesis, const Tokens& reference,
                       std::int64_t max_tried = 1000);

}  // namespace adjoint::data

// chrF and chrF++: F-scores of character n-grams, and of word n-grams.
#pragma once

#include <cstdint>

#include "data/metrics/metric_text.h"

namespace adjoint::data {

/// The defaults are sacreBLEU's, chrF2. `word_order` = 2 gives chrF2++.
struct ChrfOptions {
  std::int64_t char_order = 6;  ///< character n-grams of up to this length
  std::int64_t word_order = 0;  ///< word n-grams of up to this length
  std::int64_t beta = 2;        ///< how many times more recall counts than precision
  bool lowercase = false;
  bool whitespace = false;  ///< whether white space counts as characters; otherwise it is removed
  /// Average the F-scores of all orders, as Popović's own script does, instead of precision and
  /// recall over the orders that occur on both sides.
  bool epsilon_smoothing = false;
};

/// The result of corpus_chrf(), with what is needed to compare it with another.
struct ChrfScore {
  double score = 0;  ///< 0 to 100
  std::string name;  ///< chrF2, chrF2++
  /// sacreBLEU's without the version: nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no
  std::string signature;
};

/// Corpus chrF (Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015)
/// and chrF++ (Popović, "chrF++: words helping character n-grams", WMT 2017), equal to the figure
/// of sacreBLEU ≥ 2 with the same signature:
///
///   100 · (1 + β²) · P · R / (β² P + R)
///
/// P, the precision, is the fraction of the hypotheses' n-grams that match the references'
/// (clipped), averaged over the orders that occur on both sides; R, the recall, is the fraction of
/// the references' n-grams. Counts are summed over the corpus before dividing. Among several
/// references of a sentence, the one with the highest F for this sentence counts. Pass detokenized
/// text.
/// Error if an order is negative or over 100, if both are 0, if beta < 1, or if a text is not
/// UTF-8; also as for References.
ChrfScore corpus_chrf(const std::vector<std::string>& hypotheses, const ReferenceSets& references,
                      const ChrfOptions& options = {});

}  // namespace adjoint::data

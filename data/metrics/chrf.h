// chrF and chrF++: how many n-grams of characters, and of words, a translation shares with its
// reference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/metrics/references.h"

namespace adjoint::data {

/// The defaults are sacreBLEU's: chrF2. With `word_order` 2 it is chrF2++.
struct ChrfOptions {
  std::int64_t char_order = 6;  ///< n-grams of 1 to so many code points
  std::int64_t word_order = 0;  ///< and of 1 to so many words, a mark at either end set apart
  std::int64_t beta = 2;        ///< how many times more recall counts than precision
  bool lowercase = false;
  bool whitespace = false;  ///< count white space as characters; else it is taken out
  /// Average the F of each order over all orders, as Popović's own script, instead of precision and
  /// recall over those orders that occur on both sides.
  bool epsilon_smoothing = false;
};

struct ChrfScore {
  double score = 0;  ///< 0 to 100
  std::string name;  ///< chrF2, chrF2++
  /// nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no, as sacreBLEU has it but for the version
  std::string signature;
};

/// Corpus chrF (Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015)
/// and chrF++ (Popović, "chrF++: words helping character n-grams", WMT 2017), equal to the figure
/// of sacreBLEU ≥ 2 with the same signature:
///
///   100 · (1 + β²) · P · R / (β² P + R)
///
/// P is the precision, the share of the hypotheses' n-grams that the references have too (each as
/// often as they have it), averaged over the orders that occur on both sides; R, the recall, is the
/// share of the references' n-grams. Counts are summed over the corpus before anything is divided.
/// Of several references of a sentence the one counts against which the sentence alone has the
/// highest F. Give it detokenized text.
/// Error if an order is negative or both are 0, if beta < 1, for text that is not UTF-8, and as
/// References.
ChrfScore corpus_chrf(const std::vector<std::string>& hypotheses, ReferenceSets references,
                      const ChrfOptions& options = {});

/// The same with one reference a sentence.
ChrfScore corpus_chrf(const std::vector<std::string>& hypotheses,
                      const std::vector<std::string>& references, const ChrfOptions& options = {});

}  // namespace adjoint::data

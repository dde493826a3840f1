#include "examples/seq2seq/look/description.h"

#include <iomanip>

#include "autograd/support/printable.h"
#include "examples/seq2seq/settings/counted.h"

namespace adjoint::seq2seq {
namespace {

std::string lengths(const SideFigures& side) {
  return text_from(side.median, " (half of them at most), ", side.most_have_at_most, " (95%), ",
                   side.longest, " (longest)");
}

std::string unknown(const char* split, const std::optional<double>& sources,
                    const std::optional<double>& targets) {
  if (!sources || !targets) return "";
  return text_from("unknown to the vocabularies: ", std::fixed, std::setprecision(1),
                   100 * *sources, "% of the ", split, " sources, ", 100 * *targets,
                   "% of the targets\n");
}

}  // namespace

std::string describe_pairs(const Figures& f) {
  std::string text = text_from(counted(f.pairs(), "pair"), " with ",
                               counted(f.sources, "different source"), "; ", f.train, " training, ",
                               f.validation, " validation and ", f.held_out, " held-out pairs\n");
  if (f.repeated > 0) text += text_from(f.repeated, " of the pairs repeat another\n");
  if (f.with_several_targets > 0)
    text += text_from(f.with_several_targets, " of the sources have several targets\n");
  if (f.too_long > 0) text += counted(f.too_long, "pair") + " left out as too long\n";
  Index bad = 0;
  for (const data::Corpus::Problem& problem : f.problems) bad += problem.lines;
  if (bad > 0)
    text += text_from(counted(bad, "line"), " left out because ",
                      bad == 1 ? "it is not a pair: " : "they are not pairs; the first: ",
                      printable_line(f.problems.front().first, 0), '\n');
  if (f.problems.size() > 1)
    for (const data::Corpus::Problem& problem : f.problems)
      text += text_from("  ", problem.lines, ": ", printable_line(problem.reason, 0), '\n');
  return text;
}

std::string describe_tokens(const Figures& f) {
  return text_from("tokens in a source: ", lengths(f.source),
                   "\ntokens in a target: ", lengths(f.target), '\n') +
         unknown("validation", f.source.unknown_in_validation, f.target.unknown_in_validation) +
         unknown("held-out", f.source.unknown_in_held_out, f.target.unknown_in_held_out);
}

std::string lines_of(const std::vector<Advice>& advice) {
  std::string text;
  for (const Advice& line : advice) text += "advice: " + line.text + '\n';
  return text;
}

}  // namespace adjoint::seq2seq

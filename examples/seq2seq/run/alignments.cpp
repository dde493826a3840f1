#include "examples/seq2seq/run/alignments.h"

#include "autograd/support/checksum.h"

namespace adjoint::seq2seq {
namespace {

// Without the blank lines at the end, which a corpus ignores.
std::size_t count_of(const std::vector<std::string>& lines) {
  std::size_t count = lines.size();
  while (count > 0 && (lines[count - 1].empty() || data::is_blank(lines[count - 1]))) --count;
  return count;
}

}  // namespace

WordAlignments::WordAlignments(const InputTexts& texts, const std::optional<data::Columns>& columns)
    : name_(texts.alignment->name), pairs_(texts.pairs->lines), columns_(columns) {
  if (texts.targets) targets_ = texts.targets->lines;
  const std::size_t needed = count_of(pairs_), given = texts.alignment->lines.size();
  require(given >= needed && count_of(texts.alignment->lines) <= needed, "--alignment: ", name_,
          " has ", given, " lines, but ", texts.pairs->name, " has ", needed,
          "; an empty line stands for a pair without links");
  lines_ = data::read_alignments(*texts.alignment);
}

data::Sides WordAlignments::sides(std::size_t line) const {
  if (!targets_.empty()) return {pairs_[line], targets_[line]};
  return data::cut_at_tabs(pairs_[line], columns_);
}

std::vector<data::Links> WordAlignments::of(const std::vector<data::Pair>& pairs,
                                            const data::Tokenizers& tokenizers) const {
  std::vector<data::Links> links;
  for (const data::Pair& pair : pairs) {
    const auto line = static_cast<std::size_t>(pair.line - 1);
    const auto& [source, target] = sides(line);
    try {
      links.push_back(data::links_of_tokens(lines_[line], {source, pair.source, tokenizers.source},
                                            {target, pair.target, tokenizers.target}));
    } catch (const Error& error) {
      fail(name_, ':', pair.line, ": ", error.what());
    }
  }
  return links;
}

std::string digest(const std::vector<data::Links>& alignments) {
  std::uint32_t sum = 0;
  for (const data::Links& links : alignments) {
    for (const auto& [source, target] : links)
      sum = crc32(text_from(source, '-', target, ' '), sum);
    sum = crc32("\n", sum);
  }
  return std::to_string(sum);
}

}  // namespace adjoint::seq2seq

#include "examples/seq2seq/report/edits.h"

#include <algorithm>
#include <unordered_map>

#include "data/text/unicode.h"

namespace adjoint::seq2seq {
namespace {

constexpr std::size_t most_cells = std::size_t{1} << 24;

// Appends the edits of the part in the middle, whose elements begin at `first` on both sides.
void align(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b, std::size_t first,
           std::vector<Edit>& result) {
  const std::size_t columns = b.size() + 1;
  enum Step : std::uint8_t { both, only_a, only_b };
  std::vector<std::uint8_t> steps((a.size() + 1) * columns, both);
  std::vector<std::uint32_t> above(columns), row(columns);
  for (std::size_t j = 0; j < columns; ++j) {
    above[j] = static_cast<std::uint32_t>(j);
    steps[j] = only_b;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<std::uint32_t>(i);
    steps[i * columns] = only_a;
    for (std::size_t j = 1; j < columns; ++j) {
      row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
      if (above[j] + 1 < row[j]) row[j] = above[j] + 1, steps[i * columns + j] = only_a;
      if (row[j - 1] + 1 < row[j]) row[j] = row[j - 1] + 1, steps[i * columns + j] = only_b;
    }
    std::swap(above, row);
  }
  const std::size_t begin = result.size();
  for (std::size_t i = a.size(), j = b.size(); i > 0 || j > 0;) {
    const std::uint8_t step = steps[i * columns + j];
    Edit edit;
    if (step != only_b) edit.reference = first + --i;
    if (step != only_a) edit.output = first + --j;
    result.push_back(edit);
  }
  std::reverse(result.begin() + static_cast<std::ptrdiff_t>(begin), result.end());
}

// The text in characters, each with the marks that combine with it.
std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> all;
  if (data::invalid_utf8_at(text)) {
    for (const char byte : text)
      all.push_back(static_cast<unsigned char>(byte) < 0x80 ? std::string(1, byte) : "\uFFFD");
    return all;
  }
  const auto combines = [](char32_t c) {
    return (c >= 0x300 && c <= 0x36F) || (c >= 0x591 && c <= 0x5C7) || (c >= 0x610 && c <= 0x61A) ||
           (c >= 0x64B && c <= 0x65F) || (c >= 0x93A && c <= 0x94F) || c == 0x200D ||
           (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0x1F3FB && c <= 0x1F3FF);
  };
  for (const char32_t c : data::code_points(text)) {
    if (!all.empty() && combines(c))
      all.back() += data::utf8(c);
    else
      all.push_back(data::utf8(c));
  }
  return all;
}

std::vector<Edit> edits_of_texts(const std::vector<std::string>& reference,
                                 const std::vector<std::string>& output) {
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  const auto numbered = [&](const std::vector<std::string>& texts) {
    std::vector<std::uint32_t> result;
    for (const std::string& text : texts)
      result.push_back(
          numbers.emplace(text, static_cast<std::uint32_t>(numbers.size())).first->second);
    return result;
  };
  return edits(numbered(reference), numbered(output));
}

}  // namespace

std::vector<Edit> edits(std::span<const std::uint32_t> reference,
                        std::span<const std::uint32_t> output) {
  const std::size_t shorter = std::min(reference.size(), output.size());
  std::size_t begin = 0, end = 0;  // the lengths of the common beginning and end
  while (begin < shorter && reference[begin] == output[begin]) ++begin;
  while (end < shorter - begin &&
         reference[reference.size() - 1 - end] == output[output.size() - 1 - end])
    ++end;

  std::vector<Edit> result;
  for (std::size_t i = 0; i < begin; ++i) result.push_back({i, i});
  const auto a = reference.subspan(begin, reference.size() - begin - end);
  const auto b = output.subspan(begin, output.size() - begin - end);
  if ((a.size() + 1) * (b.size() + 1) <= most_cells) {
    align(a, b, begin, result);
  } else {
    for (std::size_t i = 0; i < a.size(); ++i) result.push_back({begin + i, std::nullopt});
    for (std::size_t j = 0; j < b.size(); ++j) result.push_back({std::nullopt, begin + j});
  }
  for (std::size_t i = end; i > 0; --i) result.push_back({reference.size() - i, output.size() - i});
  return result;
}

std::vector<Edit> edits(const data::Tokens& reference, const data::Tokens& output) {
  return edits_of_texts(reference, output);
}

namespace {

// A stretch of characters: the same on both sides, or a difference, where one side may be empty.
struct Stretch {
  bool same;
  std::string missing, added;
  std::size_t size = 0;  // in characters, of the longer side
};

std::vector<Stretch> stretches(const std::vector<std::string>& reference,
                               const std::vector<std::string>& output) {
  std::vector<Stretch> all;
  std::size_t missing = 0, added = 0;
  for (const Edit& edit : edits_of_texts(reference, output)) {
    const bool same =
        edit.reference && edit.output && reference[*edit.reference] == output[*edit.output];
    if (all.empty() || all.back().same != same) {
      all.push_back({same, "", ""});
      missing = added = 0;
    }
    Stretch& last = all.back();
    if (edit.reference) last.missing += reference[*edit.reference], ++missing;
    if (edit.output) last.added += output[*edit.output], ++added;
    last.size = std::max(missing, added);
  }
  return all;
}

// Joins two differences with the characters between them if these are at most three and no more
// than either difference has.
std::vector<Stretch> without_crumbs(const std::vector<Stretch>& all) {
  std::vector<Stretch> result;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Stretch& next = all[i];
    const bool joins = result.size() > 1 && !next.same && result.back().same &&
                       result.back().size <= 3 && result.back().size <= next.size &&
                       result.back().size <= result[result.size() - 2].size;
    if (!joins) {
      result.push_back(next);
      continue;
    }
    const Stretch between = result.back();
    result.pop_back();
    Stretch& former = result.back();
    former.missing += between.missing + next.missing;
    former.added += between.added + next.added;
    former.size += between.size + next.size;
  }
  return result;
}

}  // namespace

std::vector<Piece> differences(std::string_view reference, std::string_view output) {
  std::vector<Piece> pieces;
  for (const Stretch& stretch :
       without_crumbs(stretches(characters(reference), characters(output)))) {
    if (stretch.same) {
      pieces.push_back({Piece::Kind::same, stretch.added});
      continue;
    }
    if (!stretch.missing.empty()) pieces.push_back({Piece::Kind::missing, stretch.missing});
    if (!stretch.added.empty()) pieces.push_back({Piece::Kind::added, stretch.added});
  }
  return pieces;
}

}  // namespace adjoint::seq2seq

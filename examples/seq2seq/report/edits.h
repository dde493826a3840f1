// How two sequences differ: for marking characters, and for counting which words were confused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/text/tokenizer.h"

namespace adjoint::seq2seq {

/// An element of the reference and the element of the output that stands for it. One of the two is
/// missing where the output leaves something out or adds something.
struct Edit {
  std::optional<std::size_t> reference, output;
};

/// The fewest edits that turn the reference into the output, kept elements included, in order
/// (Levenshtein; Wagner and Fischer, JACM 1974). Ties prefer a replacement. If the parts between
/// a common beginning and a common end are longer than about 4,000 elements each, they are replaced
/// as a whole.
std::vector<Edit> edits(std::span<const std::uint32_t> reference,
                        std::span<const std::uint32_t> output);
std::vector<Edit> edits(const data::Tokens& reference, const data::Tokens& output);

/// A piece of a text that shows how an output differs from its reference.
struct Piece {
  enum class Kind { same, added, missing };
  Kind kind;
  std::string text;  ///< of the output, or of the reference where it is missing

  bool operator==(const Piece&) const = default;
};

/// The output in pieces, by character. A few characters in common between two longer differences
/// count as different too, or chance would break words into crumbs. A mark that combines with the
/// character before it stays with it. Bytes that are not UTF-8 are compared as bytes and shown as
/// U+FFFD.
std::vector<Piece> differences(std::string_view reference, std::string_view output);

}  // namespace adjoint::seq2seq

#include "nn/batch/sequences.h"

#include <algorithm>

namespace adjoint::nn {
namespace {

std::vector<Index> lengths_of(std::span<const Ids> sequences) {
  std::vector<Index> lengths;
  for (const Ids& sequence : sequences) lengths.push_back(std::ssize(sequence));
  return lengths;
}

}  // namespace

Sequences Sequences::padded(std::span<const Ids> sequences, Index padding) {
  std::vector<Index> lengths = lengths_of(sequences);
  const Index steps = lengths.empty() ? 0 : *std::ranges::max_element(lengths);
  Tensor ids = full({std::ssize(lengths), steps}, padding, DType::i64);
  Index* row = ids.edit<Index>().data();
  for (const Ids& sequence : sequences) {
    std::ranges::copy(sequence, row);
    row += steps;
  }
  return {ids, Layout::padded(std::move(lengths), steps)};
}

Sequences Sequences::packed(std::span<const Ids> sequences) {
  const Layout layout = Layout::packed(lengths_of(sequences));
  Tensor ids({{layout.rows()}, DType::i64});
  Index* row = ids.edit<Index>().data();
  for (const Ids& sequence : sequences) row = std::ranges::copy(sequence, row).out;
  return {ids, layout};
}

}  // namespace adjoint::nn

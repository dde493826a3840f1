#include "nn/batch/copyable.h"

#include <algorithm>

#include "autograd/ops.h"

namespace adjoint::nn {

CopyableSource::CopyableSource(const Sequences& source, Index source_tokens, Index columns)
    : reads{copy(source.ids), source.layout},
      writes(full({source.layout.examples(), source.layout.steps()}, none, DType::i64)) {
  const Layout& layout = source.layout;
  Index* const id = reads.ids.edit<Index>().data();
  Index* written = writes.edit<Index>().data();
  for (Index example = 0; example < layout.examples(); ++example, written += layout.steps())
    for (Index step = 0; step < layout.length(example); ++step) {
      const Index whole = id[layout.begin(example) + step];
      written[step] = whole / source_tokens - 1;
      require(whole >= 0 && written[step] < columns, "copying: source token ", whole, " writes ",
              written[step], ", but the model writes ids below ", columns);
    }
  for (Index row = 0; row < layout.rows(); ++row) id[row] %= source_tokens;
}

Tensor with_unknown(const Tensor& ids, Index target_tokens, Index unknown) {
  const auto is_known = [&](Index id) { return id < target_tokens; };
  if (std::ranges::all_of(ids.values<Index>(), is_known)) return ids;
  Tensor result = copy(ids);
  for (Index& id : result.edit<Index>())
    if (!is_known(id)) id = unknown;
  return result;
}

Sequences with_unknown(const Sequences& target, Index target_tokens, Index unknown) {
  return {with_unknown(target.ids, target_tokens, unknown), target.layout};
}

}  // namespace adjoint::nn

// One training step of a small Transformer, as an example that is no expression.

#include <algorithm>

#include "autograd/ops.h"
#include "autograd/support/printable.h"
#include "examples/adjoint.h"
#include "examples/explore/examples.h"

namespace adjoint::explore {
namespace {

constexpr Index padding = 0, begin = 1, tokens = 7;  // 2 ends a string; 3 to 6 are its symbols

nn::TransformerConfig small() {
  nn::TransformerConfig config{tokens, tokens, 4};  // ids of source and target, and the width
  config.hidden = 6;
  config.heads = 2;
  config.encoder_blocks = config.decoder_blocks = 1;
  config.dropout = 0;
  return config;
}

// The parameter with its changes, as a leaf that is called by its path.
Tensor changed(const std::string& path, const Tensor& parameter,
               const std::vector<Change>& changes) {
  const auto values = parameter.values<float>();
  std::vector<float> numbers(values.begin(), values.end());
  for (const Change& change : changes) {
    if (change.leaf != path) continue;
    require(change.element >= 0 && change.element < std::ssize(numbers), path,
            " has no element number ", change.element);
    numbers[static_cast<std::size_t>(change.element)] = static_cast<float>(change.value);
  }
  return variable(from(numbers, parameter.shape()), path);
}

void require_leaves(const nn::Transformer& model, const std::vector<Change>& changes) {
  const auto all = nn::named_parameters(model);
  for (const Change& change : changes)
    require(std::ranges::any_of(all, [&](const auto& each) { return each.name == change.leaf; }),
            "there is no weight ", printable_line(change.leaf));
}

}  // namespace

Tensor transformer_loss(const std::vector<Change>& changes) {
  nn::Transformer model(small(), Key(1));
  require_leaves(model, changes);
  nn::replace_parameters(model, [&](const std::string& path, const Tensor& parameter) {
    return changed(path, parameter, changes);
  });
  const auto source = nn::Sequences::padded(std::vector<nn::Ids>{{5, 3, 4}, {6, 4}}, padding);
  const auto labels = nn::Sequences::padded(std::vector<nn::Ids>{{4, 3, 5, 2}, {4, 6, 2}}, padding);
  const nn::Sequences read = {
      concat({full({2, 1}, begin, DType::i64), slice(labels.ids, 1, 0, -1)}, 1),  // [batch, steps]
      labels.layout};
  const Tensor logits = model.logits(source, read, nn::Context::inference());
  const nn::LossSum loss = nn::masked_cross_entropy(logits, labels.ids, padding);
  return loss.sum / static_cast<double>(loss.count);  // logits [batch, steps, tokens]
}

}  // namespace adjoint::explore

#include "tests/nn/checks/classic_bugs.h"

#include <cmath>
#include <memory>

#include "nn/layers/attention.h"
#include "nn/layers/positional_encoding.h"
#include "tests/nn/layers/heads_as_examples.h"

namespace adjoint::testing {

std::vector<Bug> all_bugs() {
  std::vector<Bug> bugs;
  for (int i = 0; i <= static_cast<int>(Bug::cache_one_row_late); ++i)
    bugs.push_back(static_cast<Bug>(i));
  return bugs;
}

const char* name_of(Bug bug) {
  static constexpr const char* names[] = {"(none: the correct form)",
                                          "tile for repeat (lengths per head)",
                                          "heads split without a transpose",
                                          "mask inverted",
                                          "no causal mask in evaluation",
                                          "position 0 at each decoding step",
                                          "positions added along the batch",
                                          "label not shifted",
                                          "loss averaged over padding",
                                          "softmax over the queries",
                                          "√d missing",
                                          "√d squared",
                                          "padding attended to as a word",
                                          "dropout on in evaluation",
                                          "memory masked by target's lengths",
                                          "norm over the steps",
                                          "norm over the batch",
                                          "cache read one row late"};
  return names[static_cast<int>(bug)];
}

BookModel::BookModel(Bug bug, Key key) : bug_(bug) {
  const auto weight = [&](const std::string& name, Index rows) {
    return variable(
        normal({rows, width}, 0, 1 / std::sqrt(double{width}), key.child(name), DType::f64), name);
  };
  const auto layer = [&](const std::string& name) {
    return Heads{weight(name + ".query", width), weight(name + ".key", width),
                 weight(name + ".value", width), weight(name + ".output", width)};
  };
  source_table = weight("source_table", tokens);
  target_table = weight("target_table", tokens);
  encoder = layer("encoder");
  decoder = layer("decoder");
  cross = layer("cross");
  output = weight("output", tokens);
}

// ---- Attention ---------------------------------------------------------------------------------

Tensor BookModel::split(const Tensor& x) const {
  const Index batch = x.size(0), steps = x.size(1);
  if (bug_ == Bug::heads_not_transposed) return reshape(x, {batch * heads, steps, head_width});
  const Tensor apart = reshape(x, {batch, steps, heads, head_width});
  return reshape(permute(apart, {0, 2, 1, 3}), {batch * heads, steps, head_width});
}

Tensor BookModel::join(const Tensor& x) const {
  const Index batch = x.size(0) / heads, steps = x.size(1);
  if (bug_ == Bug::heads_not_transposed) return reshape(x, {batch, steps, width});
  const Tensor apart = reshape(x, {batch, heads, steps, head_width});
  return reshape(permute(apart, {0, 2, 1, 3}), {batch, steps, width});
}

Tensor BookModel::mask(const Tensor& lengths, Index queries, Index keys, bool causal) const {
  const Tensor per_head = bug_ == Bug::tiled_lengths
                              ? concat(Tensors(heads, lengths), 0)  // 1 2 1 2
                              : repeat_for_heads(lengths, heads);   // 1 1 2 2
  const Tensor key = reshape(arange(keys, DType::i64), {1, 1, keys});
  Tensor allowed =
      broadcast_to(less(key, reshape(per_head, {-1, 1, 1})), {per_head.size(0), queries, keys});
  const Tensor no = zeros(allowed.shape(), DType::b8), yes = ones(allowed.shape(), DType::b8);
  const Tensor query = reshape(arange(queries, DType::i64), {1, queries, 1});
  if (causal && bug_ != Bug::not_causal_in_evaluation)
    allowed = where(greater(key, query), no, allowed);
  return bug_ == Bug::mask_inverted ? where(allowed, no, yes) : allowed;
}

Tensor BookModel::weights(const Tensor& query, const Tensor& key, const Tensor& allowed) const {
  const double d = bug_ == Bug::scale_missing ? 1 : head_width;
  const Tensor scores =
      matmul(query, key, Transposed::b) / (bug_ == Bug::scale_squared ? d : std::sqrt(d));
  if (bug_ == Bug::softmax_over_queries)
    return transpose(masked_softmax(transpose(scores), transpose(allowed)));
  return masked_softmax(scores, allowed);
}

Tensor BookModel::attend(const Tensor& query, const Tensor& key, const Tensor& value,
                         const Tensor& lengths, bool causal) const {
  const Tensor allowed = mask(lengths, query.size(1), key.size(1), causal);
  return join(matmul(weights(split(query), split(key), allowed), split(value)));
}

Tensor BookModel::multi_head(const Heads& layer, const Tensor& query, const Tensor& memory,
                             const Tensor& lengths, bool causal) const {
  return linear(attend(linear(query, layer.query), linear(memory, layer.key),
                       linear(memory, layer.value), lengths, causal),
                layer.output);
}

// ---- Blocks ------------------------------------------------------------------------------------

Tensor BookModel::normalized(const Tensor& x) const {
  const Index axis = bug_ == Bug::norm_over_steps ? 1 : bug_ == Bug::norm_over_batch ? 0 : 2;
  const Tensor centred = x - mean(x, {axis}, Keep::yes);
  return centred / sqrt(variance(x, {axis}, Keep::yes) + 1e-5);
}

Tensor BookModel::dropped(const Tensor& x) const {
  if (bug_ != Bug::dropout_in_evaluation) return x;
  return dropout(x, 0.1, Key(7).child((*calls_)++));
}

Tensor BookModel::encoder_block(const Tensor& x, const Tensor& lengths) const {
  return normalized(x + dropped(multi_head(encoder, x, x, lengths, false)));
}

Tensor BookModel::decoder_block(const Tensor& x, const Tensor& past, bool causal,
                                const Tensor& memory, const Tensor& memory_lengths) const {
  const Tensor all = full({past.size(0)}, static_cast<double>(past.size(1)), DType::i64);
  const Tensor a = normalized(x + dropped(multi_head(decoder, x, past, all, causal)));
  return normalized(a + dropped(multi_head(cross, a, memory, memory_lengths, false)));
}

// ---- The model ---------------------------------------------------------------------------------

Tensor BookModel::with_positions(const Tensor& x, Index first) const {
  const Index axis = bug_ == Bug::positions_along_the_batch ? 0 : 1;
  const Tensor table = nn::sinusoids(first + x.size(axis), width);
  const Tensor positions = slice(table, 0, first, first + x.size(axis));  // [steps, width]
  return x + (axis == 0 ? reshape(positions, {-1, 1, width}) : positions);
}

Tensor BookModel::memory_lengths(const Tensor& source, const Tensor& target) const {
  return bug_ == Bug::cross_masked_by_target ? target : source;
}

Tensor BookModel::encode(const Source& source) const {
  const Index batch = source.vectors.size(0), steps = source.vectors.size(1);
  const bool all = bug_ == Bug::padding_as_a_word;
  return encoder_block(
      with_positions(source.vectors, 0),
      all ? full({batch}, static_cast<double>(steps), DType::i64) : source.lengths);
}

Tensor BookModel::decode(const Tensor& inputs, const Tensor& target_lengths,
                         const Source& source) const {
  const Tensor x = with_positions(inputs, 0);
  return linear(
      decoder_block(x, x, true, encode(source), memory_lengths(source.lengths, target_lengths)),
      output);
}

Tensor BookModel::inputs_for(const Tensor& labels) const {
  if (bug_ == Bug::label_not_shifted) return labels;
  const Tensor first = full({labels.size(0), 1}, begin, DType::i64);
  return concat({first, slice(labels, 1, 0, labels.size(1) - 1)}, 1);
}

Tensor BookModel::logits(const Tensor& labels, const Tensor& target_lengths,
                         const Source& source) const {
  return decode(embedding(inputs_for(labels), target_table), target_lengths, source);
}

Tensor BookModel::loss(const Tensor& logits, const Tensor& labels,
                       const Tensor& target_lengths) const {
  const Index batch = labels.size(0), steps = labels.size(1);
  const Tensor real = less(arange(steps, DType::i64), reshape(target_lengths, {batch, 1}));
  const Tensor counts =
      bug_ == Bug::loss_over_padding ? ones(labels.shape(), DType::f64) : cast(real, DType::f64);
  return sum(cross_entropy(logits, labels) * counts) / sum(counts);
}

nn::Step BookModel::start(const Source& source, const Tensor& target_lengths) const {
  struct Cache {
    Tensor memory;
    Tensors rows;  // [batch, 1, width], one for each step
  };
  const auto cache = std::make_shared<Cache>(Cache{encode(source), {}});
  return [this, cache, source, target_lengths](const Tensor& ids) {
    const auto t = static_cast<Index>(cache->rows.size());
    const Tensor embedded = embedding(reshape(ids, {-1, 1}), target_table);  // [batch, 1, width]
    const Tensor x = with_positions(embedded, bug_ == Bug::position_0_at_each_step ? 0 : t);
    cache->rows.push_back(x);
    const bool late = bug_ == Bug::cache_one_row_late && t > 0;
    const Tensor past = concat(Tensors(cache->rows.begin(), cache->rows.end() - (late ? 1 : 0)), 1);
    const Tensor y = decoder_block(x, past, false, cache->memory,
                                   memory_lengths(source.lengths, target_lengths));
    return reshape(linear(y, output), {-1, tokens});
  };
}

}  // namespace adjoint::testing

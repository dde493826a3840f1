// Scaled dot-product attention with heads, masks and dropout, for padded and for packed batches.

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/apply.h"
#include "autograd/kernels/attention_step.h"
#include "autograd/ops/attention_stages.h"
#include "autograd/ops/formula.h"
#include "autograd/support/threads.h"

namespace adjoint {

namespace {

using PatternPtr = std::shared_ptr<const AttentionPattern>;
using Example = AttentionPattern::Example;

Index row_count(const Tensor& x) { return x.shape().numel(0, x.rank() - 1); }

// One example as the kernels take it. Fills `visible`, which the result points to.
kernels::AttentionExample for_kernel(const AttentionPattern& pattern, const Example& e,
                                     std::vector<Index>& visible) {
  visible.resize(static_cast<std::size_t>(e.queries));
  for (Index i = 0; i < e.queries; ++i)
    visible[static_cast<std::size_t>(i)] = pattern.visible_keys(e, i);
  const bool* allowed = nullptr;
  Index stride = 0;
  if (pattern.allowed.defined()) {
    stride = pattern.allowed.size(1);
    allowed = pattern.allowed.values<bool>().data() + e.query_begin * stride;
  }
  return {e.query_begin, e.queries, e.key_begin, e.keys,          visible.data(),
          allowed,       stride,    e.number,    e.first_position};
}

// Calls f for each example, in fixed pieces over the threads.
template <class F>
void each_example(const AttentionPattern& pattern, Index grain, F f) {
  parallel_for(static_cast<Index>(pattern.examples.size()), grain, [&](Index begin, Index end) {
    std::vector<Index> visible;
    for (Index i = begin; i < end; ++i)
      f(for_kernel(pattern, pattern.examples[static_cast<std::size_t>(i)], visible));
  });
}

// How many examples make a piece of work that is worth a thread.
Index forward_grain(const AttentionPattern& pattern, Index width) {
  double work = 1;
  for (const Example& e : pattern.examples)
    work = std::max(work, static_cast<double>(e.queries) * static_cast<double>(e.keys * width));
  return std::max<Index>(1, static_cast<Index>(200'000 / work));
}

// Whether no two examples share keys. The hypotheses of a beam do; their gradients go to the same
// rows and must be added one after the other.
bool keys_disjoint(const AttentionPattern& pattern) {
  Index end = 0;
  for (const Example& e : pattern.examples) {
    if (e.key_begin < end) return false;
    end = e.key_begin + e.keys;
  }
  return true;
}

// Zeros the rows that belong to no example, which no kernel writes.
template <Real T>
void clear_other_rows(Tensor& x, const std::vector<Example>& examples, Index Example::*begin,
                      Index Example::*count) {
  const Index width = x.size(-1);
  const std::span<T> elements = x.edit<T>();
  const auto clear = [&](Index from, Index to) {
    if (from < to) std::fill(elements.begin() + from * width, elements.begin() + to * width, T{0});
  };
  Index end = 0;
  for (const Example& e : examples) {
    clear(end, e.*begin);
    end = e.*begin + e.*count;
  }
  clear(end, row_count(x));
}

template <Real T>
kernels::AttentionSizes<T> sizes_of(const Tensor& query, const Tensor& value,
                                    const AttentionOptions& o) {
  return {o.heads, query.size(-1) / o.heads, value.size(-1) / o.heads, o.linear_biases};
}

// ---- The formula --------------------------------------------------------------------------------

// softmax(QKᵀ/√d − slope · |distance|), and what leads to it.
AttentionStages stages_to_weights(const Tensor& query, const Tensor& key,
                                  const PaddedPattern& padded, const AttentionOptions& o) {
  AttentionStages s;
  s.q = padded.split_queries(query, o.heads);  // [examples, heads, queries, d]
  s.k = padded.split_keys(key, o.heads);       // [examples, heads, keys, d]
  const double scale = 1 / std::sqrt(static_cast<double>(std::max<Index>(1, s.q.size(3))));
  s.scores = masked_scores(s.q, s.k, padded.allowed);  // [examples, heads, queries, keys]
  s.scaled = s.scores * scale;
  if (o.linear_biases) s.biased = s.scaled + padded.linear_biases(o.heads, query.dtype());
  s.weights = masked_softmax(o.linear_biases ? s.biased : s.scaled, padded.allowed);
  return s;
}

// The factors that the kernel draws. Rows are numbered by example and position, and each head has
// its own plane.
Tensor dropout_factors(const PaddedPattern& padded, const AttentionOptions& options, DType dtype) {
  Tensor mask = ones({padded.examples, options.heads, padded.queries, padded.keys}, dtype);
  dispatch(dtype, [&]<class T>() {
    if constexpr (Real<T>) {
      const kernels::DropoutMask<T> dropout(options.dropout, options.key.value());
      const Index* numbers = padded.row_numbers.values<Index>().data();
      T* row = mask.edit<T>().data();
      for (Index n = 0; n < padded.examples; ++n, numbers += padded.queries)
        for (Index head = 0; head < options.heads; ++head)
          for (Index i = 0; i < padded.queries; ++i, row += padded.keys)
            dropout.apply(row, row, padded.keys, static_cast<std::uint64_t>(numbers[i]),
                          static_cast<std::uint32_t>(head) + 1);
    }
  });
  return mask;
}

Tensor attention_formula(const Tensor& query, const Tensor& key, const Tensor& value,
                         const AttentionPattern& pattern, const AttentionOptions& options) {
  return attention_stages(query, key, value, pattern, options).result;
}

// ---- The fused operations -----------------------------------------------------------------------

Attributes attributes_of(const AttentionPattern& pattern, const AttentionOptions& options) {
  Attributes result = {{"heads", options.heads},
                       {"causal", pattern.causal},
                       {"linear_biases", options.linear_biases}};
  if (options.dropout > 0) result.push_back({"dropout", options.dropout});
  return result;
}

// kernels/attention.h derives the values.
struct AttentionVjp {
  static constexpr auto name = "attention_vjp";
  static constexpr const char* rule[] = {
      "z₀, z₁, z₂ = the gradients of attention(Q, K, V) for the cotangent g",
      "Q̄ = ∂⟨z̄, z⟩/∂Q",
      "K̄ = ∂⟨z̄, z⟩/∂K",
      "V̄ = ∂⟨z̄, z⟩/∂V",
      "ḡ = J z̄, the change of attention when Q, K, V move along z̄",
  };
  static constexpr Operands reads = {input(0), input(1), input(2), input(3)};
  PatternPtr pattern;
  AttentionOptions options;
  Attributes attributes() const { return attributes_of(*pattern, options); }

  std::array<Form, 3> form(Inputs in) const { return {in[0].form(), in[1].form(), in[2].form()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    if (in[3].numel() == 0) {  // otherwise it would loop over examples that may be very long
      for (Tensor& gradient : out) std::ranges::fill(gradient.edit<T>(), T{0});
      return;
    }
    const auto sizes = sizes_of<T>(in[0], in[2], options);
    const kernels::DropoutMask<T> mask(options.dropout, options.key.value());
    const bool disjoint = keys_disjoint(*pattern);
    clear_other_rows<T>(out[0], pattern->examples, &Example::query_begin, &Example::queries);
    for (const std::size_t i : {1u, 2u})
      if (disjoint)
        clear_other_rows<T>(out[i], pattern->examples, &Example::key_begin, &Example::keys);
      else
        std::ranges::fill(out[i].edit<T>(), T{0});
    T *const dq = out[0].edit<T>().data(), *const dk = out[1].edit<T>().data(),
             *const dv = out[2].edit<T>().data();
    const Index all = static_cast<Index>(pattern->examples.size());
    const Index grain =
        disjoint ? forward_grain(*pattern, 2 * in[0].size(-1)) : std::max<Index>(1, all);
    each_example(*pattern, grain, [&](const kernels::AttentionExample& e) {
      kernels::attention_vjp<T>(e, sizes, options.dropout > 0 ? &mask : nullptr,
                                in[0].values<T>().data(), in[1].values<T>().data(),
                                in[2].values<T>().data(), in[3].values<T>().data(), dq, dk, dv,
                                !disjoint);
    });
  }
  Tensors vjp(const Pullback& back) const {
    const Formula formula = [this](const Tensors& in) {
      return attention_formula(in[0], in[1], in[2], *pattern, options);
    };
    return vjp_of_backward(formula, back);
  }
};

// P m multiplies element by element. With linear_biases, P = softmax(Q Kᵀ/√d − slope · distance).
struct Attention {
  static constexpr auto name = "attention";
  static constexpr const char* rule[] = {
      "y = (P m) V in each head, P = softmax(Q Kᵀ/√d) over visible keys, m from dropout",
      "Q̄ = S̄ K/√d, S̄ = P (P̄ − Σ P̄ P) for each query, P̄ = (ȳ Vᵀ) m",
      "K̄ = S̄ᵀ Q/√d, S̄ as for Q̄",
      "V̄ = (P m)ᵀ ȳ",
  };
  static constexpr Operands reads = {input(0), input(1), input(2)};
  PatternPtr pattern;
  AttentionOptions options;
  Attributes attributes() const { return attributes_of(*pattern, options); }

  Form form(Inputs in) const {
    require_widths(in);
    require(pattern != nullptr, "attention: the pattern is missing");
    require_examples(in);
    require_restrictions(in);
    require(options.dropout >= 0 && options.dropout < 1,
            "attention: dropout must lie in [0, 1), is ", options.dropout);
    return {in[0].shape().with(-1, in[2].size(-1)), in[0].dtype()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    if (out[0].numel() == 0) return;  // the examples may be very long, without features
    const auto sizes = sizes_of<T>(in[0], in[2], options);
    const kernels::DropoutMask<T> mask(options.dropout, options.key.value());
    clear_other_rows<T>(out[0], pattern->examples, &Example::query_begin, &Example::queries);
    const T *const q = in[0].values<T>().data(), *const k = in[1].values<T>().data(),
                   *const v = in[2].values<T>().data();
    T* const y = out[0].edit<T>().data();
    each_example(
        *pattern, forward_grain(*pattern, in[0].size(-1)), [&](const kernels::AttentionExample& e) {
          if (e.queries == 1 && options.dropout == 0)
            kernels::attention_step<T>(e, sizes, q, k, v, y);
          else
            kernels::attention<T>(e, sizes, options.dropout > 0 ? &mask : nullptr, q, k, v, y);
        });
  }
  Tensors vjp(const Pullback& back) const {
    const auto [q, k, v] = apply_all(AttentionVjp{pattern, options}, back.input(0), back.input(1),
                                     back.input(2), back.cotangent());
    return {q, k, v};
  }

 private:
  void require_widths(Inputs in) const {
    const Tensor &query = in[0], &key = in[1], &value = in[2];
    const auto demand = [&](bool condition, const char* text) {
      require(condition, "attention: ", text, "; query is ", query.shape(), ", key ", key.shape(),
              ", value ", value.shape(), ", heads ", options.heads);
    };
    demand(query.rank() >= 1 && key.rank() >= 1 && value.rank() >= 1 && options.heads >= 1,
           "needs tensors of […, width] and at least one head");
    demand(query.size(-1) == key.size(-1), "query and key differ in width");
    demand(query.size(-1) % options.heads == 0 && value.size(-1) % options.heads == 0,
           "the heads do not divide the width");
    demand(row_count(key) == row_count(value), "key and value differ in rows");
  }
  // Whether [begin, begin + count) lies in [0, rows). No arguments make it overflow.
  static bool within(Index begin, Index count, Index rows) {
    return begin >= 0 && begin <= rows && count >= 0 && count <= rows - begin;
  }
  void require_examples(Inputs in) const {
    const Index query_rows = row_count(in[0]), key_rows = row_count(in[1]);
    Index end = 0;
    for (const Example& e : pattern->examples) {
      require(e.query_begin >= end,
              "attention: the examples' query rows overlap or are out of order at row ",
              e.query_begin);
      require(within(e.query_begin, e.queries, query_rows) && within(e.key_begin, e.keys, key_rows),
              "attention: the pattern's example of ", e.queries, " query rows from ", e.query_begin,
              " and ", e.keys, " key rows from ", e.key_begin, " does not fit a query ",
              in[0].shape(), " and a key ", in[1].shape());
      require(within(e.first_position, e.queries, Index{1} << 32),
              "attention: positions must lie in [0, 2³²), an example of ", e.queries,
              " queries begins at ", e.first_position);
      end = e.query_begin + e.queries;
    }
  }
  void require_restrictions(Inputs in) const {
    const Index query_rows = row_count(in[0]);
    const Tensor &lengths = pattern->lengths, &allowed = pattern->allowed;
    if (lengths.defined())
      require(lengths.dtype() == DType::i64 && lengths.numel() == query_rows,
              "attention: lengths must be i64, one for each of the ", query_rows,
              " query rows, are ", lengths.dtype(), ' ', lengths.shape());
    if (!allowed.defined()) return;
    Index most = 0;
    for (const Example& e : pattern->examples) most = std::max(most, e.keys);
    require(allowed.dtype() == DType::b8 && allowed.rank() == 2 && allowed.size(0) == query_rows &&
                allowed.size(1) >= most,
            "attention: `allowed` must be b8 [", query_rows, ", ", most, "], is ", allowed.dtype(),
            ' ', allowed.shape());
  }
};

}  // namespace

AttentionStages attention_stages(const Tensor& query, const Tensor& key, const Tensor& value,
                                 const AttentionPattern& pattern, const AttentionOptions& options) {
  const PaddedPattern padded(pattern);
  AttentionStages s = stages_to_weights(query, key, padded, options);
  Tensor kept = padded.allowed;
  if (options.dropout > 0) {  // a dropped weight is a hidden pair
    const Tensor factors = dropout_factors(padded, options, query.dtype());
    kept = where(greater(factors, scalar(0, factors.dtype())), kept, scalar(0, DType::b8));
    s.dropped = s.weights * factors;
  }
  s.v = padded.split_keys(value, options.heads);  // [examples, heads, keys, d]
  s.mix = masked_sum(options.dropout > 0 ? s.dropped : s.weights, s.v, kept);
  s.result = padded.join(s.mix, query.shape());
  return s;
}

std::optional<AttentionCall> attention_call(const Node& node) {
  using Entry = detail::Recorded<Attention, std::array<SavedInput, 3>>;
  const auto* const entry = dynamic_cast<const Entry*>(&node);
  if (!entry) return std::nullopt;
  return AttentionCall{entry->operation().pattern, entry->operation().options};
}

Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value,
                 std::shared_ptr<const AttentionPattern> pattern, const AttentionOptions& options) {
  const Attention operation{std::move(pattern), options};
  if (!composed()) return apply(operation, query, key, value);
  require_form(operation, query, key, value);
  return attention_formula(query, key, value, *operation.pattern, options);
}

Tensor attention_weights(const Tensor& query, const Tensor& key,
                         std::shared_ptr<const AttentionPattern> pattern,
                         const AttentionOptions& options) {
  require_form(Attention{pattern, options}, query, key, key);
  return stages_to_weights(query, key, PaddedPattern(*pattern), options).weights;
}

}  // namespace adjoint

// Every public operation, documented once. Each takes tensors of one real type (f32 or f64) unless
// said otherwise, records itself, and throws an Error that names it and the shapes when they do not
// fit. "…" stands for any number of leading axes. Rules and derivatives are in autograd/ops/*.cpp.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "autograd/random.h"
#include "autograd/tensor.h"

namespace adjoint {

using Axes = std::vector<Index>;
enum class Keep { no, yes };  ///< whether a reduced axis stays, with size 1

// ---- Arithmetic: elementwise, with numpy's broadcasting (ops/arithmetic.cpp) --------------------

Tensor add(const Tensor& a, const Tensor& b);  ///< a + b
Tensor sub(const Tensor& a, const Tensor& b);  ///< a − b
Tensor mul(const Tensor& a, const Tensor& b);  ///< a · b
Tensor div(const Tensor& a, const Tensor& b);  ///< a / b
Tensor pow(const Tensor& a,
           const Tensor& b);  ///< a to the b; where b has a gradient, a must be > 0
/// The larger of both. At a tie each gets half of the gradient.
Tensor maximum(const Tensor& a, const Tensor& b);
/// The smaller of both. At a tie each gets half of the gradient.
Tensor minimum(const Tensor& a, const Tensor& b);
/// Where the b8 condition holds a, elsewhere b. Of any type. All three broadcast.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// scale · x + shift, with constants.
Tensor affine(const Tensor& x, double scale, double shift);
/// x to a constant power.
Tensor pow(const Tensor& x, double exponent);

Tensor equal(const Tensor& a, const Tensor& b);    ///< a = b as b8, no gradient
Tensor greater(const Tensor& a, const Tensor& b);  ///< a > b as b8, no gradient
Tensor less(const Tensor& a, const Tensor& b);     ///< a < b as b8, no gradient

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator+(const Tensor& x, double c) { return affine(x, 1, c); }
inline Tensor operator+(double c, const Tensor& x) { return affine(x, 1, c); }
inline Tensor operator-(const Tensor& x, double c) { return affine(x, 1, -c); }
inline Tensor operator-(double c, const Tensor& x) { return affine(x, -1, c); }
inline Tensor operator*(const Tensor& x, double c) { return affine(x, c, 0); }
inline Tensor operator*(double c, const Tensor& x) { return affine(x, c, 0); }
inline Tensor operator/(const Tensor& x, double c) { return affine(x, 1 / c, 0); }
inline Tensor operator/(double c, const Tensor& x) { return affine(pow(x, -1), c, 0); }

// ---- Functions of one tensor: elementwise (ops/unary.cpp) ---------------------------------------

Tensor neg(const Tensor& x);
inline Tensor operator-(const Tensor& x) { return neg(x); }
Tensor abs(const Tensor& x);   ///< |x|; derivative 0 at 0
Tensor sign(const Tensor& x);  ///< −1, 0 or 1; derivative 0
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);  ///< natural; −∞ at 0, NaN below
Tensor sqrt(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);  ///< 1 / (1 + e⁻ˣ)
Tensor erf(const Tensor& x);      ///< 2/√π ∫₀ˣ e^(−t²) dt
Tensor relu(const Tensor& x);     ///< max(x, 0); derivative 0 at 0
enum class Gelu { exact, tanh };
/// x Φ(x), Φ being the normal distribution function; or its approximation by tanh. (Hendrycks and
/// Gimpel, "Gaussian error linear units", 2016, section 2.)
Tensor gelu(const Tensor& x, Gelu form = Gelu::exact);
/// The same values in another type; differentiable between f32 and f64.
Tensor cast(const Tensor& x, DType dtype);

// ---- Reductions over chosen axes; none named means all (ops/reduction.cpp) ----------------------

Tensor sum(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);   ///< 0 over nothing
Tensor mean(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);  ///< error over nothing
/// Mean squared distance from the mean: divided by n (biased), as layer normalisation does.
Tensor variance(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);
/// The largest; tied elements share the gradient equally. Error over nothing.
Tensor max(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);
/// log Σ exp(x), without overflow; −∞ over nothing or where every x is −∞.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);
/// The index of the largest element along one axis, as i64; the first of several. No gradient.
Tensor argmax(const Tensor& x, Index axis = -1);
/// Sums over the axes along which `shape` was broadcast to x's shape: undoes broadcasting.
Tensor sum_to(Tensor x, const Shape& shape);

// ---- Shapes: of any type (ops/movement.cpp) -----------------------------------------------------

/// The same elements in another shape, sharing storage. One size may be −1: what is left.
Tensor reshape(const Tensor& x, std::initializer_list<Index> sizes);
Tensor reshape(const Tensor& x, const Shape& shape);
/// Axis i of the result is axis order[i] of x. Copies.
Tensor permute(const Tensor& x, const Axes& order);
/// Exchanges two axes, by default the last two. Copies.
Tensor transpose(const Tensor& x, Index first = -2, Index second = -1);
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// The elements [begin, end) along one axis; negative ones count from the end.
Tensor slice(const Tensor& x, Index axis, Index begin, Index end);
/// One after the other along an axis; all other sizes are equal.
Tensor concat(const Tensors& xs, Index axis);
/// Undoes concat: the parts of these sizes along an axis, which they fill.
Tensors split(const Tensor& x, Index axis, const std::vector<Index>& sizes);
/// Side by side along a new axis; all shapes are equal.
Tensor stack(const Tensors& xs, Index axis = 0);

// ---- Indices: i64 (ops/indexing.cpp) ------------------------------------------------------------

/// The slices of x along an axis that the indices name: the axis is replaced by the axes of
/// `indices`. Of any type. An index of `none` yields zeros; another one out of range is an error.
Tensor gather(const Tensor& x, const Tensor& indices, Index axis = 0);
constexpr Index none = -1;
/// Undoes gather in the sense of an adjoint: adds each slice of x to the place of its index, in a
/// tensor whose axis has `size`. Slices of index `none` are dropped.
Tensor scatter_add(const Tensor& x, const Tensor& indices, Index axis, Index size);
/// 1 at the index, 0 elsewhere, along a new last axis of size `classes`. No gradient.
Tensor one_hot(const Tensor& indices, Index classes, DType dtype = DType::f32);
/// Rows of a table [tokens, width] for ids […]: […, width].
Tensor embedding(const Tensor& ids, const Tensor& table);

// ---- Matrix products (ops/matmul.cpp) -----------------------------------------------------------

enum class Transposed { no, a, b, both };
/// Products over the last two axes; leading axes broadcast. A vector counts as a row on the left,
/// as a column on the right, and that axis is gone from the result. Flags transpose without
/// copying.
Tensor matmul(const Tensor& a, const Tensor& b, Transposed transposed = Transposed::no);
/// x Wᵀ + b for x […, inputs], W [outputs, inputs], b [outputs]; without b when it is not defined.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

// ---- Probabilities over the last axis (ops/softmax.cpp, ops/cross_entropy.cpp) ------------------

Tensor softmax(const Tensor& x);
Tensor log_softmax(const Tensor& x);
/// Softmax over those elements where the b8 mask, which broadcasts to x, is true (may be attended
/// to); zero elsewhere. A row that is wholly masked is all zeros and sends back no gradient.
Tensor masked_softmax(const Tensor& x, const Tensor& mask);

struct CrossEntropyOptions {
  Index ignore = -100;   ///< rows with this target cost nothing
  double smoothing = 0;  ///< ε: the target distribution is (1−ε)·one-hot + ε/classes
};
/// −Σ_c q(c) log softmax(x)(c) for each row: logits […, classes], targets i64 […]; result […].
/// With label smoothing as in Szegedy et al. 2015, section 7. Sum and count are the caller's.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options = {});

// ---- Layers' kernels ----------------------------------------------------------------------------

/// (x − mean) / √(variance + epsilon) over the last axis, times gain plus bias, both [width]. (Ba,
/// Kiros and Hinton, "Layer normalization", 2016.) (ops/layer_norm.cpp)
Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double epsilon = 1e-5);

/// x / √(mean(x²) + epsilon) over the last axis, times gain [width]. (Zhang and Sennrich, "Root
/// mean square layer normalization", 2019.) (ops/rms_norm.cpp)
Tensor rms_norm(const Tensor& x, const Tensor& gain, double epsilon = 1e-5);

/// Zeroes each element with probability p, rounded to a multiple of 2⁻¹⁶, and divides the others by
/// 1 − p. The choice for an
/// element of x […, width] depends on the key, on its row's number, and on its column. Row numbers
/// are the positions in x, or `rows` [number of rows] where a row is to keep its number in another
/// arrangement of the batch. (Srivastava et al. 2014.) (ops/dropout.cpp)
Tensor dropout(const Tensor& x, double p, Key key, const Tensor& rows = {});
/// The row number of a position in an example of a batch, in every layout of that batch.
constexpr Index row_number(Index example, Index position) { return example << 32 | position; }

struct AddNormOptions {
  double dropout = 0;  ///< of f; its key and rows as above
  Key key{};
  Tensor rows = {};
  double epsilon = 1e-5;
};
/// The end of a residual connection around a sublayer that gives f, in one pass each way:
/// layer_norm(x + dropout(f), gain, bias) for x and f of one shape […, width]. (Vaswani et al.
/// 2017, section 5.4.) (ops/layer_norm.cpp)
Tensor add_norm(const Tensor& x, const Tensor& f, const Tensor& gain, const Tensor& bias,
                const AddNormOptions& options = {});

struct Conv1dOptions {
  Index stride = 1;
  Index padding = 0;  ///< zeros put before and after
};
/// Cross-correlation along the second last axis: x [batch, length, inputs], weight [outputs, taps,
/// inputs], bias [outputs] or none; result [batch, new length, outputs]. (ops/convolution.cpp)
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv1dOptions& options = {});
/// One filter for each feature: x [batch, length, width], weight [taps, width].
Tensor depthwise_conv1d(const Tensor& x, const Tensor& weight, const Conv1dOptions& options = {});

// ---- Attention (ops/attention.cpp) --------------------------------------------------------------

/// Which rows of the queries belong to which rows of the keys, and who may attend to whom. Rows are
/// those of tensors whose leading axes have been flattened, so one description serves a padded
/// batch, a packed one, and a cache. True = may attend.
struct AttentionPattern {
  struct Example {
    Index query_begin, queries;  ///< rows of the queries and of the result; ascending, no overlap
    Index key_begin, keys;     ///< rows of keys and values; those past a valid length are left out
    Index first_position = 0;  ///< of its first query, for `causal` and for dropout
    Index number = 0;          ///< in the whole batch, for dropout
  };
  std::vector<Example> examples;
  bool causal = false;  ///< a query at position p sees keys 0 … p
  Tensor lengths;       ///< if defined: i64 [query rows]; a query sees keys 0 … length − 1
  Tensor allowed;       ///< if defined: b8 [query rows, most keys]

  /// Every query row of [batch, queries, …] sees every key row of [batch, keys, …].
  static AttentionPattern whole(Index batch, Index queries, Index keys);
  /// How many keys a query, counted within its example, may look at before `allowed` is asked.
  Index visible_keys(const Example& example, Index query) const;
  /// The whole pattern, for examples padded to these sizes: b8 [examples, queries, keys].
  Tensor dense(Index queries, Index keys) const;
};
struct AttentionOptions {
  Index heads = 1;
  double dropout = 0;  ///< of the attention weights
  Key key{};           ///< for dropout
  /// Scores fall with the distance of query and key, in head h of n by 2^(−8 (h + 1) / n) for each
  /// position, keys being counted from the first of the example. (ALiBi: Press et al. 2022, section
  /// 3, with the distance to either side.)
  bool linear_biases = false;
};
/// Scaled dot-product attention, softmax(QKᵀ/√d)·V for each head and example (Vaswani et al. 2017,
/// section 3.2): query […, heads·d], key and value […, heads·d]; heads lie side by side in the last
/// axis. A query that may attend to nothing gets zeros and sends back no gradient; so does a query
/// row that belongs to no example.
Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value,
                 std::shared_ptr<const AttentionPattern> pattern,
                 const AttentionOptions& options = {});
/// The weights of the same attention, before dropout: [examples, heads, most queries, most keys],
/// zero where there is no query or no visible key.
Tensor attention_weights(const Tensor& query, const Tensor& key,
                         std::shared_ptr<const AttentionPattern> pattern,
                         const AttentionOptions& options = {});

/// Rotary position embedding of […, heads·d] for even d: in each head, features 2j and 2j + 1 of a
/// row are turned like a point in the plane by the angle position · base^(−2j/d). The product of a
/// turned query and a turned key then depends on the distance of their positions alone. `positions`
/// is i64, one for each row. (Su et al. 2021, RoFormer, equations 15 and 34.) (ops/rotary.cpp)
Tensor rotary(const Tensor& x, const Tensor& positions, Index heads, double base = 10000);

}  // namespace adjoint

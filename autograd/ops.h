// Every public operation. Unless stated otherwise, an operation takes tensors of one real type (f32
// or f64), is differentiable to any order, and throws an Error that names it and the shapes when
// they do not fit. "…" stands for any number of leading axes. The rules and their derivatives are
// in autograd/ops/*.cpp; autograd/ops/README.md derives the longer ones.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "autograd/random.h"
#include "autograd/tensor.h"

namespace adjoint {

// ---- Arithmetic: elementwise, with numpy's broadcasting (ops/arithmetic.cpp) --------------------

Tensor add(const Tensor& a, const Tensor& b);  ///< a + b
Tensor sub(const Tensor& a, const Tensor& b);  ///< a − b
Tensor mul(const Tensor& a, const Tensor& b);  ///< a · b
Tensor div(const Tensor& a, const Tensor& b);  ///< a / b
Tensor div(const Tensor& x, double c);         ///< x / c: the quotient, not x · (1/c)
Tensor div(double c, const Tensor& x);         ///< c / x
/// aᵇ. If b needs a gradient, a must not be negative. At a = 0 and b ≥ 0 the gradient of b is 0,
/// which is its limit for b > 0.
Tensor pow(const Tensor& a, const Tensor& b);
Tensor pow(const Tensor& x, double exponent);                ///< a constant exponent
Tensor affine(const Tensor& x, double scale, double shift);  ///< scale · x + shift
/// The larger of the two. At a tie each gets half of the gradient.
Tensor maximum(const Tensor& a, const Tensor& b);
/// The smaller of the two. At a tie each gets half of the gradient.
Tensor minimum(const Tensor& a, const Tensor& b);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator+(const Tensor& x, double c) { return affine(x, 1, c); }
inline Tensor operator+(double c, const Tensor& x) { return affine(x, 1, c); }
inline Tensor operator-(const Tensor& x, double c) { return affine(x, 1, -c); }
inline Tensor operator-(double c, const Tensor& x) { return affine(x, -1, c); }
// Adding −0 changes no number, whereas −0 + 0 is 0.
inline Tensor operator*(const Tensor& x, double c) { return affine(x, c, -0.0); }
inline Tensor operator*(double c, const Tensor& x) { return affine(x, c, -0.0); }
inline Tensor operator/(const Tensor& x, double c) { return div(x, c); }
inline Tensor operator/(double c, const Tensor& x) { return div(c, x); }

// Comparisons of two tensors of any one type. The result is b8 and has no gradient.
Tensor equal(const Tensor& a, const Tensor& b);    ///< a = b
Tensor greater(const Tensor& a, const Tensor& b);  ///< a > b
Tensor less(const Tensor& a, const Tensor& b);     ///< a < b
/// a where the condition (b8) holds, b elsewhere. All three broadcast; a and b may have any type.
///
/// The operand that is not taken gets a gradient of 0, but the operations that computed it may turn
/// that into 0 · ∞ = NaN, as grad(sum(where(c, sqrt(x), b))) does at x = 0. Make the operand safe
/// first: where(c, sqrt(where(c, x, one)), b).
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

// ---- Functions of one tensor: elementwise (ops/unary.cpp) ---------------------------------------

Tensor neg(const Tensor& x);
inline Tensor operator-(const Tensor& x) { return neg(x); }
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);    ///< natural; −∞ at 0, NaN below
Tensor expm1(const Tensor& x);  ///< eˣ − 1, accurate near x = 0
Tensor log1p(const Tensor& x);  ///< log(1 + x), accurate near x = 0
Tensor sqrt(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor abs(const Tensor& x);   ///< |x|; derivative 0 at 0
Tensor sign(const Tensor& x);  ///< −1, 0 or 1; derivative 0
Tensor erf(const Tensor& x);   ///< 2/√π ∫₀ˣ e^(−t²) dt
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);      ///< 1 / (1 + e⁻ˣ)
Tensor relu(const Tensor& x);         ///< max(x, 0); derivative 0 at 0
Tensor softplus(const Tensor& x);     ///< log(1 + eˣ) without overflow
Tensor log_sigmoid(const Tensor& x);  ///< log(1 / (1 + e⁻ˣ)) without underflow
/// x limited to [low, high]. The derivative is 1 inside and at both bounds, and 0 outside or if the
/// bounds are equal. NaN stays NaN. Error unless low ≤ high.
Tensor clamp(const Tensor& x, double low, double high);
/// How gelu() computes Φ: by the error function, or approximately.
enum class Gelu { exact, tanh };
/// x Φ(x), where Φ is the distribution function of the standard normal; or its approximation by
/// tanh. (Hendrycks and Gimpel, "Gaussian error linear units", 2016, section 2.)
Tensor gelu(const Tensor& x, Gelu form = Gelu::exact);
/// The same values in another type (i64: whole numbers only); differentiable between f32 and f64.
Tensor cast(const Tensor& x, DType dtype);

// ---- Matrix products (ops/matmul.cpp) -----------------------------------------------------------

/// Which factors matmul() reads transposed.
enum class Transposed { no, a, b, both };
/// The product over the last two axes; leading axes broadcast. A vector counts as a row on the left
/// and as a column on the right, and the result lacks that axis. A transposed factor is not copied.
Tensor matmul(const Tensor& a, const Tensor& b, Transposed transposed = Transposed::no);
/// x Wᵀ + b: x […, inputs], W [outputs, inputs], b [outputs] or undefined; result […, outputs].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

// ---- Reductions over the given axes, or over all if none is given (ops/reduction.cpp) -----------

using Axes = std::vector<Index>;  ///< negative ones count from the end
/// Whether a reduced axis stays, with size 1.
enum class Keep { no, yes };

Tensor sum(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);   ///< of no elements: 0
Tensor mean(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);  ///< of none: an error
/// The mean squared distance from the mean. It divides by n (biased), as layer normalisation does.
Tensor variance(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);
/// The largest element; tied elements share the gradient equally. Error if there is no element.
Tensor max(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);
/// The product of the elements; of none: 1. The gradient is right even if some of them are 0.
Tensor prod(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);
/// √Σ x², the Euclidean norm, without overflow; of no elements: 0. If all elements are 0, where the
/// norm has no derivative, the gradient is 0.
Tensor norm(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);
/// log Σ exp(x) without overflow; −∞ if there is no element or every x is −∞, ∞ if some x is. If it
/// is ∞, the infinite elements share the gradient equally.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, Keep keep = Keep::no);
/// The index (i64) of the largest element along one axis, the first one at a tie. No gradient.
Tensor argmax(const Tensor& x, Index axis = -1);
/// The running sum along one axis: yᵢ = x₀ + … + xᵢ.
Tensor cumsum(const Tensor& x, Index axis = -1);
/// Undoes broadcasting: sums over the axes along which `shape` was repeated to give x's shape.
Tensor sum_to(Tensor x, const Shape& shape);

// ---- Shapes: of any type (ops/movement.cpp) -----------------------------------------------------

/// The same elements in another shape, sharing storage. One size may be −1: it follows from the
/// others.
Tensor reshape(const Tensor& x, std::initializer_list<Index> sizes);
Tensor reshape(const Tensor& x, const Shape& shape);
/// Axis i of the result is axis order[i] of x. Copies.
Tensor permute(const Tensor& x, const Axes& order);
/// Exchanges two axes, by default the last two. Copies.
Tensor transpose(const Tensor& x, Index first = -2, Index second = -1);
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// The elements [begin, end) along one axis; negative positions count from the end.
Tensor slice(const Tensor& x, Index axis, Index begin, Index end);
/// Joins tensors along an axis. All other sizes must be equal.
Tensor concat(const Tensors& xs, Index axis);
/// Undoes concat: parts of the given sizes along an axis. The sizes must add up to that of the
/// axis.
Tensors split(const Tensor& x, Index axis, const std::vector<Index>& sizes);
/// Joins tensors of equal shapes along a new axis.
Tensor stack(const Tensors& xs, Index axis = 0);

// ---- Indices: i64 (ops/indexing.cpp) ------------------------------------------------------------

constexpr Index none = -1;
/// Selects slices of x along an axis: the axes of `indices` take the place of that axis. x may have
/// any type. The index `none` yields zeros; any other index out of range is an error.
Tensor gather(const Tensor& x, const Tensor& indices, Index axis = 0);
/// The adjoint of gather: adds each slice of x to the slice that its index names, in a tensor whose
/// axis has `size`. Slices with index `none` are dropped.
Tensor scatter_add(const Tensor& x, const Tensor& indices, Index axis, Index size);
/// 1 at the index and 0 elsewhere along a new last axis of size `classes`; all 0 for `none`. No
/// gradient.
Tensor one_hot(const Tensor& indices, Index classes, DType dtype = DType::f32);
/// The rows of a table [tokens, width] for ids […]: […, width].
Tensor embedding(const Tensor& ids, const Tensor& table);

// ---- Probabilities and losses over the last axis (ops/softmax.cpp, ops/cross_entropy.cpp) -------

/// exp(x) / Σ exp(x). Elements that are ∞ share the whole equally.
Tensor softmax(const Tensor& x);
Tensor log_softmax(const Tensor& x);
/// The softmax over those elements where the mask is true, and 0 elsewhere. The mask is b8 and
/// broadcasts to x. A row that is masked throughout is all zeros and sends back no gradient.
Tensor masked_softmax(const Tensor& x, const Tensor& mask);

/// The targets of cross_entropy(): which are left out, how much they are smoothed.
struct CrossEntropyOptions {
  Index ignore = -100;   ///< rows with this target have loss 0 and send back no gradient
  double smoothing = 0;  ///< ε: the target distribution is (1−ε)·one-hot + ε/classes
};
/// −Σ_c q(c) log softmax(x)(c) for each row: logits x […, classes], targets i64 […]; result […].
/// The caller sums and averages. (Label smoothing: Szegedy et al. 2015, section 7.)
Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options = {});

// ---- Normalisation and dropout ------------------------------------------------------------------

/// (x − mean) / √(variance + epsilon) over the last axis, times gain plus bias, both [width]. (Ba,
/// Kiros and Hinton, "Layer normalization", 2016.) (ops/layer_norm.cpp)
Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double epsilon = 1e-5);

/// x / √(mean(x²) + epsilon) over the last axis, times gain [width]. (Zhang and Sennrich, "Root
/// mean square layer normalization", 2019.) (ops/rms_norm.cpp)
Tensor rms_norm(const Tensor& x, const Tensor& gain, double epsilon = 1e-5);

/// Zeroes each element with probability p, rounded to a multiple of 2⁻¹⁶, and divides the others by
/// 1 − p. Whether an element of x […, width] is kept depends on the key, the number of its row and
/// its column. Rows are numbered in order, unless `rows` (i64, one for each row) gives the numbers
/// that they have in another arrangement of the batch. (Srivastava et al. 2014.) (ops/dropout.cpp)
Tensor dropout(const Tensor& x, double p, Key key, const Tensor& rows = {});

/// The dropout and the epsilon of add_norm().
struct AddNormOptions {
  double dropout = 0;  ///< of f, with key and rows as in dropout()
  Key key{};
  Tensor rows = {};
  double epsilon = 1e-5;
};
/// layer_norm(x + dropout(f), gain, bias) in one pass each way, for x and f of the same shape
/// […, width]: the end of a residual connection around a sublayer that computed f. (Vaswani et al.
/// 2017, section 5.4.) (ops/layer_norm.cpp)
Tensor add_norm(const Tensor& x, const Tensor& f, const Tensor& gain, const Tensor& bias,
                const AddNormOptions& options = {});

// ---- Attention and positions (ops/attention.cpp, ops/rotary.cpp) --------------------------------

/// Which query rows may attend to which key rows. Rows are counted with all leading axes flattened,
/// so one description serves a padded batch, a packed batch and a cache. True = may attend.
struct AttentionPattern {
  /// One example of the batch: its rows of queries, and the rows of keys that they may see.
  struct Example {
    Index query_begin, queries;  ///< rows of the queries and of the result; ascending, no overlap
    Index key_begin, keys;       ///< rows of keys and values, without those past a valid length
    Index first_position = 0;    ///< of its first query, for `causal` and for dropout
    Index number = 0;            ///< in the whole batch, for dropout
  };
  std::vector<Example> examples;
  bool causal = false;  ///< a query at position p sees keys 0 … p
  Tensor lengths;       ///< if defined: i64 [query rows]; a query sees keys 0 … length − 1
  Tensor allowed;       ///< if defined: b8 [query rows, largest number of keys]

  /// Every query row of [batch, queries, …] sees every key row of [batch, keys, …].
  static AttentionPattern whole(Index batch, Index queries, Index keys);
  /// How many keys a query may see before `allowed` is applied; it is counted in its example.
  Index visible_keys(const Example& example, Index query) const;
  /// The whole pattern, for examples padded to these sizes: b8 [examples, queries, keys].
  Tensor dense(Index queries, Index keys) const;
};
/// The heads of attention(), and what acts on its weights.
struct AttentionOptions {
  Index heads = 1;
  double dropout = 0;  ///< of the attention weights
  Key key{};           ///< for dropout
  /// Lowers the scores with the distance of query and key: in head h of n, by 2^(−8 (h + 1) / n)
  /// per position. Keys are counted from the first one of the example. (ALiBi: Press et al. 2022,
  /// section 3, with the distance to either side.)
  bool linear_biases = false;
};
/// Scaled dot-product attention, softmax(QKᵀ/√d)·V for each head and example (Vaswani et al. 2017,
/// section 3.2): query […, heads·d], key and value […, heads·d], with the heads side by side in the
/// last axis. A query that may attend to nothing gets zeros and sends back no gradient, and so does
/// a query row that belongs to no example.
Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value,
                 std::shared_ptr<const AttentionPattern> pattern,
                 const AttentionOptions& options = {});
/// The weights of that attention before dropout: [examples, heads, most queries, most keys], zero
/// where there is no query or no visible key.
Tensor attention_weights(const Tensor& query, const Tensor& key,
                         std::shared_ptr<const AttentionPattern> pattern,
                         const AttentionOptions& options = {});

/// The scores and the sums of attention, for attention composed of other operations. The mask is b8
/// and broadcasts to […, n, m]. A hidden pair has no influence, whatever it holds, whereas matmul()
/// would multiply 0 by NaN. (ops/masked_products.cpp)
///
/// ⟨aᵢ, bⱼ⟩ for a […, n, d] and b […, m, d] where the mask is true, 0 elsewhere: […, n, m].
Tensor masked_scores(const Tensor& a, const Tensor& b, const Tensor& mask);
/// Σⱼ wᵢⱼ bⱼ over the j where the mask is true, for w […, n, m] and b […, m, d]: […, n, d].
Tensor masked_sum(const Tensor& w, const Tensor& b, const Tensor& mask);

/// Rotary position embedding of x […, heads·d] with even d: turns features 2j and 2j + 1 of each
/// head, as a point in the plane, by the angle position · base^(−2j/d). The product of a turned
/// query and a turned key then depends on their positions only through the distance. `positions` is
/// i64, one for each row. (Su et al. 2021, RoFormer, equations 15 and 34.)
Tensor rotary(const Tensor& x, const Tensor& positions, Index heads, double base = 10000);

}  // namespace adjoint

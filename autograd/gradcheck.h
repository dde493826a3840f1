// The gradient checker: is what the sweep returns the derivative of what the function computes?
//
//   BOOST_TEST(gradcheck([](const Tensors& x) { return Tensors{softmax(x[0])}; }, {scores}));
//
// It compares each derivative with finite differences. Their step and their error are found element
// by element, so the tolerance is derived, not chosen. gradcheck/README.md explains how to use it
// and how to read a failing report.
#pragma once

#include <iosfwd>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autograd/functional.h"
#include "autograd/random.h"
#include "autograd/tensor.h"

namespace adjoint {

/// Where an input may be. No step of a finite difference leaves it; at its ends the differences are
/// one-sided.
struct Domain {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  std::optional<double> away_from = {};  ///< steps stay on their side of this value
  bool simplex = false;  ///< each row of the last axis is ≥ 0 and sums to 1, and keeps doing so
};

struct GradcheckOptions {
  int order = 1;  ///< the highest order to check: 2 also checks the gradient of the gradient
  Key key{1};     ///< for random cotangents and directions
  std::vector<std::string> names = {};  ///< of the inputs, see input_names()
  std::vector<Domain> domains = {};     ///< of the inputs; those that are not listed have none
  Index jacobian_up_to = 4096;  ///< check every output separately if inputs · outputs ≤ this
  Index elements_up_to = 4000;  ///< check every input element separately if there are at most n
  int cotangents = 2;           ///< number of random cotangents
  int projections = 4;          ///< random directions, if there are more elements than that
  int coordinates = 16;         ///< single elements checked beside those directions
  bool walk = true;             ///< after a failure, check each operation on the tape separately
};

/// One result about one element, or about the function as a whole.
struct Finding {
  enum class Kind {
    mismatch,          ///< the derivatives differ by more than their errors explain
    kink,              ///< the one-sided slopes differ: no derivative exists. Not a failure
    convention,        ///< each operation follows its convention at a kink. Not a failure
    jump,              ///< the value itself is discontinuous
    not_finite,        ///< a value or a derivative is NaN or infinite
    domain,            ///< f throws beside the point
    nondeterministic,  ///< two runs differ in some bit
    not_linear,        ///< a cotangent of zero gives a nonzero gradient
    side_effect,       ///< f or a vjp changes what it was given, or depends on earlier calls
    precision,         ///< wrong when computed in f32, right in f64
    undecidable,       ///< the differences cannot tell right from wrong: neither ok nor a failure
  };
  Kind kind = Kind::mismatch;
  int order = 1;               ///< 1: the gradient; 2: the gradient of the gradient; ...
  std::string where = {};      ///< "weight[1, 2]", "output 0[3]"
  std::string cotangent = {};  ///< "output 0[3]" (that element alone), "random 1", or empty
  int input = -1;              ///< index of the input; −1 if the finding concerns none
  Index element = -1;          ///< its element in row-major order; −1 if it concerns none
  double analytic = 0;         ///< derivative from the sweep
  double numeric = 0;          ///< derivative from finite differences
  double error = 0;            ///< estimated error of the numeric derivative
  double relative = 0;         ///< |analytic − numeric| / max(|analytic|, |numeric|)
  std::string note = {};       ///< what the numbers don't show
  bool failed() const {
    return kind != Kind::kink && kind != Kind::convention && kind != Kind::undecidable;
  }
};
const char* name_of(Finding::Kind kind);

/// All derivatives measured with respect to one input, as f64 [cotangents, elements of the input].
/// A numeric one is NaN if it was not measured or does not exist (at a kink).
struct Measurement {
  int order;
  int input;
  std::string name;
  Shape shape;
  std::vector<Shape> outputs;  ///< of the real outputs
  bool jacobian;               ///< whether the last rows belong to the single output elements
  Tensor cotangents;           ///< [cotangents, elements of all real outputs]
  Tensor analytic, numeric, error;
};

/// The kind of mistake behind a wrong derivative, inferred from the pattern of all measured numbers
/// (gradcheck/diagnosis/diagnosis.h).
struct Diagnosis {
  enum class Kind {
    zero,           ///< the gradient is zero
    sign,           ///< the negative of what it should be
    factor,         ///< a constant multiple
    precision,      ///< right to about single precision: something was computed in f32
    other_input,    ///< the gradient of another input
    transposed,     ///< axes exchanged, in the gradient, the cotangent or a factor
    shifted,        ///< off by one along an axis
    wrong_example,  ///< mixed up with other examples of the batch
    extra_sum,      ///< summed over too many axes
    missing_sum,    ///< summed over too few axes: a broadcast was not undone
    wrong_axis,     ///< right for another axis
    wrong_mask,     ///< nonzero where it should be zero, or the reverse
    missing_term,   ///< some other term is missing, or one is too many
    unknown,
  };
  Kind kind = Kind::unknown;
  int order = 1;
  int input = -1;         ///< index of the input
  std::string name = {};  ///< of the input
  double factor = 0;      ///< analytic / numeric, if constant
  std::string text = {};  ///< in words: "0.5 × what it should be, throughout"
};
const char* name_of(Diagnosis::Kind kind);

/// How much was checked in one order.
struct Coverage {
  int order;
  Index inputs, outputs;       ///< number of real elements
  Index measured = 0;          ///< input elements checked separately
  bool jacobian = false;       ///< whether every output element was checked separately
  int cotangents = 0;          ///< number of random cotangents
  int projections = 0;         ///< number of random directions; 0 if not needed
  double could_be_missed = 0;  ///< size of an error relative to the gradient: see gradcheck()
};

/// An operation that fails its own check, at the inputs it had within f.
struct Culprit {
  std::string operation;
  std::string scope;   ///< "encoder.blocks.1.attention"; empty outside any scope
  std::size_t number;  ///< among the operations on the tape, counted from 1
  std::vector<Shape> inputs, outputs;
  std::shared_ptr<const struct GradcheckReport> report;  ///< of this operation alone
};

/// Result of checking each operation on the tape of a failing function separately.
struct TapeWalk {
  std::size_t operations = 0;           ///< on the tape, leaves not counted
  std::size_t wrong = 0;                ///< number that fail
  std::optional<Culprit> culprit = {};  ///< the first that fails
};

enum class Verdict {
  ok,           ///< everything that was asked for was checked, and nothing is wrong
  failed,       ///< something is wrong
  undecidable,  ///< nothing is known to be wrong, but not everything could be checked
};
const char* name_of(Verdict verdict);

/// True if the verdict is ok. Prints one line then, otherwise also the worst elements.
struct GradcheckReport {
  std::vector<Finding> findings;
  std::vector<Measurement> measurements;
  std::vector<Coverage> coverage;    ///< one for each order that was checked
  std::vector<std::string> unused;   ///< real inputs that the outputs do not depend on: not checked
  std::optional<TapeWalk> walk;      ///< if a derivative was wrong and options.walk was set
  std::vector<Diagnosis> diagnoses;  ///< one for each input with a wrong derivative
  /// The worst relative error: a failed element's error relative to that element, a passed
  /// element's relative to the largest derivative. Infinite if NaN was found.
  double worst_error = 0;

  Verdict verdict() const;
  explicit operator bool() const { return verdict() == Verdict::ok; }
  std::size_t count(Finding::Kind kind) const;
  void add(Finding finding);
  void add_error(double relative);
};
std::ostream& operator<<(std::ostream& stream, const GradcheckReport& report);

/// Checks the derivatives of f at the inputs. f32 inputs are cast to f64 first; i64 and b8 inputs
/// are constants. What a pass proves, up to the precision of the numeric derivative, depends on the
/// size of f:
///
/// - *Jacobian* (inputs · outputs ≤ jacobian_up_to): every ∂yⱼ/∂xᵢ, and every element of x̄ = Jᵀȳ
///   for random cotangents ȳ, which also exposes a vjp that is not linear in ȳ.
/// - *Elements* (inputs ≤ elements_up_to): every element of x̄ = Jᵀȳ for random normal ȳ. An error
///   in J that all of them miss is orthogonal to them, which has probability zero; an error can
///   only escape if it is small beside the rounding errors of the other outputs.
/// - *Projections* (more inputs): ⟨ȳ, J u⟩ = ⟨Jᵀȳ, u⟩ along random normal directions u, and single
///   elements. An error E of x̄ gives ⟨E, u⟩, normal with deviation ‖E‖, so one direction hides it
///   below a tolerance τ with probability about τ√(2/π)/‖E‖. The report states the size that all
///   directions miss with probability 1/1000. (Each input is measured in units of its own size.)
///   If a direction fails, bisection narrows the elements down to single ones.
///
/// Derivatives 10⁹ times smaller than the largest (both in units of their inputs' sizes) are
/// treated as rounding errors.
///
/// Order 2 checks the function g(x, ȳ) = x̄ with respect to x and ȳ in the same way, order 3 the
/// gradient of that, and so on, up to the first order that fails. Then each operation on the tape
/// of f is checked alone, at the inputs it had, and the first that fails is named. Elements at a
/// kink are checked in order 1 only: the analytic derivative must lie between the two slopes.
///
/// Finite differences call f with recording off; if f differentiates something itself, it must use
/// functional.h. Error if f or an input is empty, if order < 1, or if no input or no output is
/// real, since nothing would be checked.
GradcheckReport gradcheck(const Function& f, const Tensors& inputs,
                          const GradcheckOptions& options = {});
/// The same for a function of one tensor.
GradcheckReport gradcheck(const TensorFunction& f, const Tensor& input,
                          const GradcheckOptions& options = {});

/// What reports call the inputs: the given names first, then those of variable(), else "input 0".
std::vector<std::string> input_names(const Tensors& inputs, std::vector<std::string> given = {});

}  // namespace adjoint

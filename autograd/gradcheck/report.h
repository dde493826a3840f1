// What a gradient check reports: findings, how much was checked, the kind of mistake, and which
// operation makes it.
#pragma once

#include <iosfwd>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autograd/tensor.h"

namespace adjoint {

/// One result about one element, or about the function as a whole.
struct Finding {
  /// What was found.
  enum class Kind {
    mismatch,          ///< the derivatives differ by more than their errors explain
    kink,              ///< the one-sided slopes differ: no derivative exists. Not a failure
    convention,        ///< each operation follows its convention at a kink. Not a failure
    jump,              ///< the value itself is discontinuous
    not_finite,        ///< a value or a derivative is NaN or infinite
    domain,            ///< f throws beside the point; checked on the other side. Not a failure
    nondeterministic,  ///< two runs differ in some bit
    not_linear,        ///< a cotangent of zero gives a nonzero gradient
    side_effect,       ///< f or a vjp changes what it was given, or depends on earlier calls
    precision,         ///< wrong when computed in f32, right in f64
    undecidable,       ///< the differences cannot tell right from wrong: neither ok nor a failure
    error,             ///< f or its derivative gave no answer: it threw, crashed, or took too long
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
    return kind != Kind::kink && kind != Kind::convention && kind != Kind::domain &&
           kind != Kind::undecidable;
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
  Tensor at = {};                        ///< the value of the input
  Tensor values = {};                    ///< of all real outputs: [elements]
  std::vector<int> output_numbers = {};  ///< of the real outputs, among all; empty: 0, 1, …
};

/// The kind of mistake behind a wrong derivative, inferred from the pattern of all measured numbers
/// (gradcheck/diagnosis/diagnosis.h).
struct Diagnosis {
  /// The mistake: what the gradient is, compared with what it should be.
  enum class Kind {
    zero,                ///< the gradient is zero
    sign,                ///< the negative of what it should be
    factor,              ///< a constant multiple
    precision,           ///< right except for its last digits
    approximation,       ///< close to it, but smooth and not equal: that of another function
    not_linear,          ///< not linear in the cotangent: clipped, squared, ...
    other_input,         ///< the gradient of another input
    elementwise_factor,  ///< a factor is missing, one too many or another, for each element
    complement,          ///< z in place of 1 − z, or the reverse
    transposed,          ///< axes exchanged, in the gradient, the cotangent or a factor
    reversed,            ///< backwards along an axis
    shifted,             ///< off by one along an axis
    wrong_example,       ///< mixed up with other examples of the batch
    extra_sum,           ///< summed over too many axes
    missing_sum,         ///< summed over too few axes: a broadcast was not undone
    overwritten,         ///< where an index repeats, the last one counts instead of the sum
    wrong_axis,          ///< right for another axis
    wrong_mask,          ///< nonzero where it should be zero, or the reverse
    missing_term,        ///< some other term is missing, or one is too many
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

/// How φ(x) = ⟨ȳ, f(x)⟩ leaves its tangent along a random direction u, with a random ȳ and each
/// input in units of its own size. The remainder R(h) = φ(x + hu) − φ(x) − h⟨x̄, u⟩ falls with h² if
/// x̄ is the gradient (rate 2), and only with h if it is not (rate 1): no tolerance has to be
/// chosen. (Farrell et al., "Automated derivation of the adjoint of high-level transient finite
/// element programs", SIAM Journal on Scientific Computing 35(4), 2013.)
struct TaylorRate {
  /// How the remainder falls.
  enum class Kind {
    right,      ///< the remainder falls with h², or faster
    straight,   ///< f is linear along u to rounding, and the slope is right: there is no remainder
    wrong,      ///< a part of the remainder falls with h only
    undecided,  ///< no steps are small enough and above rounding; the note says why
  };
  /// One step length with the remainder that it leaves.
  struct Step {
    double h;
    double change;     ///< |φ(x + hu) − φ(x)|, which falls with h
    double remainder;  ///< |R(h)|
    double rate;       ///< log₂ of the quotient of the last remainder and this one; NaN at first
  };
  Kind kind = Kind::undecided;
  int order = 1;
  std::string where = {};        ///< "along direction 1"
  std::vector<Step> steps = {};  ///< h, h/2, h/4, …: those that the rate is taken from
  double rate = std::numeric_limits<double>::quiet_NaN();  ///< at the smallest of them
  double slope = 0;                                        ///< ⟨x̄, u⟩
  double slope_error = 0;  ///< a of R(h) = a h + b h²: what the slope lacks
  double uncertainty = 0;  ///< of a
  std::string note = {};
};
const char* name_of(TaylorRate::Kind kind);
/// The table of its steps.
std::ostream& operator<<(std::ostream& stream, const TaylorRate& taylor);

/// The dot product test of a user's jvp: ⟨ȳ, J u⟩ = ⟨Jᵀ ȳ, u⟩ for random u and ȳ, to rounding.
/// Where the two differ, finite differences tell which of them is wrong. It says nothing about a
/// jvp that is made of the vjp. (Claerbout, "Earth Soundings Analysis", 1992.)
struct DotProduct {
  std::string where;      ///< "all inputs", "weight"
  std::string cotangent;  ///< "random 1", "output 0[3]"
  double jvp, vjp;        ///< ⟨ȳ, J u⟩ and ⟨Jᵀ ȳ, u⟩
  double numeric, error;  ///< the same from finite differences, and its error
  double rounding;        ///< how far apart rounding can take jvp and vjp
  bool agrees() const;
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
  std::optional<Culprit> kink = {};     ///< the first whose own inputs are at a kink
};

/// f and its vjp in f32 beside the same in f64, at the same inputs.
struct SinglePrecision {
  double values = 0, gradients = 0;  ///< largest error, relative to the largest of its tensor
  std::string unjudged = {};         ///< why nothing is known; empty if it is
  std::string only = {};             ///< why f does not run in f64; the differences are in f32 then
  std::string first = {};  ///< what runs in f32 first, "cast in head", though f was given f64
};

/// Buffers made by the calling thread. (Tensor views and handles make none.)
struct Allocations {
  std::size_t forward = 0, vjp = 0;  ///< number
  std::size_t vjp_bytes = 0;         ///< the most that the sweep needed beyond what was in use
};

/// What a report comes to.
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
  std::vector<Coverage> coverage;   ///< one for each order that was checked
  std::vector<std::string> unused;  ///< real inputs that the outputs do not depend on: not checked
  std::optional<SinglePrecision> single = {};   ///< if there is something to say about f32
  std::optional<Allocations> allocations = {};  ///< if options.allocations was set
  std::optional<TapeWalk> walk;          ///< if a derivative was wrong and options.walk was set
  std::vector<Diagnosis> diagnoses;      ///< one for each input with a wrong derivative
  std::vector<TaylorRate> taylor;        ///< options.taylor of them in each order
  std::vector<DotProduct> dot_products;  ///< if there is a jvp
  std::vector<std::string> notes;        ///< how f was computed, such as "computed in f32"
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
/// What BOOST_TEST prints of a report: what is wrong, in at most 12 lines of at most 100 columns.
std::ostream& boost_test_print_type(std::ostream& stream, const GradcheckReport& report);
/// The report as one JSON object on one line, for programs (examples/gradcheck/README.md has the
/// schema); `full` adds every measured derivative.
std::string to_json(const GradcheckReport& report, bool full = false);

}  // namespace adjoint

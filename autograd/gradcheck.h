// The gradient checker: is what a function sends back the derivative of what it computes?
//
//   BOOST_TEST(gradcheck([](const Tensors& x) { return Tensors{softmax(x[0])}; }, {scores}));
//
// Each derivative is compared with finite differences whose step and error are found element by
// element, so that the tolerance is derived and not chosen. Numeric differentiation stands in
// gradcheck/difference.*, what is measured and how it is judged in gradcheck/level.*, the report in
// gradcheck/report.cpp.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autograd/functional.h"
#include "autograd/random.h"
#include "autograd/tensor.h"

namespace adjoint {

struct GradcheckOptions {
  int order = 1;  ///< up to this order: 2 checks the gradient's gradient as well
  Key key{1};     ///< of random cotangents and directions
  std::vector<std::string> names = {};  ///< of the inputs; else those of variable(), or "input 0"
  Index jacobian_up_to = 4096;  ///< inputs · outputs up to which every output is checked by itself
  Index elements_up_to = 4000;  ///< inputs up to which each one is checked by itself
  int cotangents = 2;           ///< random ones, besides those of single outputs
  int projections = 4;          ///< random directions, where there are too many inputs
  int coordinates = 16;         ///< and so many single inputs besides
  bool walk = true;  ///< where f fails, check each operation on its tape to find the wrong one
};

/// Something that was found out about one element, or about the function as a whole.
struct Finding {
  enum class Kind {
    mismatch,          ///< analytic and numeric derivative differ by more than their errors explain
    kink,              ///< the slopes on both sides differ: there is no derivative. Not a failure
    jump,              ///< the value itself jumps
    not_finite,        ///< NaN or infinity, as value, analytic or numeric derivative
    nondeterministic,  ///< two runs differ in some bit
    not_linear,        ///< the cotangent zero gives a gradient that is not zero
    imprecise,         ///< rounding leaves too little of the numeric derivative to judge by
  };
  Kind kind = Kind::mismatch;
  int order = 1;           ///< 1: the gradient; 2: the gradient's gradient; ...
  std::string where = {};  ///< "weight[1, 2]", "output 0[3]"
  /// "output 0[3]": of that element alone; "random 1"; empty where none matters.
  std::string cotangent = {};
  int input = -1;      ///< number of the input, −1 where it is none
  Index element = -1;  ///< its element, counted in row-major order; −1 likewise
  double analytic = 0;
  double numeric = 0;
  double error = 0;       ///< of the numeric derivative, as estimated
  double relative = 0;    ///< |analytic − numeric| by the larger of both
  std::string note = {};  ///< what the numbers don't say
  bool failed() const { return kind != Kind::kink; }
};
const char* name_of(Finding::Kind kind);

/// All that was measured with respect to one input, for a diagnosis. Matrices in f64 with a row for
/// each cotangent and a column for each element; a numeric derivative is NaN where it was not
/// measured and where there is none (at a kink).
struct Measurement {
  int order;
  int input;
  std::string name;
  Shape shape;                 ///< of the input
  std::vector<Shape> outputs;  ///< of the real ones
  bool jacobian;               ///< whether the last rows are those of all single outputs
  Tensor cotangents;           ///< [cotangents, elements of all real outputs]
  Tensor analytic, numeric, error;
};

/// What kind of mistake makes the derivative with respect to one input wrong, told from the whole
/// of what was measured. How it is told: gradcheck/hypotheses.h.
struct Diagnosis {
  enum class Kind {
    zero,           ///< nothing comes back
    sign,           ///< the negative
    factor,         ///< a constant multiple
    precision,      ///< right to about single precision: something was computed in f32
    other_input,    ///< what belongs to another input
    transposed,     ///< axes exchanged, in the gradient, the cotangent or a factor
    shifted,        ///< off by one along an axis
    wrong_example,  ///< what belongs to another example of the batch
    extra_sum,      ///< summed over too many axes
    missing_sum,    ///< summed over too few axes: a broadcast is not undone
    wrong_axis,     ///< right for another axis
    wrong_mask,     ///< a gradient where there is none, or none where there is one
    missing_term,   ///< some other term is missing, or too much
    unknown,
  };
  Kind kind = Kind::unknown;
  int order = 1;
  int input = -1;         ///< number of the input
  std::string name = {};  ///< of the input
  double factor = 0;      ///< analytic / numeric, where it is a constant
  std::string text = {};  ///< in words: "0.5 × what it should be, throughout"
};
const char* name_of(Diagnosis::Kind kind);

/// How much was looked at in one order.
struct Coverage {
  int order;
  Index inputs, outputs;       ///< elements, of real type
  Index measured = 0;          ///< inputs checked by themselves
  bool jacobian = false;       ///< whether every output was checked by itself
  int cotangents = 0;          ///< random ones
  int projections = 0;         ///< 0: not needed
  double could_be_missed = 0;  ///< size of an error, relative to the gradient's: see gradcheck()
};

class GradcheckReport;

/// An application of an operation that fails by itself, at the very inputs that it had within f.
struct Culprit {
  std::string operation;
  std::string scope;  ///< "encoder.blocks.1.attention"; empty outside of any
  std::size_t place;  ///< its number among the operations of the tape, from 1
  std::vector<Shape> inputs, outputs;
  std::shared_ptr<const GradcheckReport> report;  ///< of this operation alone
};

/// What was found on the tape of a function that failed.
struct TapeWalk {
  std::size_t operations = 0;           ///< that were recorded, leaves not counted
  std::size_t wrong = 0;                ///< of those
  std::optional<Culprit> culprit = {};  ///< the first of the wrong ones
};

/// True when nothing failed. Prints in one line when all is well, else with the worst elements.
class GradcheckReport {
 public:
  explicit operator bool() const;
  /// The worst relative error: of an element that failed, by its own size; of one that did not, by
  /// the largest derivative there is. Infinite where NaN was found.
  double worst_error() const { return worst_error_; }
  const std::vector<Finding>& findings() const { return findings_; }
  std::size_t count(Finding::Kind kind) const;
  const std::vector<Measurement>& measurements() const { return measurements_; }
  const std::vector<Coverage>& coverage() const { return coverage_; }
  /// The real inputs that the outputs were not computed from: of those nothing was checked.
  const std::vector<std::string>& unused() const { return unused_; }
  /// Where the tape was searched for the reason: when some derivative was wrong.
  const std::optional<TapeWalk>& walk() const { return walk_; }
  /// One for each input with a wrong derivative.
  const std::vector<Diagnosis>& diagnoses() const { return diagnoses_; }

  void add(Finding finding);
  void add(Measurement measurement) { measurements_.push_back(std::move(measurement)); }
  void add(const Coverage& coverage) { coverage_.push_back(coverage); }
  void add(Diagnosis diagnosis) { diagnoses_.push_back(std::move(diagnosis)); }
  void add_error(double relative);
  void set_unused(std::vector<std::string> names) { unused_ = std::move(names); }
  void set_walk(TapeWalk walk) { walk_ = std::move(walk); }

 private:
  std::vector<Finding> findings_;
  std::vector<Measurement> measurements_;
  std::vector<Coverage> coverage_;
  std::vector<std::string> unused_;
  std::optional<TapeWalk> walk_;
  std::vector<Diagnosis> diagnoses_;
  double worst_error_ = 0;
};
std::ostream& operator<<(std::ostream& stream, const GradcheckReport& report);

/// Checks the derivatives of f at the inputs. Those of f32 are cast to f64 first; i64 and b8 ones
/// are constants. What is proved, up to the precision of the numeric derivative, depends on size:
///
/// - *Jacobian* (inputs · outputs ≤ jacobian_up_to): every element ∂yⱼ/∂xᵢ, and for some random
///   cotangents ȳ every element of x̄ = Jᵀȳ; the latter would show a vjp that is not linear in ȳ.
/// - *Elements* (inputs ≤ elements_up_to): every element of x̄ = Jᵀȳ for random normal ȳ. An error
///   in J that they all miss is orthogonal to all of them, which has probability zero; one is
///   overlooked only where it is small beside the rounding errors of the other outputs.
/// - *Projections* (more): ⟨ȳ, J u⟩ = ⟨Jᵀȳ, u⟩ along random normal directions u, and single
///   elements. An error E of x̄ yields ⟨E, u⟩, normal with deviation ‖E‖, so it slips below a
///   tolerance τ with probability about τ√(2/π)/‖E‖ for each direction; the report states the size
///   that all miss with probability 1/1000. (Each input is measured in units of its own size.)
///   Where a direction fails, halves of the elements are tried, and at last single ones.
///
/// Derivatives 10⁹ times smaller than the largest one (both in units of their inputs' sizes) are
/// taken for rounding errors.
///
/// Order 2 checks in the same way the function g(x, ȳ) = x̄ with respect to x and ȳ, order 3 the
/// gradient of that, and so on; it stops at the first order that fails. Then each operation on the
/// tape of f is checked alone, at the inputs it had, and the first that fails is named. Elements at
/// a kink are checked in order 1 only, where the analytic derivative has to lie between both
/// slopes.
///
/// f is called with recording off while differences are taken: where it differentiates something
/// itself, that has to be by functional.h. Error for an empty function or input, for
/// order < 1, and where no input or no output is real, so that nothing would be checked.
GradcheckReport gradcheck(const Function& f, const Tensors& inputs,
                          const GradcheckOptions& options = {});
/// The same for a function of one tensor.
GradcheckReport gradcheck(const TensorFunction& f, const Tensor& input,
                          const GradcheckOptions& options = {});

}  // namespace adjoint

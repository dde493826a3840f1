// Mutants: functions with a mistake planted in a vjp, made mechanically from the table of samples.
// Each kind of mistake is planted wherever it changes a gradient. They are the test of the gradient
// check (are all of them found?) and of its diagnosis (is the kind of mistake named rightly?).
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/apply.h"
#include "tests/autograd/ops/samples.h"

namespace adjoint::testing {

/// Where a mistake is made: the vjp of one recorded operation.
class Site {
 public:
  Site(const Node& node, const Pullback& back) : node_(node), back_(back) {}
  std::size_t inputs() const { return back_.input_count(); }
  const Tensor& cotangent() const { return back_.cotangent(); }
  /// The right vjp, but of another cotangent.
  Tensors vjp(const Tensor& cotangent) const;
  /// The vjp of another function of the same inputs.
  Tensors vjp_of(const std::function<Tensor(const Tensors&)>& other) const;

 private:
  const Node& node_;
  const Pullback& back_;
};

/// Makes the gradients of one site wrong.
using Mistake = std::function<void(const Site& site, Tensors& gradients)>;

/// Makes the mistake in every vjp of that operation recorded in that name scope, or in any.
class Planted : public Observer {
 public:
  Planted(std::string operation, std::optional<std::string> scope, Mistake mistake)
      : operation_(std::move(operation)), scope_(std::move(scope)), mistake_(std::move(mistake)) {}
  void after_vjp(const Node& node, const Pullback& back, Tensors& gradients) override;

 private:
  std::string operation_;
  std::optional<std::string> scope_;
  Mistake mistake_;
};

struct Mutant {
  Diagnosis::Kind kind;
  std::string operation;
  std::string name;  ///< "softmax (matrix), input 0: off by one along axis 1"
  Function f;
  Tensors inputs;
  std::shared_ptr<Observer> mistake;  ///< changes nothing while nobody is told of it
  /// For each input the kinds that name the mistake rightly: that which was planted, and those of
  /// which a mutant of the same sample has the very same gradient. Empty where nothing is wrong.
  std::vector<std::set<Diagnosis::Kind>> right_names;

  bool is_ambiguous() const;
  /// Which half it belongs to: the diagnosis was tuned on one, and is judged by the other.
  bool held_out() const;
  GradcheckReport check() const;
};

/// All mutants that have a wrong gradient.
std::vector<Mutant> mutants();

/// A sample with other functions of the same inputs, whose vjps are easily taken for its own: over
/// another axis, with another mask, ...
struct Confusions {
  struct Other {
    Diagnosis::Kind kind;
    std::string label;
    std::function<Tensor(const Tensors&)> f;
  };
  Sample sample;
  std::vector<Other> others;
};
std::vector<Confusions> confusions();
/// Every mistake that can be made in the sample's vjp, whether it changes a gradient or not.
std::vector<Mutant> bred_from(const Confusions& confused);

/// The largest absolute value.
double largest(const Tensor& x);

/// What became of a mutant.
struct Verdict {
  bool found;
  bool named;             ///< rightly, for each input that is wrong
  std::string diagnoses;  ///< "input 0: sign; input 1: unknown"
};
Verdict judge(const Mutant& mutant, const GradcheckReport& report);

}  // namespace adjoint::testing

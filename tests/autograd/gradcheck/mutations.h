// Mutants: functions with a mistake planted in a vjp, generated from the table of samples. Each
// kind of mistake is planted wherever it changes a gradient. They test the gradient check (does it
// find all of them?) and its diagnosis (does it name the kind of mistake correctly?).
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "autograd/apply.h"
#include "autograd/gradcheck.h"
#include "tests/autograd/ops/samples.h"

namespace adjoint::testing {

/// Where a mistake is planted: the vjp of one recorded operation.
class Site {
 public:
  Site(const Node& node, const Pullback& back) : node_(node), back_(back) {}
  std::size_t inputs() const { return back_.input_count(); }
  const Tensor& cotangent() const { return back_.cotangent(); }
  /// The right vjp of another cotangent.
  Tensors vjp(const Tensor& cotangent) const;
  /// The vjp of another function of the same inputs.
  Tensors vjp_of(const std::function<Tensor(const Tensors&)>& other) const;

 private:
  const Node& node_;
  const Pullback& back_;
};

/// Makes the gradients of one site wrong.
using SiteMistake = std::function<void(const Site& site, Tensors& gradients)>;

/// Makes the mistake in every vjp of that operation recorded in that name scope, or in any.
class Planted : public Observer {
 public:
  Planted(std::string operation, std::optional<std::string> scope, SiteMistake mistake)
      : operation_(std::move(operation)), scope_(std::move(scope)), mistake_(std::move(mistake)) {}
  void after_vjp(const Node& node, const Pullback& back, Tensors& gradients) override;

 private:
  std::string operation_;
  std::optional<std::string> scope_;
  SiteMistake mistake_;
};

struct Mutant {
  Diagnosis::Kind kind;
  std::string operation;
  std::string name;  ///< "softmax (matrix), input 0: off by one along axis 1"
  Function f;
  Tensors inputs;
  std::shared_ptr<Observer> mistake;  ///< has no effect unless it observes
  /// For each input, the kinds that describe the mistake correctly: the planted one, and the kinds
  /// of other mutants of this sample with the same gradient. Empty if that gradient is right.
  std::vector<std::set<Diagnosis::Kind>> right_names;

  bool is_ambiguous() const;
  /// The diagnosis was tuned on one half of the mutants and is judged by the other, held-out half.
  bool held_out() const;
  GradcheckReport check() const;
};

/// All mutants that have a wrong gradient.
std::vector<Mutant> mutants();

/// A sample and other functions of the same inputs whose vjps are easily confused with its own:
/// over another axis, with another mask, ...
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
std::vector<Confusions> near_misses();  ///< some of them
/// A sample of inputs from one domain, labelled as one to be confused.
Confusions confused(const char* operation, const char* label, const std::vector<Shape>& shapes,
                    const std::function<Tensor(const Tensors&)>& f,
                    std::vector<Confusions::Other> others, Domain domain = Domain::any);
/// All mistakes in the sample's vjp, whether they change a gradient or not.
std::vector<Mutant> bred_from(const Confusions& confused);

/// The largest absolute value.
double largest(const Tensor& x);

/// How the gradient check judged a mutant.
struct Judgement {
  bool found;
  bool named;             ///< correctly, for each wrong input
  std::string diagnoses;  ///< "input 0: sign; input 1: unknown"
};
Judgement judge(const Mutant& mutant, const GradcheckReport& report);

}  // namespace adjoint::testing

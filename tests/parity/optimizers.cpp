// Ten steps of each optimizer on given gradients.
#include <boost/test/unit_test.hpp>

#include "nn/optimizer.h"
#include "tests/parity/vectors.h"

namespace adjoint::parity {
namespace {

using namespace nn;

std::string at_step(const std::string& what, int step, const std::string& name) {
  return what + "/" + std::to_string(step) + "/" + name;
}

template <class Prepare>
void ten_steps(Case& stored, const Tensors& parameters, Optimizer& optimizer,
               const Prepare& prepare) {
  for (int step = 1; step <= 10; ++step) {
    Tensors gradients;
    for (const std::string name : {"a", "b"})
      gradients.push_back(copy(stored.constant(at_step("gradient", step, name))));
    prepare(step, gradients);
    optimizer.step(gradients);
    stored.compare(at_step("parameter", step, "a"), parameters[0]);
    stored.compare(at_step("parameter", step, "b"), parameters[1]);
  }
}

Tensors beginning(Case& stored) {
  return {variable(copy(stored.constant("parameter/0/a"))),
          variable(copy(stored.constant("parameter/0/b")))};
}

void as_they_are(int /*step*/, const Tensors& /*gradients*/) {}

void check_adam(Case& stored) {
  const Tensors parameters = beginning(stored);
  Case exact(stored.name(), {});  // settings are numbers, not tensors in f32
  const Tensor betas = exact.constant("betas");
  for (const char* setting : {"learning_rate", "betas", "eps", "weight_decay"})
    stored.constant(setting);
  Adam adam(parameters, {.learning_rate = exact.number("learning_rate"),
                         .beta1 = betas.at({0}),
                         .beta2 = betas.at({1}),
                         .epsilon = exact.number("eps"),
                         .weight_decay = exact.number("weight_decay")});
  ten_steps(stored, parameters, adam, as_they_are);
}

void check_sgd(Case& stored) {
  const Tensors parameters = beginning(stored);
  Sgd sgd(parameters, stored.number("learning_rate"), stored.number("momentum"));
  ten_steps(stored, parameters, sgd, as_they_are);
}

void check_clip(Case& stored) {
  const Tensors parameters = beginning(stored);
  Sgd sgd(parameters, stored.number("learning_rate"), stored.number("momentum"));
  const double limit = stored.number("max_norm");
  bool some = false, others = false;
  ten_steps(stored, parameters, sgd, [&](int step, Tensors& gradients) {
    const double norm = clip_by_global_norm(gradients, limit);
    stored.compare("norm/" + std::to_string(step), norm);
    (norm > limit ? some : others) = true;
  });
  BOOST_TEST((some && others));  // the case is about both
}

}  // namespace

const Checks& optimizer_checks() {
  static const Checks checks = {{"adam", check_adam},
                                {"adamw", check_adam},
                                {"sgd", check_sgd},
                                {"sgd_momentum", check_sgd},
                                {"clip", check_clip}};
  return checks;
}

}  // namespace adjoint::parity

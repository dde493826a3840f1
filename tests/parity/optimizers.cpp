// Steps of each optimizer on given gradients, and schedules.
#include <boost/test/unit_test.hpp>

#include "nn/training/gradients.h"
#include "nn/training/optimizer.h"
#include "nn/training/schedule.h"
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
    const double norm = global_norm(gradients);
    for (Tensor& gradient : gradients) gradient = gradient * clipping_factor(norm, limit);
    stored.compare("norm/" + std::to_string(step), norm);
    (norm > limit ? some : others) = true;
  });
  BOOST_TEST((some && others));  // the case covers both
}

// The cases of generate_optimizers.py: twenty steps, with half the learning rate after ten.
void check_by_name(Case& stored) {
  const std::string name = stored.name().substr(std::string("optimizer_").size());
  Case exact(stored.name(), {});
  const auto setting = [&](const char* key) -> std::optional<double> {
    if (!stored.has(key)) return std::nullopt;
    stored.constant(key);
    return exact.number(key);
  };
  if (name == "nesterov") stored.constant("nesterov");
  const Tensors parameters = beginning(stored);
  const auto optimizer = make_optimizer(name, parameters,
                                        {.learning_rate = setting("lr"),
                                         .momentum = setting("momentum"),
                                         .beta1 = setting("beta1"),
                                         .beta2 = setting("beta2"),
                                         .epsilon = setting("eps"),
                                         .weight_decay = setting("weight_decay")});
  for (int step = 1; step <= 20; ++step) {
    if (step == 11) optimizer->set_learning_rate(optimizer->initial_learning_rate() / 2);
    optimizer->step({stored.constant(at_step("gradient", step, "a")),
                     stored.constant(at_step("gradient", step, "b"))});
    stored.compare(at_step("parameter", step, "a"), parameters[0]);
    stored.compare(at_step("parameter", step, "b"), parameters[1]);
  }
}

// PyTorch's patience counts the bad values that it tolerates; ours counts one more, the one it acts
// at.
void check_plateau(Case& stored) {
  Schedule schedule({.name = "plateau",
                     .floor = stored.number("min_lr"),
                     .decay = stored.number("factor"),
                     .patience = static_cast<Index>(stored.number("patience")) + 1,
                     .margin = stored.number("threshold")});
  std::vector<double> factors;
  const Tensor losses = stored.constant("losses");
  for (Index i = 0; i < losses.numel(); ++i) {
    schedule.observe(losses.at({i}));
    factors.push_back(schedule(i));
  }
  stored.compare("factors", cast(from(factors, losses.shape()), stored.dtype()));
}

void check_cosine(Case& stored) {
  const auto total = static_cast<Index>(stored.number("total"));
  const Schedule schedule({.name = "cosine", .total = total, .floor = stored.number("floor")});
  std::vector<double> factors;
  for (Index step = 0; step <= total; ++step) factors.push_back(schedule(step));
  stored.compare("factors", cast(from(factors, {total + 1}), stored.dtype()));
}

}  // namespace

const Checks& optimizer_checks() {
  static const Checks checks = {{"adam", check_adam},
                                {"adamw", check_adam},
                                {"sgd", check_sgd},
                                {"sgd_momentum", check_sgd},
                                {"clip", check_clip},
                                {"optimizer_sgd", check_by_name},
                                {"optimizer_momentum", check_by_name},
                                {"optimizer_nesterov", check_by_name},
                                {"optimizer_adam", check_by_name},
                                {"optimizer_adamw", check_by_name},
                                {"optimizer_adafactor", check_by_name},
                                {"schedule_plateau", check_plateau},
                                {"schedule_cosine", check_cosine}};
  return checks;
}

}  // namespace adjoint::parity

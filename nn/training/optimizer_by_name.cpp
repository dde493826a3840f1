#include <algorithm>

#include "nn/training/adafactor.h"
#include "nn/training/optimizer.h"

namespace adjoint::nn {
namespace {

AdamOptions adam_options(const OptimizerOptions& given, AdamOptions own) {
  return {.learning_rate = given.learning_rate.value_or(own.learning_rate),
          .beta1 = given.beta1.value_or(own.beta1),
          .beta2 = given.beta2.value_or(own.beta2),
          .epsilon = given.epsilon.value_or(own.epsilon),
          .weight_decay = given.weight_decay.value_or(own.weight_decay)};
}

LionOptions lion_options(const OptimizerOptions& given) {
  const LionOptions own;
  return {.learning_rate = given.learning_rate.value_or(own.learning_rate),
          .beta1 = given.beta1.value_or(own.beta1),
          .beta2 = given.beta2.value_or(own.beta2),
          .weight_decay = given.weight_decay.value_or(own.weight_decay)};
}

AdafactorOptions adafactor_options(const OptimizerOptions& given) {
  const AdafactorOptions own;
  return {.learning_rate = given.learning_rate.value_or(own.learning_rate),
          .epsilon = given.epsilon.value_or(own.epsilon)};
}

}  // namespace

const std::vector<std::string>& optimizer_names() {
  static const std::vector<std::string> names = {"sgd",   "momentum", "nesterov", "adam",
                                                 "adamw", "lion",     "adafactor"};
  return names;
}

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, const Tensors& parameters,
                                          const OptimizerOptions& options) {
  require(std::ranges::find(optimizer_names(), name) != optimizer_names().end(),
          "optimizer: there is none of the name '", name,
          "'; there are sgd, momentum, nesterov, adam, adamw, lion and adafactor");
  const bool adam = name == "adam" || name == "adamw", lion = name == "lion",
             adafactor = name == "adafactor";
  const auto only = [&](bool has, const char* setting, const std::optional<double>& value) {
    require(has || !value, "optimizer: ", name, " has no ", setting);
  };
  only(name == "momentum" || name == "nesterov", "momentum", options.momentum);
  only(adam || lion, "beta1", options.beta1);
  only(adam || lion, "beta2", options.beta2);
  only(adam || adafactor, "epsilon", options.epsilon);
  only(name == "adamw" || lion, "weight decay", options.weight_decay);

  if (adam) {
    const AdamOptions own{.weight_decay = name == "adamw" ? 0.01 : 0.0};
    return std::make_unique<Adam>(parameters, adam_options(options, own));
  }
  if (lion) return std::make_unique<Lion>(parameters, lion_options(options));
  if (adafactor) return std::make_unique<Adafactor>(parameters, adafactor_options(options));
  return std::make_unique<Sgd>(parameters, options.learning_rate.value_or(0.1),
                               name == "sgd" ? 0 : options.momentum.value_or(0.9),
                               name == "nesterov" ? Momentum::nesterov : Momentum::classical);
}

}  // namespace adjoint::nn

#include <utility>

#include "nn/training/adafactor.h"

namespace adjoint::nn {
namespace {

/// Moves a setting, if it was given, so that those left over are the ones that a rule lacks.
void move(std::optional<double>& given, double& to) { to = std::exchange(given, {}).value_or(to); }

std::unique_ptr<Optimizer> make(const std::string& name, const Tensors& parameters,
                                OptimizerOptions& given) {
  if (name == "sgd" || name == "momentum" || name == "nesterov") {
    double rate = 0.1, momentum = name == "sgd" ? 0 : 0.9;
    move(given.learning_rate, rate);
    if (name != "sgd") move(given.momentum, momentum);
    return std::make_unique<Sgd>(parameters, rate, momentum,
                                 name == "nesterov" ? Momentum::nesterov : Momentum::classical);
  }
  const auto move_betas = [&](auto& options) {
    move(given.learning_rate, options.learning_rate);
    move(given.beta1, options.beta1);
    move(given.beta2, options.beta2);
  };
  if (name == "adam" || name == "adamw") {
    AdamOptions options{.weight_decay = name == "adam" ? 0 : 0.01};
    move_betas(options);
    move(given.epsilon, options.epsilon);
    if (name == "adamw") move(given.weight_decay, options.weight_decay);
    return std::make_unique<Adam>(parameters, options);
  }
  if (name == "lion") {
    LionOptions options;
    move_betas(options);
    move(given.weight_decay, options.weight_decay);
    return std::make_unique<Lion>(parameters, options);
  }
  require(name == "adafactor", "optimizer: '", name,
          "' is not one of sgd, momentum, nesterov, adam, adamw, lion and adafactor");
  AdafactorOptions options;
  move(given.learning_rate, options.learning_rate);
  move(given.epsilon, options.epsilon);
  return std::make_unique<Adafactor>(parameters, options);
}

}  // namespace

const std::vector<std::string>& optimizer_names() {
  static const std::vector<std::string> names = {"sgd",   "momentum", "nesterov", "adam",
                                                 "adamw", "lion",     "adafactor"};
  return names;
}

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, const Tensors& parameters,
                                          OptimizerOptions options) {
  std::unique_ptr<Optimizer> optimizer = make(name, parameters, options);
  for (const auto& [setting, left] :
       {std::pair("momentum", options.momentum), std::pair("beta1", options.beta1),
        std::pair("beta2", options.beta2), std::pair("epsilon", options.epsilon),
        std::pair("weight decay", options.weight_decay)})
    require(!left, "optimizer: ", name, " has no ", setting);
  return optimizer;
}

}  // namespace adjoint::nn

// The update rules. Each computes in the parameters' dtype, with factors prepared in f64: in f32,
// 1 − 0.999 would keep only four digits.
#include "nn/training/optimizer.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>

namespace adjoint::nn {
namespace {

void require_not_negative(const char* what, double value) {
  require(std::isfinite(value) && value >= 0, "optimizer: the ", what,
          " must be at least 0 and finite, got ", value);
}

}  // namespace

// The rules compute in the dtype of each parameter, so settings must also be valid after rounding
// to it.

void Optimizer::require_decay(const char* what, double value) const {
  require(value >= 0 && value < 1, "optimizer: ", what, " must be at least 0 and below 1, got ",
          value);
  require(!in_f32() || static_cast<float>(value) < 1, "optimizer: ", what, " of ",
          std::setprecision(17), value,
          " is 1 when rounded to f32, the type of a parameter; give "
          "at most ",
          std::setprecision(8), std::nextafter(1.0F, 0.0F));
}

void Optimizer::require_positive(const char* what, double value) const {
  require(std::isfinite(value) && value > 0, "optimizer: ", what,
          " must be above 0 and finite, got ", value);
  require_fits(what, value);
  require(!in_f32() || static_cast<float>(value) > 0, "optimizer: ", what, " of ", value,
          " is 0 when rounded to f32, the type of a parameter; give at least ",
          std::numeric_limits<float>::min());
}

void Optimizer::require_fits(const char* what, double value) const {
  require(!in_f32() || std::abs(value) <= std::numeric_limits<float>::max(), "optimizer: ", what,
          " of ", value, " is infinite when rounded to f32, the type of a parameter");
}

bool Optimizer::in_f32() const {
  return std::ranges::any_of(parameters_, [](const Tensor& p) { return p.dtype() == DType::f32; });
}

// ---- A step -------------------------------------------------------------------------------------

Optimizer::Optimizer(const Tensors& parameters, std::string rule, double learning_rate,
                     Settings settings, std::vector<std::string> buffers)
    : parameters_(parameters),
      buffers_(buffers.size()),
      buffer_names_(std::move(buffers)),
      rule_(std::move(rule)),
      settings_(std::move(settings)),
      initial_rate_(learning_rate),
      rate_(learning_rate) {
  require_not_negative("learning rate", learning_rate);
  if (learning_rate > 0) require_positive("the learning rate", learning_rate);
  for (Tensors& buffer : buffers_)
    for (const Tensor& parameter : parameters)
      buffer.push_back(zeros(parameter.shape(), parameter.dtype()));
}

void Optimizer::set_learning_rate(double rate) {
  require_not_negative("learning rate", rate);
  require_fits("the learning rate", rate);
  rate_ = rate;
}

void Optimizer::step(const Tensors& gradients, double scale) {
  require(std::isfinite(scale), "optimizer: the scale of the gradients must be finite, got ",
          scale);
  require(gradients.size() == parameters_.size(), "optimizer: ", gradients.size(),
          " gradients for ", parameters_.size(), " parameters");
  for (std::size_t i = 0; i < gradients.size(); ++i)
    require(gradients[i].form() == parameters_[i].form(), "optimizer: parameter ",
            parameters_[i].name(), " is ", parameters_[i].dtype(), ' ', parameters_[i].shape(),
            ", its gradient ", gradients[i].dtype(), ' ', gradients[i].shape());
  ++steps_;
  update(gradients, scale);
}

void Optimizer::state(State& visit) {
  visit.fixed("rule", rule_);
  for (const auto& [name, value] : settings_) visit.fixed(name, value);
  visit.fixed("learning_rate", initial_rate_);
  visit("current_rate", rate_)("steps", steps_);
  for (std::size_t i = 0; i < buffers_.size(); ++i)
    visit(buffer_names_[i], buffers_[i], parameters_);
}

Sgd::Sgd(const Tensors& parameters, double learning_rate, double momentum, Momentum kind)
    : Optimizer(parameters, kind == Momentum::nesterov ? "nesterov" : "sgd", learning_rate,
                {{"momentum", momentum}},
                std::vector<std::string>(momentum == 0 ? 0 : 1, "velocity")),
      momentum_(momentum),
      kind_(kind) {
  require_decay("momentum", momentum);
  require(kind == Momentum::classical || momentum > 0,
          "optimizer: Nesterov's momentum must be above 0");
}

// plain:     w ← w − η g
// classical: v ← μ v + g,  w ← w − η v
// Nesterov:  v ← μ v + g,  w ← w − η (g + μ v)
void Sgd::update(const Tensors& gradients, double scale) {
  const double rate = learning_rate(), momentum = momentum_;
  if (momentum == 0)
    each_element<0>(parameters_, gradients, scale, buffers_,
                    [=]<Real T>() { return [eta = T(rate)](T& w, T g) { w -= eta * g; }; });
  else if (kind_ == Momentum::classical)
    // The rule scales g itself: this decides which of the two products is fused with the addition,
    // and so the last bits of v.
    each_element<1>(parameters_, gradients, 1, buffers_, [=]<Real T>() {
      return [eta = T(rate), mu = T(momentum), scale = T(scale)](T& w, T g, T& v) {
        v = mu * v + scale * g;
        w -= eta * v;
      };
    });
  else
    each_element<1>(parameters_, gradients, scale, buffers_, [=]<Real T>() {
      return [eta = T(rate), mu = T(momentum)](T& w, T g, T& v) {
        v = mu * v + g;
        w -= eta * (g + mu * v);
      };
    });
}

Adam::Adam(const Tensors& parameters, const AdamOptions& options)
    : Optimizer(parameters, "adam", options.learning_rate,
                {{"beta1", options.beta1},
                 {"beta2", options.beta2},
                 {"epsilon", options.epsilon},
                 {"weight_decay", options.weight_decay}},
                {"first_moment", "second_moment"}),
      options_(options) {
  require_decay("beta1", options.beta1);
  require_decay("beta2", options.beta2);
  // With 0, a weight that never had a gradient would become 0/0.
  require_positive("epsilon", options.epsilon);
  require_not_negative("weight decay", options.weight_decay);
  require_fits("the learning rate times the weight decay",
               options.learning_rate * options.weight_decay);
}

// m ← β₁ m + (1 − β₁) g
// v ← β₂ v + (1 − β₂) g²
// w ← κ w − α m / (ς √v + ε),  κ = 1 − ηλ,  α = η / (1 − β₁ᵗ),  ς = 1 / √(1 − β₂ᵗ)
void Adam::update(const Tensors& gradients, double scale) {
  const double rate = learning_rate(), t = static_cast<double>(steps());
  each_element<2>(parameters_, gradients, scale, buffers_, [&, o = options_]<Real T>() {
    return [beta1 = T(o.beta1), rest1 = T(1 - o.beta1), beta2 = T(o.beta2), rest2 = T(1 - o.beta2),
            kappa = T(1 - rate * o.weight_decay), alpha = T(rate / (1 - std::pow(o.beta1, t))),
            sigma = T(1 / std::sqrt(1 - std::pow(o.beta2, t))),
            epsilon = T(o.epsilon)](T& w, T g, T& m, T& v) {
      m = beta1 * m + rest1 * g;
      v = beta2 * v + rest2 * g * g;
      w = kappa * w - alpha * m / (std::sqrt(v) * sigma + epsilon);
    };
  });
}

Lion::Lion(const Tensors& parameters, const LionOptions& options)
    : Optimizer(parameters, "lion", options.learning_rate,
                {{"beta1", options.beta1},
                 {"beta2", options.beta2},
                 {"weight_decay", options.weight_decay}},
                {"momentum"}),
      options_(options) {
  require_decay("beta1", options.beta1);
  require_decay("beta2", options.beta2);
  require_not_negative("weight decay", options.weight_decay);
  require_fits("the learning rate times the weight decay",
               options.learning_rate * options.weight_decay);
}

void Lion::update(const Tensors& gradients, double scale) {
  const double rate = learning_rate();
  each_element<1>(parameters_, gradients, scale, buffers_, [&, o = options_]<Real T>() {
    return [beta1 = T(o.beta1), rest1 = T(1 - o.beta1), beta2 = T(o.beta2), rest2 = T(1 - o.beta2),
            kappa = T(1 - rate * o.weight_decay), eta = T(rate)](T& w, T g, T& m) {
      const T c = beta1 * m + rest1 * g;
      const T sign = (c > 0 ? T{1} : T{0}) - (c < 0 ? T{1} : T{0});
      w = kappa * w - eta * sign;
      m = beta2 * m + rest2 * g;
    };
  });
}

// ---- By name ------------------------------------------------------------------------------------

namespace {

// Moves a setting, if it was given, so that what is left over is what the rule lacks.
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

// The exercise of lesson 7: let the gradient move a point instead of the weights. Train, take a
// point of the first spiral, and walk along −∂z/∂x until the network changes its mind. How far is
// that? Does z fall faster in any other direction?
//
// The walk ends half-way to the next arm of the other spiral. Of all short steps of one length, the
// one along −∂z/∂x lowers z most: that is what a gradient is. In networks for pictures the same
// walk is so short that nobody sees a change. (Goodfellow, Shlens and Szegedy, "Explaining and
// harnessing adversarial examples", 2015.)

#include <cmath>
#include <iostream>
#include <numbers>

#include "examples/adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim;

struct Network : nn::Module {
  nn::Linear first{2, 32, Key(1)}, second{32, 32, Key(2)}, last{32, 1, Key(3)};
  void fields(nn::Fields& visit) override { visit("first", first)("second", second)("last", last); }
  Tensor operator()(const Tensor& at) const { return last(tanh(second(tanh(first(at))))); }
};

// The point of the first spiral (side 1) or the second one (side −1) at t: [points, 2].
Tensor spiral(const Tensor& t, const Tensor& side) {
  const Tensor radius = side * (0.5 + 3.5 * t), angle = 3 * std::numbers::pi * t;  // [points, 1]
  return concat({radius * cos(angle), radius * sin(angle)}, 1);
}

void train(const Network& network) {
  const Tensor t = uniform({600, 1}, 0, 1, Key(4));
  const Tensor side = 2 * cast(random_integers({600, 1}, 0, 2, Key(5)), DType::f32) - 1;
  const Tensor points = spiral(t, side) + normal({600, 2}, 0, 0.05, Key(6));
  const Tensors parameters = nn::parameters(network);
  nn::Adam optimizer(parameters, {.learning_rate = 0.01});
  for (int step = 0; step < 500; ++step)
    optimizer.step(grad(mean(softplus(-(side * network(points)))), parameters));
}

void solution() {
  const Network network;
  train(network);
  const auto z = [&](const Tensor& at) { return network(at).item(); };
  // The unit vector along −∂z/∂x: the point is the variable, and the weights are constants.
  const auto downhill = [&](const Tensor& at) {
    const Tensor x = variable(at);
    const Tensor slope = grad(sum(network(x)), {x})[0];  // [1, 2]
    return -slope / norm(slope);
  };

  const Tensor start = spiral(full({1, 1}, 0.6), ones({1, 1}));
  claim("at the start the answer is the first spiral", z(start) > 0);
  Tensor at = start;
  for (int step = 0; step < 200 && z(at) > 0; ++step) at = detach(at + 0.01 * downhill(at));
  claim("at the end it is the second one", z(at) < 0);
  const double distance = norm(at - start).item();
  std::cout << "from " << start << "\nto   " << at << "\ndistance " << distance << '\n';
  claim("the walk is shorter than from arm to arm, which is 1.2", distance < 1.2);

  const double step = 1e-2, best = z(start + step * downhill(start));
  bool is_best = true;
  for (int degrees = 0; degrees < 360; degrees += 30) {
    const double angle = degrees * std::numbers::pi / 180;
    const Tensor way = tensor({{std::cos(angle), std::sin(angle)}});
    is_best = is_best && best < z(start + step * way) + 1e-4;
  }
  claim("in none of twelve directions does z fall faster", is_best);
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, solution); }

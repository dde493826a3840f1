// Lesson 7: a network that learns two spirals.
//
// After it you can write a training loop, test whether it is wired correctly, and recognise
// gradients that were not zeroed. It takes about 15 minutes and builds on lesson 3 (backward() adds
// up) and lesson 5 (products of a batch).

#include <iostream>
#include <numbers>

#include "adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::predict, lesson::say;

// Points in the plane, and which of two spirals each belongs to. No line separates the two.
struct Points {
  Tensor at, side;  // [points, 2]; [points, 1], 1 for the first spiral and −1 for the second
};

// A spiral starts at radius 0.5 and makes one and a half turns on its way to radius 4. The second
// one is the first one mirrored at the origin. The points lie along both, a little off the line.
Points spirals(Index n, Key key) {
  const Tensor side = 2 * cast(random_integers({n, 1}, 0, 2, key.child("side")), DType::f32) - 1;
  const Tensor t = uniform({n, 1}, 0, 1, key.child("along")), off = normal({n, 2}, 0, 0.05, key);
  const Tensor radius = side * (0.5 + 3.5 * t), angle = 3 * std::numbers::pi * t;  // [points, 1]
  return {concat({radius * cos(angle), radius * sin(angle)}, 1) + off, side};
}

// An nn::Linear(inputs, outputs, key) has a random weight W and a bias b, and computes x Wᵀ + b.
struct Network : nn::Module {
  nn::Linear first{2, 32, Key(1)}, second{32, 32, Key(2)}, last{32, 1, Key(3)};
  void fields(nn::Fields& visit) override { visit("first", first)("second", second)("last", last); }
  Tensor operator()(const Tensor& at) const {    // positive for the first spiral
    return last(tanh(second(tanh(first(at)))));  // [points, 2] → 32 → 32 → [points, 1]
  }
};

// The mean of log(1 + e^(−z)), where z > 0 is the right answer: near 0 if the network is sure and
// right, near |z| if it is sure and wrong.
Tensor loss_of(const Network& network, const Points& points) {
  return mean(softplus(-(points.side * network(points.at))));
}
double accuracy(const Network& network, const Points& points) {
  return mean(cast(greater(points.side * network(points.at), scalar(0)), DType::f32)).item();
}

enum class Zeroing { no, yes };
struct Step {
  double loss, norm;  // the norm is √Σ g² over the gradients of all parameters
};

// The training loop: forward, backward, update. Gradient descent would be w ← w − rate · g. Adam
// divides each g by its usual size first, so that all weights move at about the same speed.
std::vector<Step> train(const Network& network, const Points& points, int steps, Zeroing zeroing) {
  Tensors parameters = nn::parameters(network);
  nn::Adam optimizer(parameters, {.learning_rate = 0.01});
  std::vector<Step> history;
  for (int step = 0; step < steps; ++step) {
    const Tensor loss = loss_of(network, points);
    if (zeroing == Zeroing::yes)  // the planted bug: this is left out
      for (Tensor& parameter : parameters) parameter.clear_grad();
    backward(loss);  // adds to what each parameter's grad() holds
    Tensors gradients;
    for (const Tensor& parameter : parameters) gradients.push_back(parameter.grad());
    optimizer.step(gradients);
    history.push_back({loss.item(), nn::global_norm(gradients)});
    if (step % (steps / 10) == 0)
      std::cout << "  step " << step << "\tloss " << history.back().loss
                << "\tnorm of the gradient " << history.back().norm << '\n';
  }
  return history;
}

// The network's answers in the plane, a dot for the first spiral, and over them the points.
void draw(const Network& network, const Points& points) {
  constexpr int lines = 36, columns = 2 * lines;
  constexpr float reach = 4.5;  // from −reach to reach in both directions
  const Tensor x = reach * (2 * arange(columns) + (1 - columns)) / columns;  // [columns]
  std::vector<std::string> picture(lines);
  for (int line = 0; line < lines; ++line) {
    const Tensor y = full({columns}, reach * float(lines - 1 - 2 * line) / lines);
    const Tensor z = network(stack({x, y}, 1));  // [columns, 2] → [columns, 1]
    for (const float answer : z.values<float>())
      picture[std::size_t(line)] += answer > 0 ? '.' : ' ';
  }
  const auto place = [](double at, int n) { return std::size_t((at / reach + 1) / 2 * n); };
  for (Index i = 0; i < points.at.size(0); ++i)
    picture[place(-points.at.at({i, 1}), lines)][place(points.at.at({i, 0}), columns)] =
        points.side.at({i, 0}) > 0 ? 'o' : 'x';
  for (const std::string& line : picture) std::cout << "  " << line << '\n';
}

// ---- The lesson --------------------------------------------------------------------------------

void few_points() {
  part("Overfit a few points first");
  predict(
      "An untrained network knows nothing, and its z are near 0. What is its loss, the mean of "
      "log(1 + e^(−z))? It has 1,185 numbers to adjust. How low can the loss of 32 points get?");
  const Points few = spirals(32, Key(4));
  const Network network;
  const std::vector<Step> right = train(network, few, 400, Zeroing::yes);
  claim("the first loss is near log 2", right.front().loss, std::log(2), 0.2);
  claim("the last one is nearly 0: below 0.01", right.back().loss < 0.01);
  claim("all 32 points are right", accuracy(network, few) == 1);
  say("A network that cannot learn 32 points by heart has a mistake somewhere between data and "
      "update, and more data will not help. So this is the first test of every training loop.");

  part("Break: gradients that are not zeroed");
  predict("Now backward() adds to the gradients of all earlier steps. What becomes of the loss?");
  const std::vector<Step> broken = train(Network(), few, 400, Zeroing::no);
  say("It may fall at first: the sum of all gradients so far is a heavy ball rolling downhill. But "
      "there is no friction, and the ball rolls through every valley. A loss that does not fall "
      "has many causes. The norm names this one: it should fall with the loss, but it grows.");
  claim("the last loss is not even below 0.1", broken.back().loss > 0.1);
  claim("after 20 steps the norm has tripled", broken[20].norm > 3 * broken[0].norm);
  claim("at the end it is over ten times the first", broken.back().norm > 10 * broken[0].norm);

  part("Repair: zero them, as the first loop did");
  claim("after 20 steps the norm is below a third", right[20].norm < right[0].norm / 3);
  claim("at the end below a hundredth", right.back().norm < right[0].norm / 100);
}

void six_hundred_points() {
  part("Two spirals");
  const Points points = spirals(600, Key(5));
  const Network network;
  train(network, points, 500, Zeroing::yes);
  draw(network, points);
  claim("it gets 99% of new points right", accuracy(network, spirals(1000, Key(6))) > 0.99);
}

void lesson_of_spirals() {
  few_points();
  six_hundred_points();
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, lesson_of_spirals); }

// Break it yourself: delete the minus in loss_of and run again. The loss goes to 0 all the same,
// but two claims fail. Which ones, and why those?
//
// Exercise: let the gradient move a point instead of the weights. Train, take a point of the first
// spiral, and walk along −∂z/∂x until the network changes its mind. How far is that? Does z fall
// faster in any other direction? The solution is examples/solutions/07_two_spirals.cpp.

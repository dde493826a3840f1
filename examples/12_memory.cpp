// Lesson 12: where the memory goes, and how to need less.
//
// After it you can tell what a tape keeps and for how long, trade time for memory, and cut a batch
// into shards without changing its gradient. It takes 15 minutes and builds on lessons 6 and 7.

#include <cmath>

#include "adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::predict, lesson::say;

constexpr Index size = 1 << 17;  // numbers of f64 in 1 MB
double megabytes(std::size_t bytes) { return std::round(static_cast<double>(bytes) / (8 * size)); }

const TensorFunction squash = [](const Tensor& x) { return tanh(x); };
Tensor repeated(const TensorFunction& f, Tensor x, int times) {  // f(f(… f(x)))
  for (int i = 0; i < times; ++i) x = f(x);
  return x;
}

// The MB in use because the result of `make` exists.
double behind(const std::function<Tensor()>& make) {
  const std::size_t before = memory::in_use();
  const Tensor result = make();
  return megabytes(memory::in_use() - before);
}

// The gradient of the sum of f, applied eight times, and the MB in use at the peak.
std::pair<Tensor, double> gradient_and_peak(const TensorFunction& f, const Tensor& x) {
  const std::size_t before = memory::in_use();
  memory::reset_peak();
  const Tensor gradient = grad(sum(repeated(f, x, 8)), {x}, {.consume = true})[0];
  return {gradient, megabytes(memory::peak() - before)};
}

// The squared errors of a linear model, summed over the examples from `begin` to `end`. The
// examples are sorted by size, as sentences are by length.
constexpr Index examples = 3000;
Tensor summed_errors(const Tensor& w, Index begin, Index end) {
  const Tensor sizes = reshape(arange(examples, DType::f64) / examples, {-1, 1});  // [examples, 1]
  const Tensor all = sizes * normal({examples, 4}, 1, 1, Key(1), DType::f64);      // [examples, 4]
  const Tensor errors = matmul(slice(all, 0, begin, end), w) - 1;  // [end − begin]
  return sum(errors * errors);
}

struct Shard {
  Index begin, end;
};
const std::vector<Shard> shards = {{0, 500}, {500, 1000}, {1000, examples}};

// The gradient of a shard's errors, divided by `count`. (vjp() is grad() for a function.)
Tensor gradient_of(const Shard& shard, const Tensor& w, Index count) {
  const auto errors = [&](const Tensor& at) {
    return summed_errors(at, shard.begin, shard.end) / static_cast<double>(count);
  };
  return vjp(errors, w).pullback(scalar(1, DType::f64));
}

// Divided by the whole batch's count, the gradients add up. One shard's tape at a time is in use.
Tensor added_up(const Tensor& w) {
  Tensor total = zeros(w.shape(), DType::f64);
  for (const Shard& shard : shards) total = total + gradient_of(shard, w, examples);
  return total;
}
// The planted bug: each divided by its own count, then averaged. Right only for equal shards.
Tensor averaged(const Tensor& w) {
  Tensor total = zeros(w.shape(), DType::f64);
  for (const Shard& shard : shards) total = total + gradient_of(shard, w, shard.end - shard.begin);
  return total / static_cast<double>(shards.size());
}

// Is this the gradient of the whole batch's mean error?
GradcheckReport check(Tensor (*gradient)(const Tensor& w)) {
  const auto mean_error = [](std::span<const double> w) {
    return summed_errors(from(w, {4}), 0, examples).item() / examples;
  };
  const auto its_gradient = [&](std::span<const double> w) {
    const Tensor result = gradient(from(w, {4}));
    const auto values = result.values<double>();
    return std::vector<double>(values.begin(), values.end());
  };
  return check_gradient(mean_error, its_gradient, Array<double>{"w", {4}, {0.5, -1, 2, 0.3}});
}

void what_is_kept(const Tensor& x) {
  part("What a tape keeps: what the vjps read");
  predict("ten in a row make ten tensors of 1 MB. Which of x + 1, tanh x and sin x keep all ten?");
  const auto kept = [&](const TensorFunction& f) {
    return behind([&] { return sum(repeated(f, x, 10)); });
  };
  claim("MB kept for x + 1, which reads nothing", kept([](const Tensor& v) { return v + 1; }), 0);
  claim("MB kept for tanh, which reads its output", kept(squash), 10);
  claim("MB kept for sin, which reads its input", kept([](const Tensor& v) { return sin(v); }), 9);
  say("x̄ = ȳ (1 − y²) reads y. x̄ = ȳ cos x reads x, and the first x is there in any case.");
}

void when_it_is_freed(const Tensor& x) {
  part("When it is freed");
  predict("a loop adds up losses: total = total + loss. How many tapes are held after 3 steps?");
  const auto loss = [&] { return sum(repeated(squash, x, 10)); };
  claim("MB held by a sum of losses", behind([&] { return loss() + loss() + loss(); }), 30);
  claim("MB held by the number loss.item()", behind([&] { return scalar(loss().item()); }), 0);
  const Tensor y = loss();
  const std::size_t before = memory::in_use();
  grad(y, {x}, {.consume = true});
  claim("MB freed by a consuming sweep", megabytes(before - memory::in_use()), 10);
}

void recomputing(const Tensor& x) {
  part("Time for memory");
  predict("64 operations in segments of 8, each computed again by the sweep. What is the peak?");
  const TensorFunction segment = [](const Tensor& v) { return repeated(squash, v, 8); };
  const TensorFunction again = [&](const Tensor& v) { return recomputed(segment, v); };
  const auto [plain, all] = gradient_and_peak(segment, x);
  const auto [same, few] = gradient_and_peak(again, x);
  say(text_from(all, " MB. In segments ", few, " MB: 8 enter them, 8 are within one, a few more."));
  claim("less than a third, for a second forward pass", few < all / 3);
  claim("the gradients differ by", max(abs(plain - same)).item(), 0, 0);
}

void break_and_repair() {
  part("Break: a batch in unequal shards, averaged");
  predict("shards of 500, 500 and 2000 examples: may we average the gradients of their means?");
  const GradcheckReport wrong = check(averaged), right = check(added_up);
  say(text_from(wrong));
  claim("the check names it", text_from(wrong).find("a factor is wrong") != std::string::npos);
  say("An example in a small shard counted four times as much as one in the large shard.");
  part("Repair: sums over the shards, divided by the whole count");
  say(text_from(right));
  claim("the gradient of one batch", bool(right));
}

void lesson_of_memory() {
  const Tensor x = variable(normal({size}, 0, 1, Key(12), DType::f64), "x");
  what_is_kept(x);
  when_it_is_freed(x);
  recomputing(x);
  break_and_repair();
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, lesson_of_memory); }

// Break it yourself: let added_up() divide by `examples / 2`. The last claim fails.
// Exercise: which length of a segment needs the least memory? (solutions/12_memory.cpp)

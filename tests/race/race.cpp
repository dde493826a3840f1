// From many threads at once, uses everything that threads share, for the thread sanitizer: the
// pool, the free lists of memory and their counters, shared models, parameters and graphs, tensors
// that one thread makes and another drops, observers, and threads that come and go.
//
//   race [ROUNDS]   ends without a report of the sanitizer
//   race planted    has a data race, which the sanitizer must report

#include <array>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "examples/adjoint.h"

namespace {

using namespace adjoint;

constexpr Index padding = 0, begin = 1, end = 2, tokens = 12;

std::vector<nn::Ids> strings(Index count, Key key) {
  std::vector<nn::Ids> result;
  for (Index i = 0; i < count; ++i) {
    const Tensor ids =
        random_integers({1 + i % 5}, 3, tokens, key.child(static_cast<std::uint64_t>(i)));
    result.emplace_back(ids.values<Index>().begin(), ids.values<Index>().end());
  }
  return result;
}

nn::Transformer make_model() {
  nn::TransformerConfig config;
  config.source_tokens = config.target_tokens = tokens;
  config.width = config.hidden = 32;
  return nn::Transformer(config, Key(1));
}

// What the threads share.
struct Shared {
  nn::Transformer model = make_model();
  Tensors parameters = nn::parameters(model);
  Profile profile;
  std::mutex mutex;  // protects handed_over only; the library needs no lock
  Tensors handed_over;
};

// Gradients with respect to parameters that all threads read.
void train(Shared& shared, Key key) {
  const auto batch = [](const auto& ids) { return nn::Sequences::padded(ids, padding); };
  const nn::Sequences sources = batch(strings(8, key));
  const Tensor logits = shared.model.logits(sources, sources, nn::Context::training(key));
  const nn::LossSum loss = nn::masked_cross_entropy(logits, sources.ids, padding);
  grad(loss.sum, shared.parameters, {.consume = true});
}

void decode(Shared& shared, Key key) {
  nn::greedy(shared.model, strings(4, key),
             {.begin = begin, .end = end, .padding = padding, .max_length = 6});
}

// Work large enough for the pool. The next thread that comes here drops the results.
void compute(Shared& shared, Key key) {
  const Tensor x = normal({300, 300}, 0, 1, key);
  Tensors results = {matmul(x, x), softmax(x), sum(exp(x), {0})};
  const std::lock_guard lock(shared.mutex);
  std::swap(shared.handed_over, results);
}

void observe(Shared& shared, Key key) {
  const Observing observing(shared.profile);
  DetectAnomaly anomaly;
  const Tensor x = variable(uniform({50}, 1, 2, key), "x");
  const Tensor y = sum(log(x) * x);
  std::ostringstream text;
  print_tape(text, y);
  print_dot(text, y);
  text << grad(y, {x})[0] << shared.profile;
}

void manage(Shared&, Key) {
  memory::reset_peak();
  memory::release_unused();
  set_threads(2 + static_cast<int>(memory::in_use() % 3));
  std::thread([] { sum(ones({100})).item(); }).join();
}

void run(int rounds) {
  Shared shared;
  constexpr std::array tasks = {train, decode, compute, observe, manage};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t round = 0; round < static_cast<std::size_t>(rounds); ++round)
        tasks[(t + round) % tasks.size()](shared, Key(t).child(round));
    });
  for (std::thread& thread : threads) thread.join();
}

void plant() {
  int shared = 0;
  std::thread first([&] { ++shared; }), second([&] { ++shared; });
  first.join();
  second.join();
  std::cout << shared << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  const std::string argument = argc > 1 ? argv[1] : "20";
  if (argument == "planted")
    plant();
  else
    run(std::atoi(argument.c_str()));
}

#include "nn/layers/pointer.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>

#include "nn/checks/gradcheck.h"
#include "nn/training/loss.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Index tokens = 5, beyond = 3, width = 4, memory_width = 6;
const Context inference = Context::inference();

// Two sources. Ids 5, 6 and 7 are beyond the vocabulary; the first source writes 3 twice.
const std::vector<Index> source_lengths = {4, 2}, target_lengths = {2, 3};
const Tensor written = from<Index>({3, 6, 3, none, 5, 4, none, none}, {2, 4});

Pointer made(DType dtype = DType::f64) {
  Pointer pointer = nn::cast(Pointer(width, memory_width, beyond, Key(1)), dtype);
  shake(pointer, Key(2), 0.5);
  return pointer;
}

struct Input {
  Tensor h, logits, memory;
  Layout target, source;
};

Input some_input(In layout, DType dtype = DType::f64) {
  const bool packed = layout == In::packed;
  Input in{{},
           {},
           {},
           packed ? Layout::packed(target_lengths) : Layout::padded(target_lengths, 3),
           packed ? Layout::packed(source_lengths) : Layout::padded(source_lengths, 4)};
  const auto rows = [&](const Layout& of, Index features, std::uint64_t key) {
    const Layout packed_rows = Layout::packed(of.lengths());
    return in_layout(normal({packed_rows.rows(), features}, 0, 1, Key(key), dtype), of);
  };
  in.h = rows(in.target, width, 3);
  in.logits = rows(in.target, tokens, 4);
  in.memory = rows(in.source, memory_width, 5);
  return in;
}

Tensor result_of(const Pointer& pointer, const Input& in, const Tensor& writes = written) {
  return pointer(in.h, in.logits, in.target, pointer.source(in.memory, in.source, writes),
                 inference);
}

double dot(const Tensor& a, Index i, const Tensor& b, Index j) {
  double sum = 0;
  for (Index k = 0; k < a.size(-1); ++k) sum += a.at({i, k}) * b.at({j, k});
  return sum;
}

BOOST_AUTO_TEST_SUITE(pointer)

// g p_vocabulary(w) + (1 − g) Σ a, in plain loops.
BOOST_AUTO_TEST_CASE(the_result_is_the_mixture_of_both_distributions) {
  const Pointer pointer = made();
  const Input in = some_input(In::packed);
  const Tensor result = result_of(pointer, in);
  BOOST_TEST(result.shape() == Shape({5, tokens + beyond}));
  const Tensor q = pointer.query(in.h), k = pointer.key(in.memory), g = pointer.gate(in.h);
  for (Index example = 0, row = 0; example < 2; ++example)
    for (Index step = 0; step < in.target.length(example); ++step, ++row) {
      const double gate = 1 / (1 + std::exp(-g.at({row, 0})));
      std::map<Index, double> p;
      double total = 0;
      for (Index w = 0; w < tokens; ++w) total += std::exp(in.logits.at({row, w}));
      for (Index w = 0; w < tokens; ++w) p[w] = gate * std::exp(in.logits.at({row, w})) / total;
      double weights = 0;
      std::map<Index, double> copies;
      for (Index j = 0; j < in.source.length(example); ++j) {
        const auto w = static_cast<Index>(written.at({example, j}));
        if (w == none) continue;
        const double a = std::exp(dot(q, row, k, in.source.begin(example) + j) / std::sqrt(4.0));
        copies[w] += a;
        weights += a;
      }
      for (const auto& [w, a] : copies) p[w] += (1 - gate) * a / weights;
      double sum = 0;
      for (Index w = 0; w < tokens + beyond; ++w) {
        const double log_p = result.at({row, w});
        if (p.contains(w))
          BOOST_TEST(log_p == std::log(p[w]), boost::test_tools::tolerance(1e-12));
        else
          BOOST_TEST(log_p == -infinity);
        sum += std::exp(log_p);
      }
      BOOST_TEST(sum == 1, boost::test_tools::tolerance(1e-12));
    }
}

BOOST_AUTO_TEST_CASE(its_cross_entropy_has_the_right_gradients) {
  const Tensor targets = from<Index>({6, 3, 4, 5, 0}, {5});  // copied, both, both, copied, padding
  for (const bool composed_form : {false, true}) {
    const FlagGuard guard(&Ambient::composed, composed_form);
    const Input in = some_input(In::packed);
    const auto loss = [&](const Pointer& pointer, const Tensors& x) {
      const Tensor log_p =
          pointer(x[0], x[1], in.target, pointer.source(x[2], in.source, written), inference);
      return masked_cross_entropy(log_p, targets, 0).sum;
    };
    BOOST_TEST(nn::gradcheck(made(), loss, {in.h, in.logits, in.memory}, {.order = 2}));
  }
}

BOOST_AUTO_TEST_CASE(padded_equals_packed) {
  const Pointer pointer = made();
  const Input packed = some_input(In::packed), padded = some_input(In::padded);
  const Tensor rows = real_rows(result_of(pointer, padded), padded.target);
  BOOST_TEST(distance({exp(rows)}, {exp(result_of(pointer, packed))}) < 1e-14);
}

// In f32, e⁻²⁰⁰ is 0.
BOOST_AUTO_TEST_CASE(a_tiny_probability_has_a_loss_and_a_gradient) {
  Pointer pointer = made(DType::f32);
  Input in = some_input(In::packed, DType::f32);
  in.h = variable(in.h);
  in.logits = variable(in.logits * 300);
  pointer.query.weight = variable(pointer.query.weight * 300);
  pointer.gate.weight = variable(pointer.gate.weight * 300);
  for (const Index target : {0, 3, 4, 5}) {
    const Tensor loss =
        cross_entropy(slice(result_of(pointer, in), 0, 4, 5), from<Index>({target}, {1}));
    BOOST_TEST(std::isfinite(loss.at({0})));
    for (const Tensor& g : grad(sum(loss), {in.h, in.logits, pointer.query.weight}))
      BOOST_TEST(all_finite(g));
  }
}

BOOST_AUTO_TEST_CASE(without_a_token_to_copy_the_decoder_decides) {
  const Pointer pointer = made();
  const Input in = some_input(In::packed);
  const Tensor nothing = full({2, 4}, none, DType::i64);
  const Tensor result = result_of(pointer, in, nothing);
  BOOST_TEST(distance({slice(result, 1, 0, tokens)}, {log_softmax(in.logits)}) < 1e-15);
  for (const double x : slice(result, 1, tokens, tokens + beyond).values<double>())
    BOOST_TEST(x == -infinity);
}

// What an example holds at padding, or where nothing can be copied, reaches nothing.
BOOST_AUTO_TEST_CASE(nothing_comes_from_padding) {
  const Pointer pointer = made();
  Input in = some_input(In::padded);
  const Tensor before = real_rows(result_of(pointer, in), in.target);
  Tensor memory = copy(in.memory);
  for (const Index step : {2, 3})
    for (Index i = 0; i < memory_width; ++i)
      memory.edit<double>()[static_cast<std::size_t>((4 + step) * memory_width + i)] = 1e3;
  in.memory = variable(memory);
  const Tensor result = result_of(pointer, in);
  BOOST_TEST(same_bits({exp(real_rows(result, in.target))}, {exp(before)}));
  const Tensor finite =
      where(equal(result, scalar(-infinity, DType::f64)), scalar(0, DType::f64), result);
  const Tensor g = grad(sum(finite), {in.memory})[0];
  for (const Index step : {2, 3})
    for (Index i = 0; i < memory_width; ++i) BOOST_TEST(g.at({1, step, i}) == 0);
}

BOOST_AUTO_TEST_CASE(errors) {
  BOOST_CHECK_EXCEPTION(Pointer(4, 4, 0, Key(1)), Error,
                        says("pointer: needs at least one id beyond the vocabulary, has 0"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

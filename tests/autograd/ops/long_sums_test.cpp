// Long sums stay accurate: the error of every product, reduction and gradient grows like the
// logarithm of the number of terms, in every layout. Equal terms are the hardest, because all
// roundings of a chain go in the same direction: in one chain of f32, a million times 0.1 loses 1%.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

// A function of positive x [n] whose results are sums of positive numbers, or come from such sums.
struct Named {
  const char* name;
  Tensors (*f)(const Tensor& x);
  Index longest = 1'000'000;
};

Tensor fill(const Shape& shape, double value, const Tensor& like) {
  return full(shape, value, like.dtype());
}
Tensor column(const Tensor& x) { return reshape(x, {-1, 1}); }
Tensor row(const Tensor& x) { return reshape(x, {1, -1}); }

// The gradients of y for this cotangent, by default ones.
Tensors gradients(const Tensor& y, const Tensors& of, const Tensor& cotangent = {}) {
  return grad(Tensors{y}, of, {cotangent.defined() ? cotangent : ones(y.shape(), y.dtype())});
}

// All four layouts of a product of [rows, n] and [n, columns].
Tensors products(const Tensor& x, Index rows, Index columns) {
  const Index n = x.size(0);
  const Tensor wide = broadcast_to(x, {rows, n}), tall = broadcast_to(column(x), {n, rows});
  const Tensor b = fill({n, columns}, 0.7, x), turned = fill({columns, n}, 0.7, x);
  return {matmul(wide, b), matmul(tall, b, Transposed::a), matmul(wide, turned, Transposed::b),
          matmul(tall, turned, Transposed::both)};
}

Tensors attention_to(const Tensor& x, Index queries) {
  const Index n = x.size(0);
  const Tensor q = variable(fill({1, queries, 2}, 0.5, x)), k = fill({1, n, 2}, 0.1, x),
               v = broadcast_to(reshape(x, {1, n, 1}), {1, n, 2});
  const auto all = std::make_shared<AttentionPattern>(AttentionPattern::whole(1, queries, n));
  return {attention(q, k, v, all)};
}

const Named cases[] = {
    {"dot product", [](const Tensor& x) { return Tensors{matmul(x, fill(x.shape(), 0.7, x))}; }},
    {"1 × 1", [](const Tensor& x) { return products(x, 1, 1); }},
    {"1 × 7", [](const Tensor& x) { return products(x, 1, 7); }, 100'000},
    {"7 × 1", [](const Tensor& x) { return products(x, 7, 1); }, 100'000},
    {"1 × 50", [](const Tensor& x) { return products(x, 1, 50); }, 10'000},
    {"50 × 1", [](const Tensor& x) { return products(x, 50, 1); }, 10'000},
    {"3 × 3", [](const Tensor& x) { return products(x, 3, 3); }, 100'000},
    {"13 × 13", [](const Tensor& x) { return products(x, 13, 13); }, 10'000},
    {"40 × 40", [](const Tensor& x) { return products(x, 40, 40); }, 10'000},
    {"a batch of products of one row",
     [](const Tensor& x) {
       const Tensor b = broadcast_to(reshape(x, {1, -1, 1}), {3, x.size(0), 1});
       return Tensors{matmul(fill({3, 1, x.size(0)}, 0.7, x), b)};
     }},
    {"the weight and the bias of one feature",
     [](const Tensor& x) {
       const Tensor w = variable(fill({1, 1}, 1, x)), b = variable(fill({1}, 1, x));
       return gradients(linear(column(x), w, b), {w, b}, column(x));
     }},
    {"the weight and the bias of two features",
     [](const Tensor& x) {
       const Tensor w = variable(fill({3, 2}, 1, x)), b = variable(fill({3}, 1, x));
       return gradients(linear(concat({column(x), column(x)}, 1), w, b), {w, b});
     }},
    {"a factor that was broadcast",
     [](const Tensor& x) {
       const Tensor w = variable(fill({1, 1}, 0.7, x));
       return gradients(matmul(reshape(x, {-1, 1, 1}), w), {w});
     }},
    {"sum",
     [](const Tensor& x) {
       return Tensors{sum(x), sum(column(x), {0}), sum(row(x), {1})};
     }},
    {"sum of columns",
     [](const Tensor& x) {
       return Tensors{sum(broadcast_to(column(x), {x.size(0), 3}), {0})};
     }},
    {"mean and variance",
     [](const Tensor& x) {
       return Tensors{mean(x), variance(x)};
     }},
    {"logsumexp",
     [](const Tensor& x) {
       return Tensors{logsumexp(x), logsumexp(column(x), {0})};
     }},
    {"a number that was broadcast",
     [](const Tensor& x) {
       const Tensor c = variable(fill({1}, 1, x));
       return gradients(c * x, {c});
     }},
    {"embedding",
     [](const Tensor& x) {
       const Tensor table = variable(fill({2, 1}, 1, x));
       return gradients(embedding(zeros(x.shape(), DType::i64), table), {table}, column(x));
     }},
    {"gather",
     [](const Tensor& x) {
       const Tensor rows = variable(fill({2, 3}, 1, x));
       const Tensor y = gather(rows, ones(x.shape(), DType::i64), 1);  // [2, n]
       return gradients(y, {rows}, broadcast_to(x, y.shape()));
     }},
    {"softmax",
     [](const Tensor& x) {
       const Tensor z = variable(x), y = softmax(z);
       const Tensor g = cast(uniform(x.shape(), 0, 1, Key(311)), x.dtype());
       return Tensors{y, gradients(y, {z}, g)[0]};
     }},
    {"log_softmax", [](const Tensor& x) { return Tensors{log_softmax(x)}; }},
    {"cross-entropy",
     [](const Tensor& x) {
       return Tensors{cross_entropy(x, zeros({}, DType::i64)),
                      cross_entropy(x, zeros({}, DType::i64), {.smoothing = 0.5})};
     }},
    {"a long row of rms_norm",
     [](const Tensor& x) { return Tensors{rms_norm(x, fill(x.shape(), 1, x))}; }},
    {"gain and bias",
     [](const Tensor& x) {
       Tensors all;
       for (const Index width : {1, 3}) {
         const Tensor gain = variable(fill({width}, 1, x)), bias = variable(fill({width}, 0, x));
         const Tensor rows = broadcast_to(column(x), {x.size(0), width});
         all.push_back(gradients(layer_norm(rows, gain, bias), {bias}, rows)[0]);
         all.push_back(gradients(add_norm(rows, rows, gain, bias), {bias}, rows)[0]);
         all.push_back(gradients(rms_norm(rows, gain), {gain}, rows)[0]);
       }
       return all;
     }},
    {"the gradient of a value for many queries",
     [](const Tensor& x) {
       const Index n = x.size(0);
       const Tensor k = fill({2, 1, 2}, 0.1, x), v = variable(fill({2, 1, 2}, 1, x));
       const auto all = std::make_shared<AttentionPattern>(AttentionPattern::whole(2, n, 1));
       const Tensor y = attention(fill({2, n, 2}, 0.5, x), k, v, all);
       return gradients(y, {v}, broadcast_to(reshape(x, {1, n, 1}), y.shape()));
     },
     100'000},
    {"attention, one query", [](const Tensor& x) { return attention_to(x, 1); }},
    {"attention, three queries", [](const Tensor& x) { return attention_to(x, 3); }, 100'000},
};

BOOST_AUTO_TEST_SUITE(long_sums)

// The error is at most 4 ε log₂ n times the largest element.
BOOST_AUTO_TEST_CASE(the_error_grows_like_the_logarithm_of_the_length) {
  for (const bool composed : {false, true})
    for (const Named& named : cases)
      for (const Index n : {1, 100, 512, 1'000, 10'000, 100'000, 1'000'000})
        for (const bool equal : {true, false}) {
          if (n > named.longest || (composed && n != 10'000)) continue;
          const Tensor x = equal ? full({n}, 0.1) : uniform({n}, 0.05, 1, Key(310));
          const auto run = [&](const Tensor& in) {
            std::optional<Composed> guard;
            if (composed) guard.emplace();
            return named.f(in);
          };
          const Tensors narrow = run(x), exact = run(cast(x, DType::f64));
          for (std::size_t i = 0; i < exact.size(); ++i) {
            const double scale = std::max(max(abs(exact[i])).item(), 1e-30);
            const double error = max(abs(cast(narrow[i], DType::f64) - exact[i])).item() / scale /
                                 static_cast<double>(std::numeric_limits<float>::epsilon());
            BOOST_TEST(error <= 4 * std::log2(static_cast<double>(n) + 2),
                       named.name << (composed ? ", composed" : "") << ", result " << i << " of "
                                  << n << (equal ? " equal" : "") << " terms: off by " << error
                                  << " ε");
          }
        }
}

// The rounded mean of a constant row may differ from its number; the corrected mean does not.
BOOST_AUTO_TEST_CASE(a_long_constant_row_gives_the_bias) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const double number : {0.1, 1e6 + 0.3, -7e-5})
      for (const Index n : {1, 49, 1'000, 30'000, 2'000'000}) {
        const Tensor x = full({n}, number, dtype), gain = full({n}, 3, dtype);
        const Tensor bias = full({n}, 0.7, dtype);
        BOOST_TEST(same_bits(layer_norm(x, gain, bias), bias), number << ", " << n << " times");
        BOOST_TEST(same_bits(add_norm(x, x, gain, bias), bias), number << ", " << n << " times");
      }
}

BOOST_AUTO_TEST_CASE(counting_goes_on_beyond_two_to_the_24th) {
  const Index n = (Index{1} << 24) + 9;
  const Tensor one = variable(ones({1, 1})), ids = zeros({n}, DType::i64);
  BOOST_TEST(grad(sum(embedding(ids, one)), {one})[0].item() == static_cast<float>(n));
  BOOST_TEST(matmul(ones({n}), ones({n})).item() == static_cast<float>(n));
  BOOST_TEST(sum(ones({n})).item() == static_cast<float>(n));
}

// f64 is summed in blocks too: one chain of a million would be off by 10⁻¹¹.
BOOST_AUTO_TEST_CASE(f64_is_summed_in_blocks_as_well) {
  const Index n = 1'000'000;
  const Tensor x = full({n}, 0.1, DType::f64);
  const double exact = 0.1 * static_cast<double>(n), tolerance = 100 * 2.2e-16 * exact;
  const Tensor w = variable(ones({1, 1}, DType::f64));
  for (const Tensor& y : {sum(x), sum(column(x), {0}), sum(broadcast_to(column(x), {n, 2}), {0}),
                          matmul(x, ones({n}, DType::f64)), gradients(linear(column(x), w), {w})[0],
                          gradients(embedding(zeros({n}, DType::i64), w), {w}, column(x))[0]})
    BOOST_TEST(max(abs(y - exact)).item() < tolerance);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

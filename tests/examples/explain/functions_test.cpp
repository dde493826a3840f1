// Each function of the table against the call in C++, and the table against the library.

#include <boost/test/unit_test.hpp>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/observer.h"
#include "autograd/ops.h"
#include "autograd/support/files.h"
#include "autograd/tools/inspect.h"
#include "examples/explain/functions.h"
#include "tests/autograd/support.h"
#include "tests/examples/explain/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

// The inputs of the table below, as text and in C++.
const std::map<std::string, std::string> texts = {{"a", "[[0.3, -1.2, 2], [1.1, 0.4, -0.7]]"},
                                                  {"b", "[[2, 0.5, -1], [0.25, 3, 1.5]]"},
                                                  {"p", "[0.5, 1.5, 2.5]"},
                                                  {"g", "[1, 2, 0.5]"},
                                                  {"s", "0.75"},
                                                  {"c", "[[[1, 2], [3, 4]], [[5, 6], [7, 9]]]"}};
const Tensor a = wide({{0.3, -1.2, 2}, {1.1, 0.4, -0.7}}), b = wide({{2, 0.5, -1}, {0.25, 3, 1.5}}),
             p = wide({0.5, 1.5, 2.5}), g = wide({1, 2, 0.5}), s = scalar(0.75, DType::f64),
             c = wide({{{1, 2}, {3, 4}}, {{5, 6}, {7, 9}}});

// The value of a text in which these names may occur.
Tensor with_inputs(const std::string& text) {
  expression::Program names = expression::parse(text), program;
  for (const std::string& name : names.names)
    if (texts.contains(name)) expression::parse_into(program, name + "=" + texts.at(name));
  expression::parse_into(program, text);
  return expression::evaluate(program).result;
}

struct Same {
  const char* text;
  std::function<Tensor()> call;
};

std::shared_ptr<const AttentionPattern> pattern(Index batch, Index queries, Index keys,
                                                bool causal = false) {
  auto result = std::make_shared<AttentionPattern>(AttentionPattern::whole(batch, queries, keys));
  result->causal = causal;
  return result;
}

const std::vector<Same>& table() {
  static const Axes all;
  static const Tensor square = wide({{1, 2}, {3, 4}});
  static const std::vector<Same> same = {
      {"add(a, b)", [] { return add(a, b); }},
      {"a + 2", [] { return a + 2; }},
      {"2 + a", [] { return 2 + a; }},
      {"sub(a, b)", [] { return sub(a, b); }},
      {"2 - a", [] { return 2 - a; }},
      {"mul(a, s)", [] { return mul(a, s); }},
      {"a * 3", [] { return a * 3; }},
      {"div(a, b)", [] { return div(a, b); }},
      {"2 / b", [] { return div(2, b); }},
      {"b / 7", [] { return div(b, 7); }},
      {"pow(p, s)", [] { return pow(p, s); }},
      {"a^2", [] { return pow(a, 2); }},
      {"2^a", [] { return pow(scalar(2, DType::f64), a); }},
      {"affine(a, 2, shift=0.5)", [] { return affine(a, 2, 0.5); }},
      {"maximum(a, b)", [] { return maximum(a, b); }},
      {"minimum(a, 0.3)", [] { return minimum(a, scalar(0.3, DType::f64)); }},
      {"equal(a, a)", [] { return equal(a, a); }},
      {"not_equal(a, 2)",
       [] {
         return bools({{1, 1, 0}, {1, 1, 1}});
       }},
      {"greater(a, b)", [] { return greater(a, b); }},
      {"greater_equal(p, [0.5, 2, 2])",
       [] {
         return bools({1, 0, 1});
       }},
      {"less(a, b)", [] { return less(a, b); }},
      {"less_equal(p, [0.5, 1, 9])",
       [] {
         return bools({1, 0, 1});
       }},
      {"where(a > 0, a, b)", [] { return where(greater(a, scalar(0, DType::f64)), a, b); }},
      {"neg(a)", [] { return neg(a); }},
      {"exp(a)", [] { return exp(a); }},
      {"log(p)", [] { return log(p); }},
      {"expm1(a)", [] { return expm1(a); }},
      {"log1p(p)", [] { return log1p(p); }},
      {"sqrt(p)", [] { return sqrt(p); }},
      {"sin(a)", [] { return sin(a); }},
      {"cos(a)", [] { return cos(a); }},
      {"abs(a)", [] { return abs(a); }},
      {"sign(a)", [] { return sign(a); }},
      {"erf(a)", [] { return erf(a); }},
      {"tanh(a)", [] { return tanh(a); }},
      {"sigmoid(a)", [] { return sigmoid(a); }},
      {"relu(a)", [] { return relu(a); }},
      {"softplus(a)", [] { return softplus(a); }},
      {"log_sigmoid(a)", [] { return log_sigmoid(a); }},
      {"clamp(a, -0.5, 1)", [] { return clamp(a, -0.5, 1); }},
      {"gelu(a)", [] { return gelu(a); }},
      {"gelu(a, tanh)", [] { return gelu(a, Gelu::tanh); }},
      {"cast(a, f32)", [] { return cast(a, DType::f32); }},
      {"cast([2, 3], i64)",
       [] {
         return ints({2, 3});
       }},
      {"cast(a, b8)", [] { return cast(a, DType::b8); }},
      {"detach(a)", [] { return a; }},
      {"matmul(a, b, transposed=b)", [] { return matmul(a, b, Transposed::b); }},
      {"matmul(a, b, a)", [] { return matmul(a, b, Transposed::a); }},
      {"matmul(a, b', both)", [] { return matmul(a, transpose(b), Transposed::both); }},
      {"a @ p", [] { return matmul(a, p); }},
      {"linear(a, b)", [] { return linear(a, b); }},
      {"linear(a, b, [1, 2])",
       [] {
         return linear(a, b, wide({1, 2}));
       }},
      {"sum(a)", [] { return sum(a); }},
      {"sum(a, axis=1)", [] { return sum(a, {1}); }},
      {"sum(c, axes=[0, -1], keep=1)",
       [] {
         return sum(c, {0, -1}, Keep::yes);
       }},
      {"sum(c, axis=[0, 2])",
       [] {
         return sum(c, {0, 2});
       }},
      {"mean(a, axis=0)", [] { return mean(a, {0}); }},
      {"variance(a, axes=-1, keep=1)", [] { return variance(a, {-1}, Keep::yes); }},
      {"max(a, axis=0)", [] { return max(a, {0}); }},
      {"max(a, dim=0, keepdims=1)", [] { return max(a, {0}, Keep::yes); }},
      {"prod(p)", [] { return prod(p); }},
      {"norm(a, axis=1)", [] { return norm(a, {1}); }},
      {"logsumexp(a)", [] { return logsumexp(a); }},
      {"argmax(a)", [] { return argmax(a); }},
      {"argmax(a, axis=0)", [] { return argmax(a, 0); }},
      {"cumsum(a, 0)", [] { return cumsum(a, 0); }},
      {"sum_to(a, [1, 3])",
       [] {
         return sum_to(a, {1, 3});
       }},
      {"reshape(a, [3, 2])",
       [] {
         return reshape(a, {3, 2});
       }},
      {"reshape(a, [-1, 2])",
       [] {
         return reshape(a, {-1, 2});
       }},
      {"reshape(a, 6)", [] { return reshape(a, {6}); }},
      {"permute(c, [2, 0, 1])",
       [] {
         return permute(c, {2, 0, 1});
       }},
      {"transpose(c, 0, 2)", [] { return transpose(c, 0, 2); }},
      {"broadcast_to(p, [2, 3])",
       [] {
         return broadcast_to(p, {2, 3});
       }},
      {"slice(a, 1, 0, -1)", [] { return slice(a, 1, 0, -1); }},
      {"concat(a, b, axis=1)",
       [] {
         return concat({a, b}, 1);
       }},
      {"concat(a, b, [[1, 2, 3]])",
       [] {
         return concat({a, b, wide({{1, 2, 3}})}, 0);
       }},
      {"split(a, [1, 2], part=1, axis=1)",
       [] {
         return split(a, 1, {1, 2})[1];
       }},
      {"stack(a, b, axis=-1)",
       [] {
         return stack({a, b}, -1);
       }},
      {"[a, b]",
       [] {
         return stack({a, b}, 0);
       }},
      {"gather(a, [1, 1, 0])",
       [] {
         return gather(a, ints({1, 1, 0}));
       }},
      {"gather(a, [[2], [0]], axis=1)",
       [] {
         return gather(a, ints({{2}, {0}}), 1);
       }},
      {"scatter_add(p, [1, 1, 0], 0, 2)",
       [] {
         return scatter_add(p, ints({1, 1, 0}), 0, 2);
       }},
      {"one_hot([1, 0], 3)",
       [] {
         return one_hot(ints({1, 0}), 3, DType::f64);
       }},
      {"embedding([[1, 0]], a)",
       [] {
         return embedding(ints({{1, 0}}), a);
       }},
      {"softmax(a)", [] { return softmax(a); }},
      {"log_softmax(a)", [] { return log_softmax(a); }},
      {"masked_softmax(a, [1, 0, 1])",
       [] {
         return masked_softmax(a, bools({1, 0, 1}));
       }},
      {"cross_entropy(a, [2, 0])",
       [] {
         return cross_entropy(a, ints({2, 0}));
       }},
      {"cross_entropy(a, [2, -1], ignore=-1, smoothing=0.1)",
       [] {
         return cross_entropy(a, ints({2, -1}), {-1, 0.1});
       }},
      {"layer_norm(a, g, p)", [] { return layer_norm(a, g, p); }},
      {"layer_norm(a, g, p, epsilon=0.1)", [] { return layer_norm(a, g, p, 0.1); }},
      {"rms_norm(a, g)", [] { return rms_norm(a, g); }},
      {"dropout(a, 0.5, seed=7)", [] { return dropout(a, 0.5, Key(7)); }},
      {"dropout(a, 0.5, rows=[5, 2])",
       [] {
         return dropout(a, 0.5, Key(1), ints({5, 2}));
       }},
      {"add_norm(a, b, g, p)", [] { return add_norm(a, b, g, p); }},
      {"add_norm(a, b, g, p, dropout=0.5, seed=3, rows=[1, 4], epsilon=0.1)",
       [] {
         return add_norm(a, b, g, p, {0.5, Key(3), ints({1, 4}), 0.1});
       }},
      {"attention(a, b, a)", [] { return attention(a, b, a, pattern(1, 2, 2)); }},
      {"attention(c, c, c, heads=2, causal=1, linear_biases=1)",
       [] {
         return attention(c, c, c, pattern(2, 2, 2, true), {.heads = 2, .linear_biases = true});
       }},
      {"attention(c, c, c, dropout=0.5, seed=9)",
       [] { return attention(c, c, c, pattern(2, 2, 2), {.dropout = 0.5, .key = Key(9)}); }},
      {"attention(c, c, c, lengths=[1, 2], allowed=[[1, 0], [1, 1]])",
       [] {
         auto shorter = std::make_shared<AttentionPattern>(*pattern(2, 2, 2));
         shorter->examples[0].keys = 1;
         shorter->allowed = bools({{1, 0}, {1, 1}, {1, 0}, {1, 1}});
         return attention(c, c, c, shorter);
       }},
      {"attention_weights(c, c, causal=1)",
       [] { return attention_weights(c, c, pattern(2, 2, 2, true)); }},
      {"masked_scores(a, b, [[1, 0], [1, 1]])",
       [] {
         return masked_scores(a, b, bools({{1, 0}, {1, 1}}));
       }},
      {"masked_sum([[1, 2], [3, 4]], b, [[1, 0], [1, 1]])",
       [] {
         return masked_sum(square, b, bools({{1, 0}, {1, 1}}));
       }},
      {"rotary([[1, 2], [3, 4]], [5, 7])",
       [] {
         return rotary(square, ints({5, 7}), 1);
       }},
      {"rotary(reshape(c, [2, 4]), [5, 7], heads=2, base=100)",
       [] {
         return rotary(reshape(c, {2, 4}), ints({5, 7}), 2, 100);
       }},
      {"zeros([2, 3])",
       [] {
         return zeros({2, 3}, DType::f64);
       }},
      {"ones(3)", [] { return ones({3}, DType::f64); }},
      {"full([1, 2], 7)",
       [] {
         return full({1, 2}, 7, DType::f64);
       }},
      {"eye(3)", [] { return eye(3, DType::f64); }},
      {"arange(4)", [] { return arange(4, DType::f64); }},
      {"normal([2, 2], 1, 2, seed=5)",
       [] {
         return normal({2, 2}, 1, 2, Key(5), DType::f64);
       }},
      {"uniform(3, -1, 1)", [] { return uniform({3}, -1, 1, Key(1), DType::f64); }},
      {"random_integers([4], 0, 9, 2)", [] { return random_integers({4}, 0, 9, Key(2)); }},
      {"permutation(5, seed=4)", [] { return permutation(5, Key(4)); }},
  };
  return same;
}

// The functions that a text calls, by name or by an operator.
std::set<std::string> called(const std::string& text) {
  std::set<std::string> names;
  for (const expression::Node& node : expression::parse(text).nodes)
    if (node.function) names.insert(node.function->name);
  return names;
}

// The names of the operations that run.
struct Names : Observer {
  std::set<std::string> seen;
  void before_forward(const char* operation, const Inputs&) override { seen.insert(operation); }
};

// The names of all functions declared in ops.h: `Tensor name(`, at the start of a line.
std::set<std::string> declared_functions() {
  std::istringstream header(read_file("autograd/ops.h"));
  std::set<std::string> names;
  for (std::string line; std::getline(header, line);)
    for (const std::string start : {"Tensor ", "Tensors "})
      if (const auto open = line.find('('); line.starts_with(start) && open != line.npos)
        names.insert(line.substr(start.size(), open - start.size()));
  return names;
}

BOOST_AUTO_TEST_SUITE(expression_functions)

BOOST_AUTO_TEST_CASE(each_function_computes_what_the_call_computes) {
  for (const Same& same : table()) {
    const std::string text = same.text;
    BOOST_TEST(same_bits(with_inputs(text), same.call()), text);
  }
}

BOOST_AUTO_TEST_CASE(each_function_is_compared_with_a_call) {
  std::set<std::string> compared;
  for (const Same& same : table()) compared.merge(called(same.text));
  for (const expression::Function& function : expression::functions())
    BOOST_TEST(compared.contains(function.name), function.name);
}

BOOST_AUTO_TEST_CASE(each_public_operation_is_in_the_table) {
  const std::set<std::string> declared = declared_functions();
  BOOST_TEST(declared.size() > 60);
  for (const std::string& name : declared)
    BOOST_TEST(expression::find_function(name) != nullptr, name << " is not in the table");
}

// Beside these, an operation is a part of a function's derivative or of a model's layer.
BOOST_AUTO_TEST_CASE(the_examples_use_each_registered_operation_of_the_engine) {
  const std::set<std::string> of_layers = {};
  Names names;
  {
    const Observing guard(names);
    for (const expression::Function& function : expression::functions()) {
      const auto e = evaluated(function.example);
      if (!e.result.tracked()) continue;
      const GradOptions recorded = {.create_graph = true, .zeros_if_independent = true};
      const Tensors first = grad(Tensors{e.result}, e.variables,
                                 {ones(e.result.shape(), e.result.dtype())}, recorded);
      for (const Tensor& x : first)
        if (x.tracked())
          grad(Tensors{x}, e.variables, {ones(x.shape(), x.dtype())},
               {.zeros_if_independent = true});
    }
  }
  for (const std::string& name : registered_operations())
    if (!name.starts_with("test_"))
      BOOST_TEST((names.seen.contains(name) || of_layers.contains(name)),
                 "no example uses the operation " << name);
}

BOOST_AUTO_TEST_CASE(each_example_uses_its_function_and_has_a_right_gradient) {
  for (const expression::Function& function : expression::functions()) {
    BOOST_TEST(called(function.example).contains(function.name), function.name);
    BOOST_TEST(problem_of(function.example) == "fine", function.name);
    const auto e = evaluated(function.example);
    if (!e.result.tracked() || !is_real(e.result.dtype()) || function.name == std::string("cast"))
      continue;
    const expression::Program program = expression::parse(function.example);
    Tensors values;
    for (const Tensor& x : e.variables) values.push_back(detach(x));
    const auto at = [&](const Tensors& xs) {
      expression::EvaluationOptions options{.dtype = xs[0].dtype()};
      for (std::size_t i = 0; i < xs.size(); ++i) options.variables[e.names[i]] = xs[i];
      return Tensors{expression::evaluate(program, options).result};
    };
    const GradcheckReport report = gradcheck(at, values, {.names = e.names});
    const bool is_kink = report.count(Finding::Kind::convention) > 0;
    BOOST_TEST(
        (report.verdict() != Verdict::failed || is_kink || function.name == std::string("detach")),
        function.name << ": " << report);
  }
}

BOOST_AUTO_TEST_CASE(help_is_complete) {
  for (const expression::Function& function : expression::functions()) {
    BOOST_TEST(std::string(function.help).size() > 1, function.name);
    BOOST_TEST(expression::signature_of(function).starts_with(function.name));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

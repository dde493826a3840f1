// Every operation of the library states its rule, in the form that operation.h describes. No test
// can tell whether a formula is right. These find one that is missing, one in the wrong place, a
// wrong letter, and a gradient that forgets the cotangent.
#include <utf8proc.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <map>
#include <set>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "autograd/tools/recomputation.h"
#include "tests/autograd/ops/samples.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Words = std::vector<std::string>;

const std::string bar = "\u0304", no_gradient = ": no gradient";

// ---- Reading a formula --------------------------------------------------------------------------

struct Character {
  utf8proc_int32_t code;
  utf8proc_category_t category;
  std::string text;  // without the raising or lowering: x for ˣ
};

// Letters first, then the marks above them: ȳ is y and a bar.
std::vector<Character> characters(const std::string& text) {
  utf8proc_uint8_t* const apart =
      utf8proc_NFD(reinterpret_cast<const utf8proc_uint8_t*>(text.c_str()));
  std::vector<Character> result;
  utf8proc_int32_t code = 0;
  for (const utf8proc_uint8_t* at = apart; *at != 0; result.push_back({code, {}, {}}))
    at += utf8proc_iterate(at, -1, &code);
  std::free(apart);
  for (Character& c : result) {
    c.category = utf8proc_category(c.code);
    utf8proc_int32_t plain = c.code;
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
    if (c.category == UTF8PROC_CATEGORY_LM)
      utf8proc_decompose_char(c.code, &plain, 1, options, nullptr);
    utf8proc_uint8_t bytes[4];
    const auto length = static_cast<std::size_t>(utf8proc_encode_char(plain, bytes));
    c.text.assign(reinterpret_cast<const char*>(bytes), length);
  }
  return result;
}

// Runs of letters. A raised or lowered letter, as in eˣ and xᵢ, is a word of its own.
Words words(const std::string& text) {
  Words result(1);
  for (const Character& c : characters(text)) {
    const bool raised = c.category == UTF8PROC_CATEGORY_LM;
    const bool letter =
        c.category == UTF8PROC_CATEGORY_LU || c.category == UTF8PROC_CATEGORY_LL || c.code == '_';
    if (raised) result.emplace_back();
    if (raised || letter || c.category == UTF8PROC_CATEGORY_MN) result.back() += c.text;
    if (!letter && c.category != UTF8PROC_CATEGORY_MN) result.emplace_back();
  }
  std::erase(result, "");
  return result;
}

Index columns(const std::string& text) {
  Index count = 0;
  for (const Character& c : characters(text)) count += utf8proc_charwidth(c.code);
  return count;
}

bool contains(const Words& all, const std::string& word) {
  return std::ranges::count(all, word) > 0;
}
std::string left_side(const std::string& entry) { return entry.substr(0, entry.find(" = ")); }
std::string right_side(const std::string& entry) {
  const auto at = entry.find(" = ");
  return at == std::string::npos ? "" : entry.substr(at + 3);
}

// The letter of the input that an entry is for: x for "x̄ = …" and for "x: no gradient".
std::string letter_of(const std::string& entry) {
  if (entry.ends_with(no_gradient)) return entry.substr(0, entry.size() - no_gradient.size());
  const Words left = words(left_side(entry));
  const bool alone = left.size() == 1 || (left.size() == 2 && left[1] == "i");  // x̄ᵢ = …
  if (!alone || !left[0].ends_with(bar)) return "(no barred letter alone)";
  return left[0].substr(0, left[0].size() - bar.size());
}

// ---- The operations -----------------------------------------------------------------------------

// What an operation gets and gives wherever the samples record it, in their values and in their
// gradients, where the fused backwards are.
struct Use {
  std::size_t outputs = 0;
  std::vector<bool> real, read;  // for each input, of the longest list of them
  bool output_read = false;
};

void collect(const Tensors& ys, std::map<std::string, Use>& uses) {
  std::set<const Node*> seen;
  std::vector<const Node*> open;
  const auto enter = [&](const Tensor& x) {
    if (x.tracked() && seen.insert(x.history().node.get()).second)
      open.push_back(x.history().node.get());
  };
  for (const Tensor& y : ys) enter(y);
  while (!open.empty()) {
    const Node& node = *open.back();
    open.pop_back();
    Use& use = uses[node.name()];
    use.outputs = node.outputs().size();
    for (const SavedOutput& y : node.outputs()) use.output_read |= y.storage != nullptr;
    std::vector<bool> real, read;
    for (const SavedInput& x : node.inputs()) {
      real.push_back(is_real(x.value.dtype()));
      read.push_back(x.value.storage() != nullptr);
      enter(x.value);
    }
    if (real.size() > use.real.size()) use.real = real, use.read = read;
  }
}

const std::map<std::string, Use>& uses() {
  static const std::map<std::string, Use> all = [] {
    std::map<std::string, Use> result;
    for (const Sample& sample : samples()) {
      Tensors xs;
      for (const Tensor& x : sample.make(Key{7})) xs.push_back(variable(x));
      Tensors tapes = {sample.f(xs)};
      if (!is_real(tapes[0].dtype())) continue;
      const Tensors gradients = grad(tapes, xs, {ones(tapes[0].shape(), tapes[0].dtype())},
                                     {.create_graph = true, .zeros_if_independent = true});
      tapes.insert(tapes.end(), gradients.begin(), gradients.end());
      collect(tapes, result);
    }
    return result;
  }();
  return all;
}

std::vector<std::string> operations_of_the_library() {
  std::vector<std::string> names = registered_operations();
  std::erase_if(names, [](const std::string& name) { return name.starts_with("test_"); });
  return names;
}

// Calls f(name, rule) for each operation that has a derivative and states a rule.
void each_rule(const std::function<void(const std::string&, Rule)>& f) {
  for (const std::string& name : operations_of_the_library())
    if (const Rule rule = rule_of_operation(name); !rule.empty() && uses().contains(name))
      f(name, rule);
}

BOOST_AUTO_TEST_SUITE(rules)

BOOST_AUTO_TEST_CASE(every_operation_of_the_library_states_one) {
  BOOST_TEST(operations_of_the_library().size() > 70);
  for (const std::string& name : operations_of_the_library())
    BOOST_TEST(!rule_of_operation(name).empty(), name << " states no rule");
}

BOOST_AUTO_TEST_CASE(the_first_entry_is_the_formula_of_the_outputs) {
  for (const std::string& name : operations_of_the_library()) {
    const Rule rule = rule_of_operation(name);
    if (rule.empty()) continue;
    std::string left = left_side(rule[0]);
    left = left.substr(0, left.find('['));  // y[k] is y
    const std::string letter = name.ends_with("_vjp") ? "z" : "y";
    const auto uses_of_it = uses().find(name);
    const std::size_t outputs = uses_of_it == uses().end() ? 1 : uses_of_it->second.outputs;
    const Words names = words(left);
    BOOST_TEST(left.starts_with(letter), name << ": '" << rule[0] << "'");
    BOOST_TEST(static_cast<std::size_t>(std::ranges::count(names, letter)) == outputs,
               name << " has " << outputs << " outputs: '" << rule[0] << "'");
    BOOST_TEST(!right_side(rule[0]).empty(), name << ": '" << rule[0] << "'");
  }
}

BOOST_AUTO_TEST_CASE(each_input_has_an_entry_unless_the_last_serves_the_rest) {
  each_rule([](const std::string& name, Rule rule) {
    const std::size_t inputs = uses().at(name).real.size();
    const bool serves_all = std::string(left_side(rule.back())).ends_with("ᵢ");  // x̄ᵢ = …
    const bool enough = rule.size() == 1 + inputs || (serves_all && rule.size() <= 1 + inputs);
    BOOST_TEST(enough,
               name << " has " << inputs << " inputs and a rule of " << rule.size() << " entries");
  });
}

BOOST_AUTO_TEST_CASE(operations_without_a_derivative_state_their_values_only) {
  for (const std::string name : {"argmax", "equal", "greater", "less", "one_hot"}) {
    BOOST_TEST(!uses().contains(name), name);
    BOOST_TEST(rule_of_operation(name).size() == 1, name);
  }
  for (const std::string& name : operations_of_the_library())
    if (!uses().contains(name)) BOOST_TEST(rule_of_operation(name).size() == 1, name);
}

BOOST_AUTO_TEST_CASE(each_entry_is_for_an_operand_of_the_formula) {
  each_rule([](const std::string& name, Rule rule) {
    const Words operands = words(right_side(rule[0]));
    std::set<std::string> served;
    for (const std::string entry : rule.subspan(1)) {
      BOOST_TEST(contains(operands, letter_of(entry)), name << ": '" << entry << "'");
      BOOST_TEST(served.insert(letter_of(entry)).second, name << " says twice: '" << entry << "'");
    }
  });
}

BOOST_AUTO_TEST_CASE(inputs_that_are_not_real_have_no_gradient) {
  each_rule([](const std::string& name, Rule rule) {
    const std::vector<bool>& real = uses().at(name).real;
    for (std::size_t i = 0; i < real.size() && i + 1 < rule.size(); ++i)
      BOOST_TEST(real[i] != std::string(rule[i + 1]).ends_with(no_gradient),
                 name << ", input " << i << ": '" << rule[i + 1] << "'");
  });
}

// A gradient without a cotangent is the most common mistake of those who derive one by hand.
BOOST_AUTO_TEST_CASE(each_gradient_is_made_from_a_cotangent) {
  each_rule([](const std::string& name, Rule rule) {
    for (const std::string entry : rule.subspan(1)) {
      if (entry.ends_with(no_gradient) || right_side(entry) == "0") continue;
      const Words right = words(right_side(entry));
      BOOST_TEST(std::ranges::any_of(right, [](const std::string& w) { return w.ends_with(bar); }),
                 name << ": '" << entry << "'");
    }
  });
}

// What the tape keeps for the vjp occurs in the formulas of the gradients: exp keeps y, log keeps
// x.
BOOST_AUTO_TEST_CASE(the_gradients_mention_what_the_vjp_reads) {
  each_rule([](const std::string& name, Rule rule) {
    // These speak of what is made from the operands: x̂, p, s. The vjp makes it again.
    if (name.find("norm") != std::string::npos && name != "norm") return;
    if (name == "attention" || name == "attention_vjp" || name.starts_with("cross_entropy")) return;
    Words mentioned;
    for (const std::string entry : rule.subspan(1))
      for (const std::string& word : words(right_side(entry))) mentioned.push_back(word);
    const Use& use = uses().at(name);
    for (std::size_t i = 0; i < use.read.size() && i + 1 < rule.size(); ++i)
      if (use.read[i])
        BOOST_TEST(contains(mentioned, letter_of(rule[i + 1])),
                   name << " reads " << letter_of(rule[i + 1]));
    if (use.output_read) BOOST_TEST(contains(mentioned, "y"), name << " reads y");
  });
}

BOOST_AUTO_TEST_CASE(each_entry_fits_a_line) {
  for (const std::string& name : operations_of_the_library())
    for (const std::string entry : rule_of_operation(name))
      BOOST_TEST(columns(entry) <= 88, columns(entry) << " columns: '" << entry << "'");
}

BOOST_AUTO_TEST_CASE(a_node_knows_the_rule_of_its_operation) {
  const Tensor x = variable(scalar(2, DType::f64)), y = x * x;
  const Rule rule = y.history().node->rule();
  BOOST_TEST((Words(rule.begin(), rule.end()) == Words{"y = a b", "ā = ȳ b", "b̄ = ȳ a"}));
  const Tensor again = recomputed([](const Tensors& xs) { return Tensors{exp(xs[0])}; }, {x})[0];
  BOOST_TEST(again.history().node->rule().size() == 2);
}

struct WithoutRule {
  static constexpr auto name = "test_without_rule";
  static constexpr Operands reads = {};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    std::ranges::copy(in[0].values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback& back) const { return {back.cotangent()}; }
};

BOOST_AUTO_TEST_CASE(an_operation_of_ones_own_needs_none) {
  const Tensor y = apply(WithoutRule{}, variable(scalar(2)));
  BOOST_TEST(y.history().node->rule().empty());
  BOOST_TEST(rule_of_operation("test_without_rule").empty());
}

// ---- The reading itself -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(letters_are_told_from_marks_and_from_raised_letters) {
  BOOST_TEST((words("y = eˣ / Σ eˣ") == Words{"y", "e", "x", "Σ", "e", "x"}));
  BOOST_TEST((words("āᵢ = ȳᵢⱼ bⱼ") == Words{"a" + bar, "i", "y" + bar, "i", "j", "b", "j"}));
  BOOST_TEST((words("A if transpose_a, aᵇ⁻¹") == Words{"A", "if", "transpose_a", "a", "b"}));
  BOOST_TEST(letter_of("x̄ᵢ = ȳ") == "x");
  BOOST_TEST(letter_of("Q̄ = S̄ K") == "Q");
  BOOST_TEST(letter_of("mask: no gradient") == "mask");
  BOOST_TEST(letter_of("x = ȳ") == "(no barred letter alone)");
  BOOST_TEST(letter_of("x̄ⱼ = ȳ") == "(no barred letter alone)");
  BOOST_TEST(columns("x̄ = ȳ cos x") == 11);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

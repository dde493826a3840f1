#include "examples/explain/parser.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "autograd/support/printable.h"
#include "examples/explain/advice.h"
#include "examples/explain/functions.h"
#include "examples/explain/lexer.h"

namespace adjoint::expression {
namespace {

struct Operator {
  std::string_view symbol;
  int level;  // of two operators, the one of the higher level binds first
  std::string_view function;
};
constexpr int comparison = 0, highest = 2, tighter = 3;
constexpr std::array operators = {
    Operator{"<", comparison, "less"},
    Operator{">", comparison, "greater"},
    Operator{"<=", comparison, "less_equal"},
    Operator{">=", comparison, "greater_equal"},
    Operator{"==", comparison, "equal"},
    Operator{"!=", comparison, "not_equal"},
    Operator{"+", 1, "add"},
    Operator{"-", 1, "sub"},
    Operator{"*", highest, "mul"},
    Operator{"/", highest, "div"},
    Operator{"@", highest, "matmul"},
    Operator{"^", tighter, "pow"},
    Operator{"'", tighter, "transpose"},
};

class Parser {
 public:
  Parser(Program& program, std::string_view text)
      : program_(program), tokens_(tokens_of(text, program.texts.size() - 1)) {
    for (std::size_t i = 0; i < program_.names.size(); ++i) numbers_[program_.names[i]] = i;
  }

  void run() {
    do {
      if (token().kind == Token::Kind::end && at_ > 0) return;  // after the last semicolon
      statement();
    } while (take(";"));
    if (token().kind != Token::Kind::end) refuse_here();
  }

 private:
  // ---- Tokens

  const Token& token(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool is(std::string_view symbol, std::size_t ahead = 0) const {
    return token(ahead).kind == Token::Kind::symbol && token(ahead).text == symbol;
  }
  bool take(std::string_view symbol) {
    const bool taken = is(symbol);
    at_ += taken;
    return taken;
  }
  static std::string shown(const Token& token) {
    return token.kind == Token::Kind::end      ? "the end of the text"
           : token.kind == Token::Kind::number ? text_from(token.number)
                                               : "'" + printable_line(token.text, 40) + "'";
  }
  static constexpr auto of_product = "; a product is written with *";
  static constexpr auto of_items = "; items are separated by ',', and a product is written with *";

  // `adjacent` is the advice on a second operand without an operator.
  void expect(std::string_view symbol, Place opened, std::string_view what,
              const char* adjacent = of_product) {
    if (take(symbol)) return;
    if (token().kind == Token::Kind::end)
      refuse(opened, what, " is never closed: '", symbol, "' is missing");
    refuse_here(adjacent);
  }
  // A token that does not continue what is complete so far.
  [[noreturn]] void refuse_here(const char* adjacent = of_product) {
    const Token& bad = token();
    const bool is_operand = bad.kind == Token::Kind::number || bad.kind == Token::Kind::name ||
                            bad.text == "(" || bad.text == "[";
    if (const std::string function = is_operand ? function_before() : ""; !function.empty())
      refuse(bad.place, "unexpected ", shown(bad), "; ", function, " is a function: write ",
             function, "(…)");
    std::string advice = is_operand ? adjacent : "";
    if (bad.text == "[") advice = "; slice() and gather() select elements";
    if (bad.text == ";") advice = "; items are separated by ','";
    if (bad.text == ",") advice = "; a list is written [1, 5], and a decimal number 1.5";
    if (bad.text == "=")
      advice =
          "; equality is ==, and a name gets its value in a statement of its own: h = 2*x; sum(h)";
    if (bad.text == ")" || bad.text == "]") advice = ", which closes nothing";
    refuse(bad.place, "unexpected ", shown(bad), advice);
  }
  // The function just before, as in sin x, or its power, as in sin^2(x); empty if there is none.
  std::string function_before() const {
    std::size_t i = at_;
    while (i > 0 && (tokens_[i - 1].kind == Token::Kind::number || tokens_[i - 1].text == "^" ||
                     tokens_[i - 1].text == "-"))
      --i;
    const bool is_name = i > 0 && tokens_[i - 1].kind == Token::Kind::name;
    return is_name && find_function(tokens_[i - 1].text) ? tokens_[i - 1].text : "";
  }

  // ---- Nodes

  std::size_t add(Node node) {
    program_.nodes.push_back(node);
    return program_.nodes.size() - 1;
  }
  std::size_t call(const Function& function, const std::vector<Argument>& arguments, Place place) {
    const std::vector<std::size_t> bound = bind(function, arguments, place);
    Node node{.kind = Node::Kind::call, .place = place, .function = &function};
    return add_operands(node, bound);
  }
  std::size_t call(std::string_view function, const std::vector<std::size_t>& operands,
                   Place place) {
    Node node{.kind = Node::Kind::call, .place = place, .function = find_function(function)};
    std::vector<std::size_t> all = operands;
    all.resize(std::max(all.size(), parameters_of(*node.function).size()), Program::absent);
    return add_operands(node, all);
  }
  std::size_t add_operands(Node node, const std::vector<std::size_t>& operands) {
    node.first = program_.operands.size();
    node.count = operands.size();
    program_.operands.insert(program_.operands.end(), operands.begin(), operands.end());
    return add(node);
  }
  std::size_t number_of(const std::string& name) {
    const auto [found, is_new] = numbers_.try_emplace(name, program_.names.size());
    if (is_new) program_.names.push_back(name);
    return found->second;
  }

  // Counts how deep the parser's own calls are.
  class Nested {
   public:
    Nested(int& depth, Place place) : depth_(depth) {
      if (++depth_ <= most_nested) return;
      --depth_;
      refuse(place, "nested too deeply: at most ", most_nested, " levels are read");
    }
    ~Nested() { --depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    int& depth_;
  };

  // ---- The grammar

  void statement() {
    Statement result{{}, token().place, program_.nodes.size(), 0};
    if (token().kind == Token::Kind::name && is("=", 1)) {
      const std::string& name = token().text;
      if (is_constant(name))
        refuse(token().place, "'", name, "' is a constant; choose another name");
      result.name = number_of(name);
      at_ += 2;
    }
    result.root = expression();
    program_.statements.push_back(result);
  }

  std::size_t expression() {
    const Nested guard(depth_, token().place);
    return binary(comparison);
  }

  const Operator* operator_of(int level) const {
    if (token().kind != Token::Kind::symbol) return nullptr;
    const auto found = std::ranges::find(operators, token().text, &Operator::symbol);
    return found != operators.end() && found->level == level ? &*found : nullptr;
  }

  std::size_t binary(int level) {
    if (level > highest) return with_sign();
    std::size_t left = binary(level + 1);
    while (const Operator* const found = operator_of(level)) {
      const Place place = token().place;
      ++at_;
      const std::size_t right = binary(level + 1);
      left = call(found->function, {left, right}, place);
      if (level == comparison && operator_of(level))
        refuse(token().place, "comparisons cannot be chained; write (a < b) * (b < c)");
    }
    return left;
  }

  std::size_t with_sign() {
    const Place place = token().place;
    const bool negative = is("-");
    if (!take("-") && !take("+")) return power();
    const Nested guard(depth_, place);
    const std::size_t operand = with_sign();
    if (!negative) return operand;
    Node& node = program_.nodes[operand];
    if (node.kind != Node::Kind::number) return call("neg", {operand}, place);
    node.number = -node.number;
    node.place = place;
    return operand;
  }

  std::size_t power() {
    const std::size_t base = primary();
    const Place place = token().place;
    if (!take("^")) return base;
    const Nested guard(depth_, place);
    return call("pow", {base, with_sign()}, place);
  }

  std::size_t primary() {
    std::size_t operand = without_transposition();
    while (is("'")) {
      const Place place = token().place;
      ++at_;
      operand = call("transpose", {operand}, place);
    }
    return operand;
  }

  std::size_t without_transposition() {
    const Token first = token();
    ++at_;
    if (first.kind == Token::Kind::number)
      return add({.kind = Node::Kind::number, .place = first.place, .number = first.number});
    if (first.kind == Token::Kind::name && is("(")) return named_call(first);
    if (first.kind == Token::Kind::name)
      return add({.kind = Node::Kind::name, .place = first.place, .name = number_of(first.text)});
    if (first.kind == Token::Kind::symbol && first.text == "(") {
      const std::size_t inner = expression();
      expect(")", first.place, "this bracket");
      return inner;
    }
    if (first.kind == Token::Kind::symbol && first.text == "[") return list(first.place);
    refuse(first.place, "expected a number, a name, a list or a bracket, not ", shown(first));
  }

  std::size_t list(Place place) {
    std::vector<std::size_t> items;
    if (!is("]")) do
        items.push_back(expression());
      while (take(","));
    expect("]", place, "this list", of_items);
    const bool numbers = std::ranges::all_of(
        items, [&](std::size_t item) { return program_.nodes[item].kind == Node::Kind::number; });
    if (numbers) return add_operands({.kind = Node::Kind::list, .place = place}, items);
    items.insert(items.begin(), 2, Program::absent);
    return call("stack", items, place);
  }

  std::size_t named_call(const Token& name) {
    const Function* const function = find_function(name.text);
    if (!function) refuse(name.place, no_such_function(name.text));
    const Place opened = token().place;
    ++at_;
    std::vector<Argument> arguments;
    if (!is(")")) do
        arguments.push_back(argument());
      while (take(","));
    expect(")", opened, "this bracket", of_items);
    return call(*function, arguments, name.place);
  }

  Argument argument() {
    Argument result{.place = token().place};
    if (token().kind == Token::Kind::name && is("=", 1)) {
      result.name = token().text;
      at_ += 2;
    }
    result.node = expression();
    return result;
  }

  Program& program_;
  std::vector<Token> tokens_;
  std::unordered_map<std::string, std::size_t> numbers_;  // of the program's names
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::string_view function_of_operator(std::string_view symbol) {
  const auto found = std::ranges::find(operators, symbol, &Operator::symbol);
  return found == operators.end() ? std::string_view() : found->function;
}

std::string Program::text_of(const Problem& problem) const {
  const Place place = problem.place();
  const std::string& name = place.text < texts.size() ? texts[place.text] : std::string();
  return text_from(name, name.empty() ? "column " : ", column ", std::to_string(place.column), ": ",
                   problem.what());
}

void parse_into(Program& program, std::string_view text, const std::string& name) {
  program.texts.push_back(name);
  Parser(program, text).run();
}

void parse_input_into(Program& program, std::string_view text) {
  const std::string name = printable_line(text.substr(0, text.find('=')), 40);
  const std::string label = name.empty() ? "an input" : "input " + name;
  const std::size_t before = program.statements.size();
  parse_into(program, text, label);
  if (program.statements.size() != before + 1 || !program.statements.back().name)
    refuse({program.texts.size() - 1},
           "inputs are written name=value, without spaces or in quotes, as in x=2 or "
           "w=[[1,2],[3,4]]");
}

Program parse(std::string_view text) {
  Program program;
  parse_into(program, text);
  return program;
}

}  // namespace adjoint::expression

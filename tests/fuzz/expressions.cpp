// The expression language of explain: what it reads, it evaluates and differentiates, or it says in
// which column it does not.
//
// The first byte of the input says what the others are: a text; choices of a random expression; or,
// more often, the seed of one, so that inputs made without feedback differ as much as possible.
// Random expressions follow the grammar and mostly fit; some are then damaged.

#include <algorithm>
#include <array>
#include <sstream>

#include "autograd/grad.h"
#include "autograd/ops.h"
#include "autograd/support/ambient.h"
#include "autograd/support/largest_tensor.h"
#include "autograd/tools/explain.h"
#include "autograd/tools/tape_json.h"
#include "data/text/unicode.h"
#include "examples/explain/evaluator.h"
#include "examples/explain/functions.h"
#include "examples/explain/parser.h"
#include "tests/autograd/support.h"
#include "tests/fuzz/harness.h"

namespace adjoint::fuzz {
namespace {

using namespace expression;

constexpr Index most_elements = 4096;

// ---- Random choices -----------------------------------------------------------------------------

class Draw {
 public:
  Draw(Bytes choices, std::optional<Key> key) : choices_(choices), key_(key) {}

  std::size_t below(std::size_t count) {
    if (!key_) return choices_.below(count);
    return static_cast<std::size_t>(random_bits(key_->value(), drawn_++, 0) % count);
  }
  bool coin() { return below(2) == 1; }
  bool one_in(std::size_t count) { return below(count) == count - 1; }
  template <class Options>
  auto one_of(const Options& options) {
    return options[below(std::size(options))];
  }

 private:
  Choices choices_;
  std::optional<Key> key_;
  std::uint64_t drawn_ = 0;
};

Key key_of(Bytes bytes) { return Key(0).child(text_of(bytes)); }

// ---- Random expressions -------------------------------------------------------------------------

// What a part of an expression is: a number, [columns], or [rows, columns].
enum Kind { number, row, matrix };

class Writer {
 public:
  explicit Writer(Draw& draw) : draw_(draw), rows_(size()), columns_(size()) {}

  std::string program() {
    std::string text;
    for (const char* name : {"x", "y", "w", "θ₁"}) {
      if (draw_.one_in(3)) continue;
      const Kind kind = any_kind();
      text += std::string(name) + " = " + (draw_.one_in(4) ? part(kind, 2) : literal(kind)) + "; ";
      names_.push_back({name, kind});
    }
    text += part(any_kind(), 1 + draw_.below(4));
    for (const Name& name : names_)
      if (!name.used && !draw_.one_in(30)) text += " + sum(" + name.text + ")";
    return text;
  }

 private:
  struct Name {
    std::string text;
    Kind kind;
    bool used = false;
  };

  std::size_t size() { return draw_.below(3) + 1; }
  Kind any_kind() { return static_cast<Kind>(draw_.below(3)); }
  // Now and then something that does not fit.
  bool astray() { return draw_.one_in(60); }

  // ---- Numbers and lists

  std::string plain_number() {
    if (draw_.one_in(16))
      return draw_.one_of(std::array{"0", "1e300", "inf", "-inf", "nan", "1e-300", "true", "-0"});
    return draw_.one_of(std::array{"1", "2", "0.5", "-1", "3", "1e-3", "-0.25", "2.5", "7", "pi",
                                   "1.5", "-2", "0.1", "0.9", "4", "-3"});
  }
  std::string whole(std::size_t below) {
    if (astray())
      return draw_.one_of(std::array{"-7", "99", "1e15", "1e18", "0.5", "4097", "nan", "-1"});
    return std::to_string(draw_.below(std::max<std::size_t>(1, below)));
  }
  template <class Item>
  static std::string list(std::size_t count, Item item) {
    std::string text = "[";
    for (std::size_t i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + item();
    return text + "]";
  }
  std::string wholes(std::size_t count, std::size_t below) {
    return list(astray() ? count + 1 : count, [&] { return whole(below); });
  }
  std::string sizes(const std::vector<std::size_t>& all) {
    std::size_t next = 0;
    return list(all.size(), [&] {
      const std::size_t size = all[next++];
      return astray() ? whole(9) : std::to_string(size);
    });
  }

  std::string literal(Kind kind) {
    if (astray()) kind = any_kind();
    if (kind == number) return plain_number();
    const auto numbers = [&] { return list(columns_, [&] { return plain_number(); }); };
    if (kind == row) return numbers();
    if (draw_.one_in(3)) return "normal(" + sizes({rows_, columns_}) + ", seed=" + whole(9) + ")";
    return list(rows_, numbers);
  }

  // ---- Parts

  std::string leaf(Kind kind) {
    for (std::size_t i = draw_.below(8); i < 8 && !names_.empty(); ++i) {
      Name& name = names_[draw_.below(names_.size())];
      if (name.kind != kind) continue;
      name.used = true;
      return name.text;
    }
    return literal(kind);
  }

  // Of that kind, or of one that broadcasts to it.
  std::string narrower(Kind kind, std::size_t depth) {
    return part(static_cast<Kind>(draw_.below(kind + 1)), depth);
  }

  std::string part(Kind kind, std::size_t depth) {
    if (astray()) kind = any_kind();
    if (depth == 0) return leaf(kind);
    --depth;
    static constexpr std::array symbols = {" + ", " - ", " * ", " / ", "*", "-", "·"};
    static constexpr std::array comparisons = {" < ", " >= ", " == ", " != "};
    switch (draw_.below(10)) {
      case 0:
        return "-" + bracketed(kind, depth);
      case 1:
        return bracketed(kind, depth) + "^" +
               (draw_.one_in(3) ? bracketed(number, depth) : plain_number());
      case 2:
      case 3:
        return bracketed(kind, depth) + draw_.one_of(symbols) + "(" + narrower(kind, depth) + ")";
      case 4:
        return "(" + part(kind, depth) + draw_.one_of(comparisons) + narrower(kind, depth) + ")";
      case 5:
        return part_of_matrices(kind, depth);
      case 6:
        return "sum(" + call(depth) + ")" + (kind == number ? "" : " + " + leaf(kind));
      default:
        return std::string(draw_.one_of(std::array{
                   "sin", "cos", "exp", "tanh", "sigmoid", "relu", "abs", "sqrt", "log", "gelu",
                   "softplus", "erf", "sign", "neg", "expm1", "log1p", "log_sigmoid", "detach"})) +
               "(" + part(kind, depth) + ")";
    }
  }
  std::string bracketed(Kind kind, std::size_t depth) { return "(" + part(kind, depth) + ")"; }

  std::string part_of_matrices(Kind kind, std::size_t depth) {
    if (kind == number)
      return draw_.coin() ? bracketed(row, depth) + " @ " + bracketed(row, depth)
                          : "max(" + part(any_kind(), depth) + ")";
    if (kind == row)
      return draw_.one_of(std::array{"sum(", "mean(", "logsumexp(", "prod(", "norm("}) +
             part(matrix, depth) + ", axis=0)";
    switch (draw_.below(4)) {
      case 0:
        return "(" + bracketed(matrix, depth) + "' + " + whole(3) + ")'";
      case 1:
        return bracketed(matrix, depth) + " @ " + bracketed(matrix, depth) + "' @ " +
               bracketed(matrix, depth);
      case 2:
        return list(rows_, [&] { return part(row, depth / 2); });
      default:
        return "softmax(" + part(matrix, depth) + ")";
    }
  }

  // ---- Any function of the table

  std::string call(std::size_t depth) {
    const Function& function = functions()[draw_.below(functions().size())];
    const std::string name = function.name;
    std::string text = name;
    char separator = '(';
    bool named = false;
    for (const Parameter& parameter : parameters_of(function)) {
      const bool needed = !parameter.standard || (name == "matmul" && !astray());
      if (!needed && !draw_.one_in(3)) {
        named = true;
        continue;
      }
      named = named || parameter.by_name || draw_.one_in(8);
      for (std::size_t i = parameter.is_list ? 1 + draw_.below(3) : 1; i > 0; --i) {
        text += std::exchange(separator, ',');
        if (named && !parameter.is_list) text += parameter.name + "=";
        text += argument(name, parameter.name, depth);
      }
    }
    return text + ")";
  }

  // One that fits where every tensor is a matrix.
  std::string argument(const std::string& function, const std::string& parameter,
                       std::size_t depth) {
    const auto is = [&](auto... names) { return ((parameter == names) || ...); };
    const auto of = [&](auto... names) { return ((function == names) || ...); };
    if (is("keep", "causal", "linear_biases")) return whole(2);
    if (is("transposed")) return draw_.one_in(9) ? "both" : "b";
    if (is("form")) return draw_.one_of(std::array{"tanh", "exact"});
    if (is("type")) return draw_.one_of(std::array{"f32", "f64", "b8", "f64"});
    if (is("p", "dropout", "smoothing")) return draw_.one_of(std::array{"0.5", "0", "0.1"});
    if (is("seed", "ignore", "part")) return whole(2);
    if (is("heads")) return draw_.one_in(4) ? std::to_string(columns_) : "1";
    if (is("axis", "first", "second")) return of("scatter_add") ? "0" : "-" + whole(2) + "*1";
    if (is("axes")) return draw_.coin() ? wholes(1, 2) : "-1";
    if (is("low", "begin")) return "0";
    if (is("high", "end")) return std::to_string(rows_);
    if (is("size", "classes", "count"))
      return draw_.one_in(3) ? whole(9) : std::to_string(columns_);
    if (is("order")) return draw_.one_of(std::array{"[1, 0]", "[0, 1]", "[-1, 0]"});
    if (is("sizes")) return sizes({1, rows_ - 1});
    if (of("reshape") && is("shape")) return draw_.coin() ? "-1" : sizes({columns_, rows_});
    if (of("sum_to") && is("shape")) return sizes({1, columns_});
    if (is("shape")) return sizes({rows_, columns_});
    if (of("one_hot", "cross_entropy") && is("indices", "targets")) return wholes(rows_, columns_);
    if (is("lengths")) return wholes(1, rows_);
    if (is("indices", "targets", "ids", "positions", "rows")) return wholes(rows_, rows_);
    if (is("mask", "allowed") &&
        of("masked_scores", "masked_sum", "attention", "attention_weights"))
      return wholes(rows_, 2);
    if (is("condition", "mask")) return "(" + part(matrix, depth) + ") > 0";
    if (is("w")) return bracketed(matrix, depth) + " @ " + bracketed(matrix, depth) + "'";
    if (of("linear") && is("bias")) return list(rows_, [&] { return plain_number(); });
    if (is("gain", "bias")) return part(row, depth);
    if (is("epsilon", "base", "value", "scale", "shift", "deviation", "mean")) return "0.5";
    return part(matrix, depth);
  }

  Draw& draw_;
  std::size_t rows_, columns_;
  std::vector<Name> names_;
};

// Changes, inserts or removes a few characters.
void damage(std::string& text, Draw& draw) {
  static constexpr std::array parts = {"(",  ")", "[", "]",  ",",    "'",    "^",  "-",     ";",
                                       "=",  "@", "é", "\n", "\xff", "1e99", "9",  "axis=", "\x01",
                                       "==", ".", "x", "²",  "sin(", "#",    "\0", "0",     "π"};
  for (std::size_t changes = 1 + draw.below(3); changes > 0; --changes) {
    const std::size_t at = draw.below(std::min<std::size_t>(text.size() + 1, 256));
    switch (draw.below(3)) {
      case 0:
        text.insert(at, draw.one_of(parts));
        break;
      case 1:
        text.erase(at, 1 + draw.below(4));
        break;
      default:
        text.replace(at, 1, draw.one_of(parts));
    }
  }
}

std::string text_from_bytes(Bytes input) {
  if (input.empty()) return {};
  const Bytes rest = input.subspan(1);
  if (input[0] == 't') return std::string(text_of(rest));
  Draw draw(rest, input[0] == 'c' ? std::nullopt : std::optional(key_of(input)));
  std::string text = Writer(draw).program();
  if (draw.one_in(6)) damage(text, draw);
  return text;
}

// ---- What must hold -----------------------------------------------------------------------------

void check_problem(const Program& program, const Problem& problem, std::string_view text) {
  const Index last = data::invalid_utf8_at(text)
                         ? static_cast<Index>(text.size())
                         : static_cast<Index>(data::code_points(text).size());
  promise(problem.place().column >= 1 && problem.place().column <= last + 1,
          "a problem has a column of the text");
  check_message(Error(program.text_of(problem)));
}

// Twice, or once with its story, which takes longer.
void differentiate(const Evaluation& evaluation, bool with_story) {
  const Tensor& y = evaluation.result;
  if (!y.tracked()) return;
  const Tensors& xs = evaluation.variables;
  const auto gradients = [&](const Tensor& of, const GradOptions& options) {
    return grad(Tensors{of}, xs, {ones(of.shape(), of.dtype())}, options);
  };
  const Tensors first = gradients(y, {.create_graph = !with_story, .zeros_if_independent = true});
  for (std::size_t i = 0; i < first.size(); ++i) {
    promise(first[i].form() == xs[i].form(), "a gradient has its input's form");
    if (first[i].tracked()) gradients(first[i], {.zeros_if_independent = true});
  }
  if (!with_story) return;
  std::ostringstream story;
  explain(story, y);
  promise(!story.str().empty() && !data::invalid_utf8_at(story.str()), "a story is UTF-8 text");
  promise(tape_as_json(y).starts_with('{'), "a tape has a JSON form");
}

}  // namespace

void expressions(Bytes input) {
  const std::string text = text_from_bytes(input);
  const DType dtype = text.size() % 4 == 3 ? DType::f32 : DType::f64;
  const EvaluationOptions options = {
      .dtype = dtype, .most_elements = most_elements, .most_computed = 100 * most_elements};
  Program program;
  try {
    parse_into(program, text);
    const KeepValues keep;
    const Evaluation evaluation = evaluate(program, options);
    if (evaluation.nan) check_problem(program, *evaluation.nan, text);
    promise(testing::same_bits(evaluation.result, evaluate(program, options).result),
            "evaluated again, a program gives the same bits");
    const LargestTensor limit(64 * most_elements * sizeof(double));
    accepted([&] { differentiate(evaluation, text.size() % 8 == 0); });
  } catch (const Problem& problem) {
    check_problem(program, problem, text);
  }
}

}  // namespace adjoint::fuzz

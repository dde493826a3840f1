#include "examples/explain/evaluator.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <numbers>
#include <unordered_map>

#include "autograd/support/largest_tensor.h"
#include "autograd/support/printable.h"
#include "examples/explain/advice.h"
#include "examples/explain/call.h"

namespace adjoint::expression {
namespace {

/// What a name stands for.
struct Meaning {
  enum class Kind { nothing, input, value };
  Kind kind = Kind::nothing;
  Value value = {};           ///< of an input: as given
  Tensor variable = {};       ///< of an input with real values
  std::size_t statement = 0;  ///< that gave it
  bool used = false;
  bool differentiated = false;  ///< whether the variable was used
};

// The first NaN of a tensor, in row-major order.
std::optional<Index> first_nan(const Tensor& x) {
  std::optional<Index> found;
  dispatch(x.dtype(), [&]<class T>() {
    if constexpr (Real<T>) {
      const auto values = x.values<T>();
      const auto at = std::ranges::find_if(values, [](T value) { return std::isnan(value); });
      if (at != values.end()) found = at - values.begin();
    }
  });
  return found;
}

Tensor constant_named(std::string_view name) {
  if (name == "true" || name == "false") return scalar(name == "true" ? 1 : 0, DType::b8);
  const double value = name == "inf"   ? std::numeric_limits<double>::infinity()
                       : name == "nan" ? std::nan("")
                                       : std::numbers::pi;
  return scalar(value, DType::f64);
}

class Evaluator final : public Values {
 public:
  Evaluator(const Program& program, const EvaluationOptions& options)
      : program_(program),
        options_(options),
        results_(program.nodes.size()),
        meanings_(program.names.size()) {}

  Evaluation run() {
    const LargestTensor guard(static_cast<std::size_t>(options_.most_elements) * sizeof(double));
    Evaluation evaluation;
    for (std::size_t i = 0; i < program_.statements.size(); ++i) evaluation.result = run(i);
    for (const Meaning& meaning : meanings_) require_used(meaning);
    list_variables(evaluation);
    if (is_real(evaluation.result.dtype()) && first_nan(evaluation.result))
      evaluation.nan = origin_of_nan(program_.statements.back().root);
    return evaluation;
  }

  // ---- Values -----------------------------------------------------------------------------------

  Value value(std::size_t node) override { return get(node, false); }
  Value fixed(std::size_t node) override { return get(node, true); }

  std::optional<DType> type(std::size_t number) const override {
    const Node& node = program_.nodes[number];
    if (node.kind == Node::Kind::number) return {};
    if (node.kind != Node::Kind::name) return type_of(*results_[number]);
    const Meaning& meaning = meanings_[node.name];
    if (meaning.kind == Meaning::Kind::nothing) return {};
    if (meaning.kind == Meaning::Kind::value) return type_of(meaning.value);
    return (meaning.variable.defined() ? meaning.variable : meaning.value.x).dtype();
  }
  DType dtype() const override { return options_.dtype; }
  Index most_elements() const override { return options_.most_elements; }

 private:
  static std::optional<DType> type_of(const Value& value) {
    return value.constant ? std::nullopt : std::optional(value.x.dtype());
  }

  Value get(std::size_t number, bool fixed) {
    const Node& node = program_.nodes[number];
    if (node.kind == Node::Kind::number) return {scalar(node.number, DType::f64), true};
    if (node.kind != Node::Kind::name) return *results_[number];
    const std::string& name = program_.names[node.name];
    if (is_constant(name)) return {constant_named(name), true};
    Meaning& meaning = meanings_[node.name];
    if (meaning.kind == Meaning::Kind::nothing) refuse_name(node);
    meaning.used = true;
    roots_[number] = program_.statements[meaning.statement].root;
    if (meaning.kind == Meaning::Kind::value) return meaning.value;
    if (fixed || !meaning.variable.defined()) return {meaning.value.x, fixed};
    meaning.differentiated = true;
    return {meaning.variable, false};
  }

  // A finite number that f32 would turn into an infinity.
  void require_fits(const Tensor& x, Place place) const {
    if (options_.dtype != DType::f32 || x.dtype() != DType::f64 || !options_.variables.empty())
      return;
    for (const double number : x.values<double>())
      if (std::isfinite(number) && std::isinf(static_cast<float>(number)))
        refuse(place, "f32 cannot hold the number ", number);
  }

  Tensor variable_of(const std::string& name, const Tensor& x) const {
    const auto given = options_.variables.find(name);
    if (given != options_.variables.end()) return given->second;
    return variable(cast(x, options_.dtype), name);
  }

  [[noreturn]] void refuse_name(const Node& node) const {
    const std::string& name = program_.names[node.name];
    const std::string text = printable_line(name, 40);
    if (find_function(name)) refuse(node.place, text, " is a function: write ", text, "(…)");
    const std::string_view advice = advice_on_name(name);
    if (!advice.empty()) refuse(node.place, "the name '", text, "' has no value: ", advice);
    refuse_order(node, text);
    refuse(node.place, "the name '", text, "' has no value: give it one, as in ", text, "=2");
  }

  // A name that gets its value in this statement or in one after it.
  void refuse_order(const Node& node, const std::string& text) const {
    const auto later = std::find_if(
        program_.statements.begin() + static_cast<std::ptrdiff_t>(running_),
        program_.statements.end(), [&](const Statement& s) { return s.name == node.name; });
    if (later == program_.statements.end()) return;
    if (later == program_.statements.begin() + static_cast<std::ptrdiff_t>(running_))
      refuse(node.place, "'", text, "' cannot be defined by itself");
    refuse(node.place, "'", text, "' gets its value only after this: give it before");
  }

  // ---- Statements -------------------------------------------------------------------------------

  Tensor run(std::size_t number) {
    running_ = number;
    const Statement& statement = program_.statements[number];
    for (std::size_t i = statement.first; i <= statement.root; ++i) run_node(i);
    const Value result = value(statement.root);
    results_[statement.root] = nullptr;
    const bool last = number + 1 == program_.statements.size();
    if (!statement.name) {
      if (!last) refuse(statement.place, "the value of this statement is not used: give it a name");
      return result.x;
    }
    Meaning& meaning = meanings_[*statement.name];
    if (meaning.kind != Meaning::Kind::nothing)
      refuse(statement.place, "the name '", printable_line(program_.names[*statement.name], 40),
             "' already has a value; choose another name");
    meaning = {.kind = result.constant ? Meaning::Kind::input : Meaning::Kind::value,
               .value = result,
               .statement = number,
               .used = last};
    if (result.constant && is_real(result.x.dtype()))
      meaning.variable = variable_of(program_.names[*statement.name], result.x);
    return result.x;
  }

  void require_used(const Meaning& meaning) const {
    if (meaning.kind == Meaning::Kind::nothing || meaning.used) return;
    const Statement& statement = program_.statements[meaning.statement];
    refuse(statement.place, "'", printable_line(program_.names[*statement.name], 40),
           "' is not used");
  }

  void list_variables(Evaluation& evaluation) const {
    std::vector<const Meaning*> inputs;
    for (const Meaning& meaning : meanings_)
      if (meaning.differentiated) inputs.push_back(&meaning);
    std::ranges::sort(inputs, {}, &Meaning::statement);
    for (const Meaning* input : inputs) {
      evaluation.names.push_back(program_.names[*program_.statements[input->statement].name]);
      evaluation.variables.push_back(input->variable);
    }
  }

  // ---- Operations -------------------------------------------------------------------------------

  void run_node(std::size_t number) {
    const Node& node = program_.nodes[number];
    if (node.kind == Node::Kind::number) require_fits(scalar(node.number, DType::f64), node.place);
    if (node.kind != Node::Kind::list && node.kind != Node::Kind::call) return;
    Value result;
    try {
      result = node.kind == Node::Kind::list ? list(node) : call(node);
    } catch (const Problem&) {
      throw;
    } catch (const SizeError& error) {
      const bool limited = std::string_view(error.what()).find("too large") != std::string::npos;
      if (!limited) refuse(node.place, error.what());
      refuse(node.place, name_of(node), ": this needs a tensor that is too large: at most ",
             options_.most_elements, " elements are allowed here");
    } catch (const Error& error) {
      refuse(node.place, error.what());
    } catch (const std::bad_alloc&) {
      refuse(node.place, "out of memory");
    }
    for (const std::size_t operand : operands(node))
      if (operand != Program::absent) results_[operand] = nullptr;  // nobody else reads it
    count(node, result.x.shape());
    if (result.constant) require_fits(result.x, node.place);
    if (const auto at = first_nan(result.x)) nans_[number] = index_text(result.x.shape(), *at);
    results_[number] = std::make_unique<Value>(std::move(result));
  }

  static const char* name_of(const Node& node) {
    return node.function ? node.function->name : "list";
  }

  std::span<const std::size_t> operands(const Node& node) const {
    return std::span(program_.operands).subspan(node.first, node.count);
  }

  Value list(const Node& node) const {
    std::vector<double> numbers;
    for (const std::size_t item : operands(node)) numbers.push_back(program_.nodes[item].number);
    return {from(numbers, {std::ssize(numbers)}), true};
  }

  Value call(const Node& node) {
    const bool constant = std::ranges::all_of(operands(node), [&](std::size_t operand) {
      return operand == Program::absent || !type(operand);
    });
    return {node.function->run(Call(program_, node, *this)), constant};
  }

  // A shape without elements may have long axes, which take time.
  void count(const Node& node, const Shape& shape) {
    double elements = 1;
    for (const Index size : shape) elements *= static_cast<double>(std::max<Index>(1, size));
    if (elements > static_cast<double>(options_.most_elements))
      refuse(node.place, "the result, of shape ", shape, ", is too large: at most ",
             options_.most_elements, " elements are allowed here");
    computed_ += shape.numel();
    if (computed_ > options_.most_computed)
      refuse(node.place, "too much to compute: all results up to here have over ",
             options_.most_computed, " elements");
  }

  // ---- NaN --------------------------------------------------------------------------------------

  // From the result down to an operation that made a NaN of operands without one.
  Problem origin_of_nan(std::size_t number) const {
    while (true) {
      const Node& node = program_.nodes[number];
      if (node.kind == Node::Kind::name) {
        const auto root = roots_.find(number);
        if (root == roots_.end()) return {node.place, "the result is nan, because of this one"};
        number = root->second;
        continue;
      }
      const auto culprit = std::ranges::find_if(operands(node), [&](std::size_t operand) {
        return operand != Program::absent && has_nan(operand);
      });
      if (culprit != operands(node).end()) {
        number = *culprit;
        continue;
      }
      const std::string& element = nans_.at(number);
      return {node.place,
              text_from("the result has a nan: this ", node.function->name, " gives one",
                        element.empty() ? "" : ", as its element " + element)};
    }
  }

  bool has_nan(std::size_t number) const {
    while (true) {
      const Node& node = program_.nodes[number];
      if (node.kind != Node::Kind::name) return nans_.contains(number);
      const auto root = roots_.find(number);
      if (root == roots_.end()) return program_.names[node.name] == "nan";
      number = root->second;
    }
  }

  const Program& program_;
  const EvaluationOptions& options_;
  std::vector<std::unique_ptr<Value>> results_;         // of nodes, until they are read
  std::vector<Meaning> meanings_;                       // of names
  std::unordered_map<std::size_t, std::size_t> roots_;  // of what a name stood for
  std::unordered_map<std::size_t, std::string> nans_;   // the first element of a result with NaN
  Index computed_ = 0;
  std::size_t running_ = 0;  // number of the statement
};

}  // namespace

Evaluation evaluate(const Program& program, const EvaluationOptions& options) {
  require(!program.statements.empty(), "there is nothing to evaluate");
  return Evaluator(program, options).run();
}

}  // namespace adjoint::expression

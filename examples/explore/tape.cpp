#include "examples/explore/tape.h"

#include <algorithm>

#include "autograd/support/ambient.h"
#include "autograd/support/largest_tensor.h"
#include "autograd/tools/inspect.h"
#include "examples/explain/evaluator.h"
#include "examples/explain/functions.h"
#include "examples/explain/page_data.h"
#include "examples/explain/parser.h"

namespace adjoint::explore {
namespace {

using namespace expression;

// What is computed while somebody waits. `explain` computes more, and writes it to a file.
constexpr Index most_elements = 10'000;     // of a tensor
constexpr Index most_computed = 300'000;    // of all tensors together
constexpr std::size_t most_parts = 20'000;  // numbers, names and operations of an expression
constexpr std::size_t most_nodes = 2'000;
constexpr std::size_t most_operands = 10'000;

// The names in the program that nothing gives a value to, each once.
std::vector<std::string> names_without_value(const Program& program) {
  std::vector<std::string> missing;
  for (const expression::Node& node : program.nodes) {
    if (node.kind != expression::Node::Kind::name) continue;
    const std::string& name = program.names[node.name];
    const bool defined = std::ranges::any_of(
        program.statements, [&](const Statement& each) { return each.name == node.name; });
    if (!defined && constant_help(name).empty() && !find_function(name) &&
        std::ranges::find(missing, name) == missing.end())
      missing.push_back(name);
  }
  return missing;
}

// The last text is the expression; the inputs come before it.
Trouble trouble_of(const Program& program, const Problem& problem, std::size_t inputs) {
  Trouble trouble(program.text_of(problem));
  trouble.column = problem.place().column;
  if (problem.place().text < inputs) trouble.input = problem.place().text;
  if (std::string_view(problem.what()).find("has no value") != std::string_view::npos)
    trouble.missing = names_without_value(program);
  return trouble;
}

const EvaluationOptions options = {.most_elements = most_elements, .most_computed = most_computed};

Evaluation evaluated(Program& program, const Question& question) {
  for (const std::string& input : question.inputs) parse_input_into(program, input);
  parse_into(program, question.expression);
  const Place end = program.statements.back().place;
  if (program.nodes.size() > most_parts)
    refuse(end, "too long for this page: at most ", most_parts, " numbers, names and operations");
  Evaluation evaluation = evaluate(program, options);
  if (evaluation.nan) throw *evaluation.nan;
  if (!evaluation.result.tracked())
    refuse(end, "there is no tape: the result depends on no variable");
  return evaluation;
}

// What takes long to sweep, to lay out and to send.
void require_small(const Tensor& y) {
  std::size_t nodes = 0, operands = 0;
  for (const TapeStory::Node& node : tape_nodes(y)) {
    ++nodes;
    operands += node.inputs.size();
  }
  require(nodes <= most_nodes && operands <= most_operands, "a tape of ", nodes,
          " nodes is too long for this page, which shows at most ", most_nodes,
          "; explain --html FILE takes longer ones");
}

Tape tape_of_expression(const Question& question) {
  Program program;
  try {
    const Evaluation evaluation = evaluated(program, question);
    require_small(evaluation.result);
    Tape tape{.story = tape_story(evaluation.result), .options = {}};
    tape.options = page_data(program, options, evaluation, tape.story, question.expression);
    return tape;
  } catch (const Problem& problem) {
    throw trouble_of(program, problem, question.inputs.size());
  }
}

Tape tape_of_example(const Example& example, const std::vector<Change>& changes) {
  const Tensor y = example.build(changes);
  require_small(y);
  Tape tape{.story = tape_story(y), .options = {.title = example.title}};
  tape.options.what_ifs = what_ifs(y, tape.story);
  return tape;
}

}  // namespace

Tape tape_of(const Question& question) {
  const LargestTensor limit(static_cast<std::size_t>(most_elements) * sizeof(double));
  const KeepValues keep;
  try {
    const Example* const example = question.example;
    if (!example) return tape_of_expression(question);
    if (example->build) return tape_of_example(*example, question.changes);
    return tape_of_expression({.expression = example->expression, .inputs = example->inputs});
  } catch (const Trouble&) {
    throw;
  } catch (const Error& error) {
    throw Trouble(error.what());
  }
}

}  // namespace adjoint::explore

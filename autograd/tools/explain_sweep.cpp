// The second half of explain(): the sweep, and the gradients.
#include <algorithm>
#include <utility>

#include "autograd/tools/broadcast.h"
#include "autograd/tools/explain_not_finite.h"
#include "autograd/tools/explain_teller.h"

namespace adjoint::telling {

using Story = TapeStory;

namespace {

constexpr Index most_inputs = 8;      // of one operation, that are told one by one
constexpr Index most_leaves = 40;     // whose gradients are listed
constexpr Index most_constants = 12;  // elements of a constant, which no other line shows

// Numbers below zero in brackets.
std::string term_text(const std::string& number) {
  return number.starts_with('-') ? '(' + number + ')' : number;
}

}  // namespace

// ---- Backward -----------------------------------------------------------------------------------

void Teller::backward() {
  stream_ << "\nBackward: by how much does the result " << result_ << " change with each value?\n\n"
          << wrap(
                 "The answer for a value is its cotangent; ȳ stands for the cotangent of an "
                 "operation's result y. An operation takes its ȳ and sends each of its inputs a "
                 "term. A value that is used more than once gets a term from each of its "
                 "consumers, and the terms are added. So an operation may run only when all "
                 "consumers of its result have run; the youngest one that is left always may.",
                 "  ")
          << '\n';
  print_start();
  int number = 0;
  bool shown = true;
  for (const Story::Event& event : story_.events) {
    if (const auto* const vjp = std::get_if<Story::Vjp>(&event)) {
      ++number;
      const bool was_shown = std::exchange(
          shown, !skip_middle_ || number <= shown_at_ends || number > steps_ - shown_at_ends);
      if (was_shown && !shown) print_skipped(steps_ - 2 * shown_at_ends, "steps");
      if (shown) print_step(*vjp, number);
    }
  }
}

void Teller::print_start() {
  const Story::Output& y = story_.value(story_.result_node, story_.result_output);
  const Tensor& seed = std::get<Story::Seed>(story_.events.front()).cotangent;
  const std::string start = "  start    " + result_ + " receives ȳ = ";
  if (!story_.ones)
    stream_ << with_tensor(start, seed) << "\n           This cotangent was given.\n";
  else if (y.form.shape.numel() == 1)
    stream_ << start << text(seed) << ": the result changes one for one with itself\n";
  else
    stream_ << with_tensor(start, seed) << '\n'
            << wrap("The result has " + counted(y.form.shape.numel(), "element") +
                        " and no cotangent was given, so ones are taken: the gradients are "
                        "those of the sum of its elements.",
                    "           ");
}

// "with a = %1 'x' = 2, b = %3 [4, 3], c = constant [2] = [5, 6]"
std::string Teller::legend(const Story::Node& node) const {
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const std::string letter = letter_of(node, i);
    if (letter.empty()) continue;
    const Story::Input& input = node.inputs[i];
    std::string entry = letter + " = ";
    entry += input.node > 0 ? name(input.node, input.output) : "constant";
    const Tensor& values =
        input.node > 0 ? story_.value(input.node, input.output).values : input.values;
    const bool is_scalar = input.form.shape.rank() == 0;
    if (!is_scalar) entry += text_from(' ', input.form.shape);
    if (values.defined() && is_scalar)
      entry += (input.node > 0 ? " = " : " ") + text(values);
    else if (values.defined() && input.node == 0 && values.numel() > 0 &&
             values.numel() <= most_constants)
      entry += " = " + tensor_text(values, most_constants);
    entries.push_back(std::move(entry));
  }
  std::string text;
  for (const std::string& entry : entries) text += (text.empty() ? "with " : ", ") + entry;
  return text;
}

void Teller::print_step(const Story::Vjp& vjp, int number) {
  const Story::Node& node = story_.node(vjp.node);
  stream_ << '\n';
  print_received(vjp, padded("  step " + std::to_string(number), 10));
  const Index inputs = std::ssize(node.inputs);
  const Index shown = options_.whole || inputs <= most_inputs ? inputs : most_inputs;
  for (Index i = 0; i < shown; ++i) print_sent(vjp, static_cast<std::size_t>(i));
  if (shown < inputs) print_skipped(inputs - shown, "inputs");
}

void Teller::print_received(const Story::Vjp& vjp, const std::string& before) {
  const Story::Node& node = story_.node(vjp.node);
  std::string line = before + " %" + std::to_string(node.number) + " = " + call_text(story_, node);
  for (const std::string& part : {value_formula(node), legend(node)}) {
    if (part.empty()) continue;
    if (columns(line) + 3 + columns(part) > options_.width) {
      stream_ << line << '\n';
      line = wrap(part, std::string(11, ' '));
      line.pop_back();  // the end of its last line
    } else {
      line += (part.starts_with("with ") ? "  " : ",  ") + part;
    }
  }
  stream_ << line << '\n';
  print_why_now(node);
  for (std::size_t i = 0; i < vjp.cotangents.size(); ++i) {
    const std::string of = vjp.cotangents.size() == 1
                               ? ""
                               : " of " + value_name(story_, node.number, static_cast<int>(i));
    if (vjp.cotangents[i].defined())
      stream_ << with_tensor("    receives ȳ" + of + " = ", vjp.cotangents[i]) << '\n';
    else
      stream_ << "    receives nothing: ȳ" << of << " is zero\n";
  }
}

// Why the node may run: what its consumers have sent is complete.
void Teller::print_why_now(const Story::Node& node) {
  for (int output = 0; output < std::ssize(node.outputs); ++output) {
    const auto found = terms_.find({node.number, output});
    if (found == terms_.end()) continue;
    const Terms& terms = found->second;
    const int consumers = story_.value(node.number, output).consumers;
    const auto sent = static_cast<int>(terms.size());
    const std::string value = value_name(story_, node.number, output);
    const std::string all = (consumers == 2 ? "Both" : text_from("All ", consumers)) +
                            " consumers of " + value + " have arrived";
    if (sent < consumers)
      stream_ << wrap(counted(consumers - sent, "consumer") + " of " + value +
                          " sent nothing, which means zero. Everything younger has run, so ȳ "
                          "is complete.",
                      "    ");
    else if (std::exchange(order_explained_, true))
      stream_ << "    " << all << ".\n";
    else
      stream_ << wrap(all + ", so ȳ is complete and the operation may run. Had it run after " +
                          "the first, it would have passed on ȳ = " + text(terms.front()->after) +
                          " instead of " + text(terms.back()->after) +
                          ": that is why the youngest goes first.",
                      "    ");
  }
}

void Teller::print_equation(const std::string& before, const std::string& formula,
                            const Tensor& value) {
  const std::size_t equals = formula.find(" = ");
  const bool plain = formula.find_first_of(",.") == std::string::npos &&
                     formula.find(" where ") == std::string::npos && columns(formula) <= 24;
  const std::string line = formula.empty() ? before : before + formula + " = ";
  if (formula.empty() || equals == std::string::npos ||
      (plain && columns(line + text(value)) <= options_.width)) {
    stream_ << with_tensor(line, value) << '\n';
    return;
  }
  if (columns(before) > 8 && columns(before + formula) > options_.width) {
    stream_ << before.substr(0, before.find_last_not_of(' ') + 1) << '\n';
    return print_equation(std::string(8, ' '), formula, value);
  }
  const std::string indent(columns(before + formula.substr(0, equals)), ' ');
  stream_ << before << formula << '\n' << with_tensor(indent + " = ", value) << '\n';
}

void Teller::print_sent(const Story::Vjp& vjp, std::size_t input) {
  print_term(vjp, input);
  const Story::Input& x = story_.node(vjp.node).inputs[input];
  const auto terms = terms_.find({x.node, x.output});
  if (terms == terms_.end()) return;
  for (const Story::Arrival* const arrival : terms->second)
    if (arrival->from == vjp.node && arrival->input == static_cast<int>(input))
      print_arrival(*arrival);
}

void Teller::print_term(const Story::Vjp& vjp, std::size_t input) {
  const Story::Node& node = story_.node(vjp.node);
  const Story::Input& x = node.inputs[input];
  if (x.node == 0) return;  // a constant
  const std::string to = name(x.node, x.output);
  const Tensor& gradient = vjp.gradients[input];
  if (!gradient.defined()) {
    stream_ << "    sends nothing to " << to << ": its term is zero\n";
    return;
  }
  std::string formula = gradient_formula(node, input);
  const Summed summed = summed_over(node, input);
  if (summed.times > 1 && broadcasts(node.operation)) formula += ", summed over " + summed.axes;
  print_equation("    sends to " + to + ":  ", formula, gradient);
  if (const std::string why = why_not_finite(story_, vjp, input); !why.empty())
    stream_ << wrap(why, "      ");
  print_why_summed(node, input);
}

void Teller::print_arrival(const Story::Arrival& arrival) {
  const std::string at = value_name(story_, arrival.node, arrival.output);
  const std::string before = arrival.before.defined() ? text(arrival.before) : "0";
  const std::string count =
      text_from(arrival.arrived, " of ", counted(arrival.consumers, "consumer"), ' ',
                arrival.arrived == 1 ? "has" : "have", " arrived");
  const std::string term = text(arrival.term), after = text(arrival.after);
  const std::string sum = before + " + " + term_text(term) + " = " + after;
  const std::string head = "      at " + at + ":  ";
  if (columns(head + sum + "; " + count) <= options_.width) {
    stream_ << head << sum << "; " << count << '\n';
    return;
  }
  const auto line = [&](const std::string& name, const Tensor& x) {
    return x.defined() ? with_tensor(name, x) : name + '0';
  };
  stream_ << head << count << '\n'
          << line("        before   ", arrival.before) << '\n'
          << line("        + term   ", arrival.term) << '\n'
          << line("        = after  ", arrival.after) << '\n';
}

Teller::Summed Teller::summed_over(const Story::Node& node, std::size_t input) const {
  const Story::Input& x = node.inputs[input];
  const Shape& y = node.outputs[0].form.shape;
  Summed summed;
  for (const Index axis : x.repeated) summed.times *= y[axis];
  if (summed.times <= 1) return summed;
  const Index kept = y.rank() - std::ssize(x.repeated);
  const bool leading = x.repeated.back() == std::ssize(x.repeated) - 1;
  if (x.form.shape.numel() == 1) {
    summed.each = "each of the " + counted(summed.times, "element");
    summed.axes = "all elements";
  } else if (leading && kept == 1) {
    summed.each = "each of the " + counted(summed.times, "row");
    summed.axes = "the rows";
  } else {
    std::vector<std::string> axes;
    for (const Index axis : x.repeated) axes.push_back(std::to_string(axis));
    summed.axes = (axes.size() == 1 ? "axis " : "axes ") + list_text(axes);
    summed.each = "each of the " + counted(summed.times, "position") + " along " + summed.axes;
  }
  return summed;
}

// Why the gradient of an operand that broadcasting repeated is a sum.
void Teller::print_why_summed(const Story::Node& node, std::size_t input) {
  const Summed summed = summed_over(node, input);
  if (summed.times <= 1) return;
  const Story::Input& x = node.inputs[input];
  stream_ << wrap(text_from(name(x.node, x.output), ' ', x.form.shape, " was used once for ",
                            summed.each, " of the result ", node.outputs[0].form.shape,
                            ", so its gradient is the sum over ", summed.axes, '.'),
                  "      ");
}

// ---- The gradients ------------------------------------------------------------------------------

// "2 + (-1)"; empty if there are many terms, or long ones.
std::string Teller::sum_of_terms(const Terms& terms) const {
  std::string sum;
  if (terms.size() > 6) return "";
  for (const Story::Arrival* const arrival : terms)
    sum += sum.empty() ? text(arrival->term) : " + " + term_text(text(arrival->term));
  return columns(sum) <= 60 ? sum : "";
}

// "%4 (sin) and %3 (mul, twice)"
std::string Teller::uses(const Terms& terms) const {
  std::vector<std::pair<int, int>> counts;  // an operation, and how many terms it sent
  for (const Story::Arrival* const arrival : terms) {
    if (counts.empty() || counts.back().first != arrival->from)
      counts.emplace_back(arrival->from, 0);
    ++counts.back().second;
  }
  if (counts.size() > 6) return counted(static_cast<Index>(counts.size()), "operation");
  std::vector<std::string> items;
  for (const auto& [number, times] : counts) {
    std::string item = text_from('%', number, " (", story_.node(number).operation);
    if (times > 1) item += times == 2 ? ", twice" : text_from(", ", times, " times");
    items.push_back(item + ')');
  }
  return list_text(items);
}

// "= 2 + 2, from %2 (add, twice)"
std::string Teller::origin_of(const Terms& terms) const {
  const std::string sum = sum_of_terms(terms);
  return (sum.empty() ? "" : "= " + sum + ", ") + "from " + uses(terms);
}

void Teller::gradients() {
  stream_ << "\nThe gradients of " << result_ << "\n\n";
  std::size_t width = 0;
  std::vector<const Story::Node*> leaves;
  for (const Story::Node& node : story_.nodes)
    if (node.is_leaf()) leaves.push_back(&node);
  const Index shown =
      options_.whole ? std::ssize(leaves) : std::min(std::ssize(leaves), most_leaves);
  for (Index i = 0; i < shown; ++i)
    width = std::max(width, columns(name(leaves[static_cast<std::size_t>(i)]->number, 0)));
  bool sum_explained = false;
  for (Index i = 0; i < shown; ++i) {
    const Story::Node& leaf = *leaves[static_cast<std::size_t>(i)];
    const Tensor& gradient = leaf.outputs[0].cotangent;
    stream_ << "  " << padded(name(leaf.number, 0), width) << "   ";
    if (!gradient.defined()) {
      stream_ << "0: nothing arrived\n";
      continue;
    }
    const std::string value = tensor_block(gradient, options_.elements, width + 5, options_.width);
    stream_ << value;
    const auto found = terms_.find({leaf.number, 0});
    if (found == terms_.end() || found->second.size() < 2) {
      stream_ << '\n';
      continue;
    }
    const Terms& terms = found->second;
    const std::string origin = origin_of(terms);
    if (width + 6 + columns(value + origin) <= options_.width)
      stream_ << (origin[0] == '=' ? " " : ", ") << origin << '\n';
    else
      stream_ << '\n' << wrap(origin, std::string(width + 5, ' '));
    if (!std::exchange(sum_explained, true))
      stream_ << wrap(
          text_from("A change in ", name(leaf.number, 0), " reaches ", result_,
                    " through each of its ", terms.size(), " uses, so their terms add up."),
          std::string(width + 5, ' '));
  }
  if (shown < std::ssize(leaves)) print_skipped(std::ssize(leaves) - shown, "leaves");
}

}  // namespace adjoint::telling

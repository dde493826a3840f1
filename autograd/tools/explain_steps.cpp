// explain() step by step: each node and each event of the sweep in a text of its own.
#include "autograd/tools/explain_teller.h"

namespace adjoint {
namespace telling {

using Story = TapeStory;

namespace {

constexpr std::size_t unlimited = 1'000'000;  // columns: each statement stays on its line

// The lines without their indents and without runs of spaces.
std::string trimmed(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool after_space = result.empty() || result.back() == '\n' || result.back() == ' ';
    if (after_space && (c == ' ' || c == '\n')) continue;
    result += c;
  }
  while (!result.empty() && (result.back() == '\n' || result.back() == ' ')) result.pop_back();
  return result;
}

}  // namespace

std::vector<std::string> Teller::steps(TextStream& text) {
  std::vector<std::string> steps;
  const auto end_step = [&] {
    steps.push_back(trimmed(text.str()));
    text.str("");
  };
  for (const Story::Node& node : story_.nodes) {
    print_values(node);
    end_step();
  }
  for (const Story::Event& event : story_.events) {
    order_explained_ = false;  // each text stands alone
    if (std::holds_alternative<Story::Seed>(event)) print_start();
    if (const auto* const vjp = std::get_if<Story::Vjp>(&event)) {
      print_received(*vjp, "");
      for (std::size_t i = 0; i < vjp->gradients.size(); ++i) print_term(*vjp, i);
    }
    if (const auto* const arrival = std::get_if<Story::Arrival>(&event)) {
      stream_ << '%' << arrival->from << " (" << story_.node(arrival->from).operation
              << ") sends a term to " << name(arrival->node, arrival->output) << ".\n";
      print_arrival(*arrival);
    }
    if (const auto* const leaf = std::get_if<Story::LeafGradient>(&event)) print_leaf(*leaf);
    end_step();
  }
  return steps;
}

// "%3 = mul(%1, %2),  y = a b", and the values.
void Teller::print_values(const Story::Node& node) {
  stream_ << '%' << node.number << " = " << call_text(story_, node);
  if (const std::string formula = value_formula(node); !formula.empty()) stream_ << ", " << formula;
  for (int output = 0; output < std::ssize(node.outputs); ++output) {
    const Story::Output& y = node.outputs[static_cast<std::size_t>(output)];
    stream_ << '\n' << value_name(story_, node.number, output) << ' ';
    stream_ << (y.values.defined() ? "= " + text(y.values) : missing_text(y));
  }
}

void Teller::print_leaf(const Story::LeafGradient& leaf) {
  stream_ << "The gradient of " << name(leaf.node, 0) << " is ";
  if (!leaf.gradient.defined()) {
    stream_ << "0: nothing arrived.";
    return;
  }
  stream_ << text(leaf.gradient);
  const auto found = terms_.find({leaf.node, 0});
  if (found != terms_.end() && found->second.size() > 1) {
    const std::string origin = origin_of(found->second);
    stream_ << (origin[0] == '=' ? " " : ", ") << origin;
  }
  stream_ << '\n';
  for (const Story::Event& event : story_.events)
    if (const auto* const arrival = std::get_if<Story::Arrival>(&event);
        arrival && arrival->node == leaf.node)
      print_why_summed(story_.node(arrival->from), static_cast<std::size_t>(arrival->input));
}

}  // namespace telling

std::vector<std::string> explain_steps(const TapeStory& story, const ExplainOptions& options) {
  TextStream text;  // numbers look the same in every locale
  ExplainOptions wide = options;
  wide.width = telling::unlimited;
  return telling::Teller(text, story, wide).steps(text);
}

}  // namespace adjoint

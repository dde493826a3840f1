#include "autograd/tools/explain.h"

#include <algorithm>

#include "autograd/tools/explain_modules.h"
#include "autograd/tools/explain_teller.h"

namespace adjoint {
namespace telling {

using Story = TapeStory;

namespace {

constexpr int shown_whole = 40;            // so many operations are told one by one
constexpr std::size_t call_width = 44;     // of "%3 = mul(%1, %2)", above which a line breaks
constexpr std::size_t short_formula = 16;  // is shown, however much the line holds
constexpr std::size_t long_formula = 30;   // is shown if there is room; the steps show all

}  // namespace

Teller::Teller(std::ostream& stream, const Story& story, const ExplainOptions& options)
    : stream_(stream), story_(story), options_(options) {
  for (const Story::Node& node : story.nodes) operations_ += !node.is_leaf();
  result_ = value_name(story, story.result_node, story.result_output);
  for (const Story::Event& event : story.events) {
    steps_ += std::holds_alternative<Story::Vjp>(event);
    if (const auto* const arrival = std::get_if<Story::Arrival>(&event))
      if (story.value(arrival->node, arrival->output).consumers > 1)
        terms_[{arrival->node, arrival->output}].push_back(arrival);
  }
}

void Teller::tell() {
  const bool shortened = !options_.whole && operations_ > shown_whole;
  if (shortened && tell_by_module(stream_, story_)) return;
  skip_middle_ = shortened;
  forward();
  backward();
  gradients();
}

// ---- Forward ------------------------------------------------------------------------------------

// What is known of a value instead of its numbers.
std::string Teller::missing_text(const Story::Output& value) {
  values_missing_ |= !value.edited;
  const Shape& shape = value.form.shape;
  return text_from(shape.rank() > 0 ? "is " : "", shape.rank() > 0 ? text_from(shape, ' ') : "",
                   value.edited ? "(edited since it was recorded)" : "(values not kept)");
}

// The lines of the forward pass: "%3 = mul(%1, %2)", "y = a b", and the value.
std::vector<Teller::Row> Teller::rows() const {
  std::vector<Row> rows;
  const auto count = static_cast<Index>(story_.nodes.size());
  for (Index i = 0; i < count; ++i) {
    if (skip_middle_ && i >= shown_at_ends && i < count - shown_at_ends) continue;
    const Story::Node& node = story_.nodes[static_cast<std::size_t>(i)];
    for (int output = 0; output < std::ssize(node.outputs); ++output)
      rows.push_back(
          {"  " + value_name(story_, node.number, output) + " = " + call_text(story_, node),
           output == 0 ? value_formula(node) : "", &node,
           &node.outputs[static_cast<std::size_t>(output)]});
  }
  return rows;
}

// Removes the formulas that leave no place for the values, and returns the width of the others.
std::size_t Teller::fit_formulas(std::vector<Row>& rows, std::size_t left) const {
  std::size_t value = 0;
  for (const Row& row : rows) {
    const std::string block =
        tensor_block(row.value->values, options_.elements, options_.width, options_.width);
    value = std::max(value, columns(block.substr(0, block.find('\n'))));
  }
  const std::size_t taken = left + 6 + value;  // with the spaces and the sign between the columns
  const std::size_t most =
      std::clamp(taken < options_.width ? options_.width - taken : 0, short_formula, long_formula);
  std::size_t width = 0;
  for (Row& row : rows) {
    if (columns(row.formula) > most) row.formula.clear();
    width = std::max(width, columns(row.formula));
  }
  return width;
}

void Teller::forward() {
  stream_ << "Forward: what was computed, in this order\n\n";
  std::vector<Row> lines = rows();
  std::size_t left = 0;
  for (const Row& row : lines) left = std::max(left, columns(row.call));
  left = std::min(left, call_width);
  const std::size_t middle = fit_formulas(lines, left);
  std::string scope;
  for (int last = 0; const Row& row : lines) {
    if (last > 0 && row.node->number > last + 1)
      print_skipped(row.node->number - last - 1, "lines");
    last = row.node->number;
    if (!row.node->is_leaf() && row.node->scope != scope)
      stream_ << "  in " << ((scope = row.node->scope).empty() ? "no module" : scope) << ":\n";
    if (columns(row.call) > left) stream_ << row.call << '\n';
    const std::string call =
        padded(columns(row.call) > left ? "" : row.call, left) + (middle > 0 ? "   " : "");
    const std::string before = call + padded(row.formula, middle) + ' ';
    stream_ << (row.value->values.defined() ? with_tensor(before + "= ", row.value->values)
                                            : before + missing_text(*row.value))
            << '\n';
  }
  if (values_missing_)
    stream_ << "\n  The tape keeps only the values that a derivative reads\n"
               "  (values not kept: record it under a KeepValues guard).\n";
}

}  // namespace telling

void explain(std::ostream& stream, const TapeStory& story, const ExplainOptions& options) {
  TextStream text;  // numbers look the same in every locale
  telling::Teller(text, story, options).tell();
  stream << text.str();
}

void explain(std::ostream& stream, const Tensor& y, const ExplainOptions& options) {
  explain(stream, tape_story(y, options.cotangent), options);
}

}  // namespace adjoint

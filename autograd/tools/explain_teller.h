// explain() at work: what its sources share.
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "autograd/tools/explain.h"
#include "autograd/tools/story_words.h"

namespace adjoint::telling {

constexpr int shown_at_ends = 8;  // steps and lines at either end of a tape that is shortened

/// Tells a story operation by operation.
class Teller {
 public:
  Teller(std::ostream& stream, const TapeStory& story, const ExplainOptions& options);
  void tell();
  /// A text for each node and each event. `text` is the stream of this Teller.
  std::vector<std::string> steps(TextStream& text);

 private:
  using Value = std::pair<int, int>;  // a node and one of its outputs
  using Terms = std::vector<const TapeStory::Arrival*>;

  std::string name(int node, int output) const { return full_name(story_, node, output); }
  std::string text(const Tensor& x) const { return tensor_text(x, options_.elements); }
  // The text before a tensor, and the tensor, which may take several lines.
  std::string with_tensor(const std::string& before, const Tensor& x) const {
    return before + tensor_block(x, options_.elements, columns(before), options_.width);
  }
  std::string wrap(const std::string& words, const std::string& indent) const {
    return wrapped(words, indent, options_.width);
  }
  // "before x̄ = ȳ y = [1, 2]". Where that is long or not a plain formula, the value stands on a
  // line of its own, under the formula.
  void print_equation(const std::string& before, const std::string& formula, const Tensor& value);
  // "… 10 more steps …"
  void print_skipped(Index count, const char* nouns) {
    stream_ << "  … " << with_commas(count) << " more " << nouns << " …\n";
  }

  // ---- Forward ----
  struct Row {
    std::string call, formula;
    const TapeStory::Node* node;
    const TapeStory::Output* value;
  };
  void forward();
  std::vector<Row> rows() const;
  std::size_t fit_formulas(std::vector<Row>& rows, std::size_t left) const;
  std::string missing_text(const TapeStory::Output& value);

  // ---- Backward ----
  void backward();
  void print_start();
  void print_step(const TapeStory::Vjp& vjp, int number);
  // What the node is and what it receives; `before` begins the line.
  void print_received(const TapeStory::Vjp& vjp, const std::string& before);
  void print_why_now(const TapeStory::Node& node);
  void print_sent(const TapeStory::Vjp& vjp, std::size_t input);  // the term and its arrival
  void print_term(const TapeStory::Vjp& vjp, std::size_t input);
  void print_arrival(const TapeStory::Arrival& arrival);
  // How broadcasting repeated an operand.
  struct Summed {
    Index times = 1;
    std::string each, axes;  // "each of the 4 rows", "the rows"
  };
  Summed summed_over(const TapeStory::Node& node, std::size_t input) const;
  void print_why_summed(const TapeStory::Node& node, std::size_t input);
  std::string legend(const TapeStory::Node& node) const;

  void print_values(const TapeStory::Node& node);
  void print_leaf(const TapeStory::LeafGradient& leaf);

  // ---- The gradients ----
  void gradients();
  std::string origin_of(const Terms& terms) const;
  std::string sum_of_terms(const Terms& terms) const;
  std::string uses(const Terms& terms) const;

  std::ostream& stream_;
  const TapeStory& story_;
  const ExplainOptions& options_;
  std::string result_;            // the name of y
  int operations_ = 0;            // nodes that are not leaves
  int steps_ = 0;                 // of the sweep: a node that nothing arrives at takes none
  bool skip_middle_ = false;      // whether to tell only the first and the last steps
  bool values_missing_ = false;   // whether a value was not there to be shown
  bool order_explained_ = false;  // whether "the youngest goes first" has been said
  std::map<Value, Terms> terms_;  // what arrived where several terms can arrive
};

}  // namespace adjoint::telling

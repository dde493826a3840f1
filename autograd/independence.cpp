#include "autograd/independence.h"

#include <algorithm>
#include <set>
#include <vector>

#include "autograd/node.h"
#include "autograd/support/error.h"

namespace adjoint {
namespace {

const char* text_of(Untracked cause) {
  switch (cause) {
    case Untracked::constant:
      return "nothing that it was computed from is a variable(); make the parameters with "
             "variable() "
             "before you compute with them";
    case Untracked::detached:
      return "detach() dropped the history; use what detach() was given";
    case Untracked::copied:
      return "copy() dropped the history; use what copy() was given";
    case Untracked::not_recorded:
      return "it was computed while recording was off; compute it outside of NoRecording, or "
             "differentiate it with vjp() of functional.h, which records by itself";
    case Untracked::no_derivative:
      return "it comes from an operation without a derivative, such as a comparison, argmax or a "
             "cast() to i64; use a differentiable one";
    case Untracked::gradient:
      return "it comes from a gradient that was not recorded; pass {.create_graph = true} to that "
             "grad()";
  }
  return "";
}

// Finds where the histories of some results end.
struct Ends {
  std::set<Untracked> cuts;
  std::vector<const Leaf*> leaves_of_results;

  explicit Ends(const Tensors& ys) {
    std::set<const Node*> seen;
    std::vector<const Node*> open;
    const auto visit = [&](const Tensor& x) {
      if (!x.tracked()) cuts.insert(x.history().cause);
      if (x.tracked() && seen.insert(x.history().node.get()).second)
        open.push_back(x.history().node.get());
    };
    for (const Tensor& y : ys) visit(y);
    while (!open.empty()) {
      const Node* const node = open.back();
      open.pop_back();
      const auto* const leaf = dynamic_cast<const Leaf*>(node);
      if (leaf && leaf->of_result()) leaves_of_results.push_back(leaf);
      for (const SavedInput& input : node->inputs()) visit(input.value);
    }
    cuts.erase(Untracked::constant);
  }
};

}  // namespace

std::string cause_text(const Tensor& x) { return text_of(x.history().cause); }

std::string independence_text(const Tensors& ys, const Tensor& x) {
  const auto is_tracked = [](const Tensor& y) { return y.tracked(); };
  if (std::ranges::none_of(ys, is_tracked)) {
    for (const Tensor& y : ys)
      if (y.history().cause != Untracked::constant)
        return "the result is not tracked: " + cause_text(y);
    return std::string("the result is not tracked: ") + text_of(Untracked::constant);
  }
  const auto is_older = [&](const Tensor& y) {
    return !y.tracked() || y.history().node->number() < x.history().node->number();
  };
  if (std::ranges::all_of(ys, is_older))
    return "x was made after the result was computed; compute the result from this x";
  const Ends ends(ys);
  std::string text;
  for (const Leaf* leaf : ends.leaves_of_results)
    text += text_from("\n  the result depends on the leaf ",
                      leaf->label().empty() ? "" : "'" + leaf->label() + "' ", "of shape ",
                      leaf->outputs()[0].form.shape,
                      ", which variable() made of another result; a leaf has no history: use that "
                      "result itself");
  for (const Untracked cut : ends.cuts)
    text += text_from("\n  a tensor that it was computed from is not tracked: ", text_of(cut));
  if (text.empty()) return "it was computed without x; compute it from this x";
  return "on the way from x, the history may end here:" + text;
}

}  // namespace adjoint

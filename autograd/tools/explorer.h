// A page that steps through a tape and its sweep: one HTML file that works without a network.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/tools/explorer/what_if.h"

namespace adjoint {

/// The derivative by one element of a leaf, twice: by the sweep, and by finite differences.
struct NumericElement {
  Index element;
  double gradient, numeric;
  double bound;                     ///< by how much the two may differ
  bool accepted;                    ///< what a gradient check says
  std::string note{};               ///< what the numbers do not show: "kink"
  std::vector<double> quotients{};  ///< (φ(x + h) − φ(x − h)) / 2h for each step h
};
/// Finite differences beside the gradients. They take the function, so a caller has to provide
/// them: gradcheck() has all that is needed.
struct NumericDerivatives {
  /// Those of one leaf, by its label.
  struct Leaf {
    std::string label;
    std::vector<NumericElement> elements{};  ///< the first of them, if there are many
  };
  std::vector<Leaf> leaves{};
  std::vector<double> steps{};  ///< h
  std::string note{};           ///< what is missing, and why; empty if nothing is
};

/// What write_explorer() shows.
struct ExplorerOptions {
  Tensor cotangent{};   ///< of y, in y's form; if empty, ones
  std::string title{};  ///< of the page; if empty, "A tape of 7 operations"
  /// Mistakes that the page can make on this tape; write_explorer() finds them if there are none.
  std::vector<WhatIf> what_ifs{};
  NumericDerivatives numeric{};  ///< empty: the page has no such part
};

/// Writes the page. It shows the graph, laid out by Graphviz's dot, with modules (name scopes) that
/// fold, and each step: what is computed, each vjp with its rule and its numbers, each term that is
/// accumulated; and what a wrong engine would make of it (what_ifs()). Only values on the tape have
/// numbers; record under a KeepValues guard for all of them. The file takes at most 1 MB: of large
/// tensors it holds a sample if it has to, and says so. Errors as for tape_story() and
/// write_file(); no dot; a tape that is too long for 1 MB.
void write_explorer(const Tensor& y, const std::filesystem::path& path,
                    const ExplorerOptions& options = {});

/// The page as text. `options.cotangent` has no effect.
std::string explorer_page(const TapeStory& story, const ExplorerOptions& options = {});

// ---- The page with a program behind it ----------------------------------------------------------

/// What the page holds, as JSON: for a page that is open already and asks for it. At most 5 MB.
std::string explorer_data(const TapeStory& story, const ExplorerOptions& options = {});

/// The page before it has asked. Its policy lets it ask the server that it came from, and nobody
/// else. `data`, JSON, has `examples`: see page/live.js and examples/explore.
std::string explorer_live_page(std::string_view title, std::string_view data);

}  // namespace adjoint

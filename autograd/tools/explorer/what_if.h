// What if the engine had a mistake? The same tape, swept wrongly by the same vjps.
#pragma once

#include <string>
#include <vector>

#include "autograd/tools/tape_story.h"

namespace adjoint {

/// Mistakes that engines and models are often written with.
enum class Mistake {
  depth_first,      ///< a node runs once, as soon as the first term reaches it
  assignment,       ///< a term replaces what has arrived before it: = for +=
  second_backward,  ///< the tape is swept twice, and the leaves keep the sum
  kept_broadcast,   ///< the sums that undo a broadcast are left out
  tiled_lengths,    ///< of attention: valid lengths follow the heads by tile, not by repeat
};
constexpr Mistake mistakes[] = {Mistake::depth_first, Mistake::assignment, Mistake::second_backward,
                                Mistake::kept_broadcast, Mistake::tiled_lengths};
const char* name_of(Mistake mistake);     ///< "depth first"
const char* meaning_of(Mistake mistake);  ///< what is done differently, in a sentence or two

/// A head of one example in an attention, and the valid lengths that it gets.
struct HeadLength {
  Index example, head;
  Index right, tiled;  ///< its own length, and the one that tiling gives it
  Index owner;         ///< the example that the tiled one belongs to
};

/// One mistake, made on a tape.
struct WhatIf {
  Mistake mistake;
  std::string why_not{};  ///< why it changes nothing on this tape; empty if it changes something
  /// The nodes with the values of the wrong function, in order; empty if the values are right.
  std::vector<TapeStory::Node> nodes{};
  std::vector<TapeStory::Event> events{};  ///< the wrong sweep
  /// A text for each node, if there are nodes, and then for each event.
  std::vector<std::string> steps{};
  std::vector<HeadLength> heads{};  ///< of tiled_lengths: those of the first attention
  Index keys = 0;                   ///< of that attention
  /// What checks say of it, and all that they print. For a caller who can ask them.
  std::vector<std::string> findings{};
  std::string report{};
};

/// Each mistake, made on the tape of y. `story` is y's, with the same cotangent. Nothing if the
/// tape has more than 400 nodes or tensors of more than 20,000 elements together.
std::vector<WhatIf> what_ifs(const Tensor& y, const TapeStory& story);

/// The gradients of xs, leaves of y's tape, by a sweep with the mistake. `cotangent` has y's form.
/// A gradient may have the shape of what its x was broadcast to. It is zeros where nothing arrives.
Tensors gradients_with(Mistake mistake, const Tensor& y, const Tensor& cotangent,
                       const Tensors& xs);

/// What is left of a gradient of too large a shape in a buffer of this shape: the elements at index
/// 0 of the axes along which broadcasting repeated.
Tensor part_that_fits(const Tensor& gradient, const Shape& shape);

}  // namespace adjoint

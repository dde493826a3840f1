// Where cotangents wait for the sweep: one entry a node, youngest first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "autograd/node.h"

namespace adjoint {

/// The cotangents that wait in a sweep, each at the node whose output it belongs to.
class Pending {
 public:
  /// A node with what has arrived at it.
  struct Entry {
    NodePtr node;
    Tensors cotangents;    // of each output, the sum of what has arrived so far
    bool arrived = false;  // whether anything has
    bool kept = false;     // whether the entry outlasts the sweep: its cotangents are asked for
  };

  /// The node's entry, a new one if it has none.
  Entry& at(const NodePtr& node);
  bool contains(const Node& node) const { return entries_.contains(node.number()); }
  /// The youngest entry that was not returned yet, null when there is none. Drops the entry
  /// returned before, unless it is kept. Entries added in between are older: a vjp sends to older
  /// nodes only.
  Entry* next();

 private:
  using Entries = std::map<std::uint64_t, Entry, std::greater<>>;

  Entries entries_;
  Entries::iterator current_ = entries_.end();
  // The sweep adds and drops an entry for every node: the memory of the last one dropped is reused.
  Entries::node_type spare_;
};

}  // namespace adjoint

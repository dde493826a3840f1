#include "autograd/pending.h"

namespace adjoint {

Pending::Entry& Pending::at(const NodePtr& node) {
  const std::uint64_t number = node->number();
  const auto place = entries_.lower_bound(number);
  if (place != entries_.end() && place->first == number) return place->second;

  Entry* entry = nullptr;
  if (spare_) {
    spare_.key() = number;
    entry = &entries_.insert(place, std::move(spare_))->second;
  } else {
    entry = &entries_.emplace_hint(place, number, Entry())->second;
  }
  entry->node = node;
  entry->cotangents.resize(node->outputs().size());
  return *entry;
}

Pending::Entry* Pending::next() {
  const auto passed = current_;
  current_ = passed == entries_.end() ? entries_.begin() : std::next(passed);
  if (passed != entries_.end() && !passed->second.kept) {
    spare_ = entries_.extract(passed);
    Entry& entry = spare_.mapped();
    entry.node = nullptr;
    entry.arrived = false;
    for (Tensor& cotangent : entry.cotangents) cotangent = Tensor();
  }
  return current_ == entries_.end() ? nullptr : &current_->second;
}

}  // namespace adjoint

// A peer for tests, which answers rightly for a while and then as its script says.
#pragma once

#include <string>
#include <vector>

#include "examples/gradcheck/protocol.h"

namespace adjoint::testing {

/// Computes y = x² for an x of two elements. After `right` right answers it gives those of the
/// script, line by line, and then no more.
class ScriptedPeer final : public program::Peer {
 public:
  ScriptedPeer(std::size_t right, std::vector<std::string> script)
      : right_(right), script_(std::move(script)) {}

  std::string ask(const std::string& line) override {
    ++asked_;
    if (asked_ <= right_) return right_answer(line);
    const std::size_t position = asked_ - right_ - 1;
    require(position < script_.size(), "it ended");
    return script_[position];
  }
  std::string end(const std::string& why) override { return why; }

  /// How often it was not asked for a right answer.
  std::size_t scripted() const { return asked_ > right_ ? asked_ - right_ : 0; }

 private:
  std::string right_answer(const std::string& line) const;

  std::size_t right_, asked_ = 0;
  std::vector<std::string> script_;
};

/// Whether a text can be shown: no control characters but line ends, and valid UTF-8.
bool can_be_shown(const std::string& text);

}  // namespace adjoint::testing

// What a model passes down through its layers besides the data.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "autograd/random.h"
#include "autograd/support/ambient.h"
#include "autograd/tensor.h"

namespace adjoint::nn {

/// Attention weights by the path of their layer, such as "decoder.blocks.1.cross_attention":
/// [examples, heads, queries, keys], before dropout, with zeros for padding.
using AttentionWeights = std::map<std::string, Tensor>;

/// Whether the model is being trained, the random key of this step, and the path to the current
/// layer. A module passes `context.child("attention")` to its child of that name: every layer draws
/// from a key of its own, and the operations it records carry its path.
class Context {
 public:
  /// Without dropout.
  static Context inference() { return Context(); }
  /// With dropout drawn from this key. Each step needs a new one.
  static Context training(Key key) {
    Context context;
    context.training_ = true;
    context.key_ = key;
    context.used_ = std::make_shared<UsedKeys>();
    return context;
  }

  Context child(std::string_view name) const {
    Context result = *this;
    result.key_ = key_.child(name);
    result.path_ =
        std::make_shared<const std::string>((path_ ? *path_ + "." : "") + std::string(name));
    return result;
  }
  Context child(std::string_view name, std::size_t index) const {
    return child(std::string(name) + "." + std::to_string(index));
  }

  /// For running a computation a second time with the same random numbers: no key counts as taken.
  Context again() const {
    Context result = *this;
    if (used_) result.used_ = std::make_shared<UsedKeys>();
    return result;
  }

  /// Makes attention layers store their weights here: all of them, or the one with this path. While
  /// operations are recorded, the weights are too, so a loss may depend on them. For one thread at
  /// a time.
  Context watching(AttentionWeights& weights, const std::string& layer = {}) const {
    Context result = *this;
    result.attention_ = &weights;
    result.watched_ = layer.empty() ? nullptr : std::make_shared<const std::string>(layer);
    return result;
  }
  /// Whether the weights of this layer are asked for.
  bool watches_attention() const {
    return attention_ != nullptr && (!watched_ || (path_ && *path_ == *watched_));
  }
  /// Whether those of a layer below this module are.
  bool watches_below() const {
    return attention_ != nullptr && (!watched_ || !path_ || watched_->starts_with(*path_ + "."));
  }
  void see_attention(const Tensor& weights) const {
    (*attention_)[path_ ? *path_ : std::string()] = weights;
  }

  bool training() const { return training_; }
  /// The name scope of a module while it computes: `const NameScope scope(context.path());`
  const ScopePath& path() const { return path_; }
  /// The key of this layer. Error outside of training, or if it was already taken in this step:
  /// two masks from one key would be equal.
  Key take_key() const {
    require(training_, "context: there is no key outside of training");
    const std::lock_guard lock(used_->mutex);
    require(used_->keys.insert(key_.value()).second, "context: the key of '",
            path_ ? *path_ : std::string("(top)"),
            "' is used twice in one step; derive a child for each use");
    return key_;
  }

 private:
  struct UsedKeys {
    std::mutex mutex;
    std::set<std::uint64_t> keys;
  };

  bool training_ = false;
  Key key_{};
  ScopePath path_;
  std::shared_ptr<UsedKeys> used_;
  AttentionWeights* attention_ = nullptr;
  ScopePath watched_;  // null: all layers
};

}  // namespace adjoint::nn

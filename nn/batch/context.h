// What goes down through the calls of a model beside the data.
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

/// Attention weights by the path of the layer that they are of, "decoder.blocks.1.cross_attention":
/// [examples, heads, queries, keys], before dropout, zeros where there is no query or key.
using AttentionWeights = std::map<std::string, Tensor>;

/// Whether the model is being trained, the key of this step's random numbers, and where in the
/// model we are. A module hands `context.child("attention")` to its child of that name, so each
/// place has a key of its own; operations recorded below carry the path.
class Context {
 public:
  /// No dropout.
  static Context inference() { return Context(); }
  /// Dropout drawn from this key, which should be another one at each step.
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
    result.path_ = std::make_shared<const std::string>(path_ ? *path_ + "." + std::string(name)
                                                             : std::string(name));
    return result;
  }
  Context child(std::string_view name, std::size_t index) const {
    return child(std::string(name) + "." + std::to_string(index));
  }

  /// The same for a computation that is run again with the same random numbers: keys count as not
  /// taken yet.
  Context again() const {
    Context result = *this;
    if (used_) result.used_ = std::make_shared<UsedKeys>();
    return result;
  }

  /// The same, and attention layers put their weights in here as they compute. One thread at a
  /// time.
  Context watching(AttentionWeights& weights) const {
    Context result = *this;
    result.attention_ = &weights;
    return result;
  }
  bool watches_attention() const { return attention_ != nullptr; }
  void see_attention(const Tensor& weights) const {
    (*attention_)[path_ ? *path_ : std::string()] = weights;
  }

  bool training() const { return training_; }
  /// To be set as the name scope while a module works: `const NameScope scope(context.path());`
  const ScopePath& path() const { return path_; }
  /// The key of this place, which may be taken once in a step: two masks from one key would be
  /// equal. Error otherwise, naming the path, and outside of training.
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
};

}  // namespace adjoint::nn

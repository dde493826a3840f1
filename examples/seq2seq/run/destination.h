// Where a run writes its model.
#pragma once

#include <filesystem>
#include <vector>

#include "examples/seq2seq/model/model_folder.h"

namespace adjoint::seq2seq {

/// Keeps other processes out while it lives; the lock of one that was killed is gone. Where a file
/// system has no locks, none is held.
class FolderLock {
 public:
  FolderLock() = default;
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// Error when another process holds it.
  void take(const std::filesystem::path& folder);

 private:
  int descriptor_ = -1;
};

/// What to do with a run that was stopped at the same place.
enum class Stopped {
  refuse,   ///< an Error tells of it
  resume,   ///< go on with it; an Error if there is none
  discard,  ///< begin anew
};

/// A model's folder, and a folder NAME.partial beside it, in which a run works. When the run is
/// complete the two change places in one step: what stood at NAME stays until then, whatever
/// happens. A partial folder with a training state is a run that was stopped; without one it holds
/// nothing that could go on. Made before training, so that a place that cannot be written shows at
/// once and not hours later.
class Destination {
 public:
  /// Error when the folder cannot be made, when something stands there that is no model, and when
  /// another process is training into it.
  explicit Destination(const std::filesystem::path& folder, Stopped stopped = Stopped::refuse);
  /// Removes the partial folder unless it holds something worth going on with.
  ~Destination();
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  /// Whether begin() leaves the run that was stopped: in the partial folder, or in that of a model
  /// that was put in place, which goes on as a copy of itself.
  bool resumes() const { return resumes_; }
  const std::filesystem::path& partial() const { return partial_; }

  /// Clears the partial folder, unless its run goes on, and gives it to be written to.
  const std::filesystem::path& begin();
  /// What has been written is worth going on with.
  void keep() { keep_ = true; }
  bool kept() const { return keep_; }
  /// The partial folder holds a complete model: it takes its place.
  void complete();
  /// All of this at once, for a model that no run has to make.
  void save(const Model& model, const std::vector<data::Pair>& held_out);

 private:
  void copy_run();
  void clear();
  void put_in_place();

  std::filesystem::path folder_, partial_;
  bool resumes_, keep_ = false;
  FolderLock lock_;
};

}  // namespace adjoint::seq2seq

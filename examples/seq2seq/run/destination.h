// Where a run writes its model.
#pragma once

#include "examples/seq2seq/model/model.h"

namespace adjoint::seq2seq {

/// What to do if there is a stopped run or a model already.
enum class IfStopped { refuse, resume, discard };

/// Whether a run that writes to `output` would change this folder.
bool replaces(const std::filesystem::path& output, const std::filesystem::path& folder);

/// The folder of a model, and beside it a folder NAME.partial that a run writes to. When the run is
/// complete, the two are exchanged in one step; until then the previous model at NAME is intact. A
/// partial folder with a training state is a stopped run; without one it holds nothing that could
/// be resumed. Construct it before training: a folder that cannot be written is then reported at
/// once, not after hours.
class Destination {
 public:
  /// Error if the folder cannot be created or replaced, if it lies in another model's, if it holds
  /// anything but the regular files of a model, if another process is training into it, if there is
  /// a stopped run or a model (refuse), or if there is neither (resume).
  explicit Destination(const std::filesystem::path& folder,
                       IfStopped if_stopped = IfStopped::refuse);
  /// Removes the partial folder unless it holds something that can be resumed.
  ~Destination();
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  /// Whether begin() keeps a stopped run. A completed run is resumed as a copy of itself.
  bool resumes() const { return resumes_; }
  /// Whether a file is inside one of the two folders, which may hold only a model.
  bool holds(const std::filesystem::path& file) const;
  const std::filesystem::path& partial() const { return partial_; }

  /// Clears the partial folder, unless its run is resumed, and returns it for writing.
  const std::filesystem::path& begin();
  /// Marks what has been written as worth resuming.
  void keep() { keep_ = true; }
  bool kept() const { return keep_; }
  /// Puts the partial folder, now a complete model, in place. Its files get the permissions of the
  /// files that they replace.
  void complete();

 private:
  void copy_completed_run();
  void clear();
  void put_in_place();

  std::filesystem::path folder_, partial_;
  bool resumes_, keep_ = false;
  std::shared_ptr<void> lock_;
};

}  // namespace adjoint::seq2seq

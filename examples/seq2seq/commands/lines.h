// A stream of lines, a batch at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/support/error.h"

namespace adjoint::seq2seq {

/// Reads standard input, or a file, as lines that end with LF or CRLF; a byte order mark before the
/// first is dropped. It keeps no more than one batch, so that a stream may be endless.
class Lines {
 public:
  Lines();  ///< of standard input
  /// Error when the file cannot be read.
  explicit Lines(const std::filesystem::path& path);
  ~Lines();
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  /// Waits for a line, then takes with it those that have already come, up to `most`: a bulk comes
  /// in full batches, and whoever waits for an answer before he goes on gets it. Empty at the end.
  /// Error when it cannot be read, or for a line of more than a megabyte.
  std::vector<std::string> next(std::size_t most);

  /// Where the line at this index of the last batch stands: "pairs.tsv:12".
  std::string place(std::size_t index) const;

 private:
  bool take(std::string& line);
  bool more_has_come() const;
  void read_some();

  std::string name_;
  int descriptor_;
  std::string buffer_;  // from begin_ on: what has been read and is not taken yet
  std::size_t begin_ = 0;
  std::size_t before_ = 0, taken_ = 0;  // lines of all batches, without and with the last
  bool ended_ = false;
};

/// Where the line at an index stands, for an error.
using Place = std::function<std::string(std::size_t index)>;

/// What has been made of some lines, up to the first that was refused: those before it are worth
/// an answer all the same.
template <class T>
struct ReadLines {
  std::vector<T> values;
  std::optional<std::string> refusal;  ///< the Error's text, and where

  void require_all() const { require(!refusal, refusal.value_or("")); }
};

template <class T>
ReadLines<T> read_each(std::span<const std::string> lines, const Place& place,
                       const std::function<T(const std::string& line)>& read) {
  ReadLines<T> result;
  for (const std::string& line : lines) {
    try {
      result.values.push_back(read(line));
    } catch (const Error& error) {
      result.refusal = place(result.values.size()) + ": " + error.what();
      break;
    }
  }
  return result;
}

}  // namespace adjoint::seq2seq

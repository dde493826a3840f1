// Reads and writes whole files, with errors that fit on one line, and their checksums.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint {

/// The bytes of a file, a pipe or a device. Errors name the path and the reason (missing, a
/// directory, no permission). An empty file gives an empty string and no error.
std::string read_file(const std::filesystem::path& path);

/// A regular file, open for reading, which someone else may have made: it never waits for a pipe or
/// reads endlessly from a device. It stays the same file when another one replaces it at its path.
class RegularFile {
 public:
  /// Follows links. Error, naming the path, if the file cannot be read or is not a regular file.
  explicit RegularFile(const std::filesystem::path& path);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  std::uint64_t size() const { return size_; }  ///< in bytes, when it was opened
  /// Fills `bytes` from the position `begin` on. Error if the file ends before they are full.
  void read(std::uint64_t begin, std::span<char> bytes) const;

 private:
  std::filesystem::path path_;
  int descriptor_;
  std::uint64_t size_ = 0;
};

/// The bytes of a regular file. Error as for RegularFile. A file of more than `most` bytes is an
/// Error too and is not read.
std::string read_regular_file(const std::filesystem::path& path, std::uint64_t most);

/// The mark that some programs put at the start of a UTF-8 text.
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// The lines of a text, without their ends. LF and CRLF both end a line, the last line need not
/// end, and a byte order mark at the start is dropped.
std::vector<std::string> lines_of(std::string_view text);
/// The lines of a text file. Errors as for read_file.
std::vector<std::string> read_lines(const std::filesystem::path& path);

/// Writes the file atomically: a reader sees the old text or the new one, never a mixture. A file
/// that is replaced keeps its permissions. If this fails (full disk, no permission), an Error names
/// the path and the reason, the old file is unchanged, and no other file is left behind. Refuses to
/// write to a device, a pipe or a folder. If the path itself is a link, the file that it leads to
/// is written.
void write_file(const std::filesystem::path& path, std::string_view text);
/// The same for a text in several pieces, written one after the other.
void write_file(const std::filesystem::path& path, std::span<const std::string_view> pieces);

/// Removes the temporary files that write_file left beside this file when its process was killed.
/// Those of running processes stay.
void remove_leftovers(const std::filesystem::path& path);

}  // namespace adjoint

// The lines of text files that come from elsewhere.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint::data {

/// The lines of a text file from any system: they end with LF, CRLF or, in a file without LF, with
/// CR. Byte order marks at the start of a line are dropped: they remain where files were joined.
/// Error, naming the file and what to do, when it is empty, compressed, or in UTF-16 or UTF-32;
/// otherwise as for read_file. The lines may hold any bytes.
std::vector<std::string> read_text_lines(const std::filesystem::path& path);

/// What keeps a line from being text: bytes that are not UTF-8, or a NUL byte.
struct BadByte {
  std::size_t column;  ///< in characters, counted from 1
  std::string what;    ///< "not UTF-8 (byte 0xE9); …"
};

/// The first such byte; none in most lines.
std::optional<BadByte> find_bad_byte(std::string_view line);

/// Whether there is nothing to see: only white space, control and format characters, such as the
/// zero width space.
bool is_blank(std::string_view line);

}  // namespace adjoint::data

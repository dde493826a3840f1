// The lines of text files that other programs wrote.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint::data {

/// The lines of a text, and what messages call it: the path of its file, or "standard input".
struct TextLines {
  std::string name;
  std::vector<std::string> lines;
};

/// The lines of a text file from any system: they end with LF, CRLF or, in a file without LF, with
/// CR. Byte order marks at the start of a line are dropped: joining files leaves them there. Error,
/// naming the file and the remedy, if it is empty, compressed, or in UTF-16 or UTF-32; otherwise as
/// for read_file. The lines may hold any bytes.
TextLines read_text_lines(const std::filesystem::path& path);

/// The same for a text that is not in a file.
TextLines text_lines(std::string_view text, const std::string& name);

/// A byte that keeps a line from being text: not UTF-8, or NUL.
struct BadByte {
  std::size_t column;  ///< in characters, counted from 1
  std::string what;    ///< "not UTF-8 (byte 0xE9); …"
};

/// The first such byte, if there is one.
std::optional<BadByte> find_bad_byte(std::string_view line);

/// Whether the line looks empty: only white space, control and format characters, such as the zero
/// width space.
bool is_blank(std::string_view line);

}  // namespace adjoint::data

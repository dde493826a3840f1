// Whole files in and out, with errors that fit on one line.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint {

/// The bytes of a file. An empty file gives an empty string: whether that is wrong, the caller
/// knows. Errors name the path and the reason (missing, a directory, no permission).
std::string read_file(const std::filesystem::path& path);

/// The lines of a text file, without their ends. LF and CRLF both end a line, the last line may
/// lack its end, and a byte order mark at the start is dropped. Errors as for read_file.
std::vector<std::string> read_lines(const std::filesystem::path& path);

/// Replaces the file, or creates it, in one step: whoever opens the path sees the old text or the
/// new, whole. On any failure (full disk, no permission) an Error names the path and the reason,
/// and the old file is untouched. A path that is a device, a pipe or a folder is refused.
void write_file(const std::filesystem::path& path, std::string_view text);

/// The same for a text that lies in memory in pieces: they are written one after the other.
void write_file(const std::filesystem::path& path, std::span<const std::string_view> pieces);

/// Removes what write_file left beside this file when a process was killed in the midst of it. What
/// a process that still runs is writing stays.
void remove_leftovers(const std::filesystem::path& path);

}  // namespace adjoint

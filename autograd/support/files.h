// Reads and writes whole files, with errors that fit on one line, and their checksums.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint {

/// The bytes of a file. Errors name the path and the reason (missing, a directory, no permission).
/// An empty file gives an empty string and no error.
std::string read_file(const std::filesystem::path& path);

/// The lines of a text file without their line ends. LF and CRLF both end a line, the last line may
/// lack its end, and a byte order mark at the start is dropped. Errors as for read_file.
std::vector<std::string> read_lines(const std::filesystem::path& path);

/// Writes the file atomically: a reader sees the old text or the new one, never a mixture. If this
/// fails (full disk, no permission), an Error names the path and the reason, and the old file is
/// unchanged. Refuses to write to a device, a pipe or a folder.
void write_file(const std::filesystem::path& path, std::string_view text);
/// The same for a text in several pieces, written one after the other.
void write_file(const std::filesystem::path& path, std::span<const std::string_view> pieces);

/// Removes the temporary files that write_file left beside this file when its process was killed.
/// Those of running processes stay.
void remove_leftovers(const std::filesystem::path& path);

}  // namespace adjoint

#include "data/pairs/lines.h"

#include <algorithm>
#include <array>
#include <iomanip>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

using namespace std::string_view_literals;

constexpr auto byte_order_mark = "\xEF\xBB\xBF"sv;

struct Format {
  std::string_view beginning;
  std::string_view problem;
};

// UTF-32 comes first, because its mark begins with that of UTF-16.
constexpr std::array formats = {
    Format{"\x1F\x8B"sv, "is compressed with gzip; unpack it with gunzip"},
    Format{"PK\x03\x04"sv, "is a zip archive; unpack it with unzip"},
    Format{"BZh"sv, "is compressed with bzip2; unpack it with bunzip2"},
    Format{"\xFD\x37zXZ"sv, "is compressed with xz; unpack it with unxz"},
    Format{"\x28\xB5\x2F\xFD"sv, "is compressed with zstd; unpack it with unzstd"},
    Format{"\xFF\xFE\0\0"sv, "is UTF-32; convert it with iconv -f UTF-32 -t UTF-8"},
    Format{"\0\0\xFE\xFF"sv, "is UTF-32; convert it with iconv -f UTF-32 -t UTF-8"},
    Format{"\xFF\xFE"sv, "is UTF-16; convert it with iconv -f UTF-16 -t UTF-8"},
    Format{"\xFE\xFF"sv, "is UTF-16; convert it with iconv -f UTF-16 -t UTF-8"},
};

// Text may begin with the letters BZh too, but a compressed file is not UTF-8.
void require_plain_text(const std::string& name, std::string_view text) {
  for (const auto& [beginning, problem] : formats)
    require(!text.starts_with(beginning) || !invalid_utf8_at(text.substr(0, 64)), name, ": ",
            problem);
}

}  // namespace

TextLines read_text_lines(const std::filesystem::path& path) {
  return text_lines(read_file(path), path.string());
}

TextLines text_lines(std::string_view text, const std::string& name) {
  require_plain_text(name, text);
  const char end = text.find('\n') == std::string::npos ? '\r' : '\n';
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t stop = std::min(text.find(end, begin), text.size());
    std::string_view line = text.substr(begin, stop - begin);
    while (line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
    while (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    begin = stop + 1;
  }
  require(!std::ranges::all_of(lines, &std::string::empty), name,
          lines.size() > 1 ? ": the file has only empty lines" : ": the file is empty");
  return {name, std::move(lines)};
}

std::optional<BadByte> find_bad_byte(std::string_view line) {
  const std::size_t nul = line.find('\0');
  const std::size_t at = std::min(nul, invalid_utf8_at(line).value_or(line.size()));
  if (at >= line.size()) return std::nullopt;
  const std::size_t column = code_points(line.substr(0, at)).size() + 1;
  if (at == nul) return BadByte{column, "a NUL byte; the file is UTF-16 or not text"};
  const auto byte = static_cast<unsigned>(static_cast<unsigned char>(line[at]));
  return BadByte{column, text_from("not UTF-8 (byte 0x", std::hex, std::uppercase, byte,
                                   "); convert the file, for example with iconv -f WINDOWS-1252 "
                                   "-t UTF-8")};
}

bool is_blank(std::string_view line) {
  return std::ranges::all_of(code_points(line), is_invisible);
}

}  // namespace adjoint::data

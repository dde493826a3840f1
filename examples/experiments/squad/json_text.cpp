#include "examples/experiments/squad/json_text.h"

#include <algorithm>
#include <set>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "data/text/unicode.h"

namespace adjoint::squad {
namespace {

using Json = nlohmann::json;

constexpr std::size_t deepest = 64;

/// "train.json:3:17", from 1, for the byte at this offset; a column is a code point.
std::string place(std::string_view text, std::size_t offset, const std::filesystem::path& path) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  const auto starts_letter = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  const auto column = std::ranges::count_if(before.substr(start), starts_letter) + 1;
  return text_from(printable_line(path.string(), 0), ':', line, ':', column);
}

// The parser's text is "[json.exception.parse_error.101] parse error at line 1, column 9: syntax
// error while parsing value - invalid literal; last read: '…'; expected …". The end says why.
std::string reason(const std::string& text) {
  for (const std::string_view start : {"syntax error ", "] "})
    if (const std::size_t at = text.find(start); at != text.npos)
      return printable_line(std::string_view(text).substr(at + start.size()), 200);
  return printable_line(text, 200);
}

// Walks over the text without keeping it. This pass finds what the parser of values would not say.
class Checker : public nlohmann::json_sax<Json> {
 public:
  Checker(std::string_view text, const std::filesystem::path& path) : text_(text), path_(path) {}

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    Level& object = levels_.back();
    require(object.keys.insert(name).second, printable_line(path_.string(), 0), ": ", way(),
            way().empty() ? "" : ": ", "has the key \"", printable_line(name), "\" twice");
    object.key = name;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    // The position is that of the last byte that was read, counted from 1.
    fail(place(text_, position > 0 ? position - 1 : 0, path_),
         ": not JSON: ", reason(error.what()));
  }

 private:
  struct Level {
    bool is_object = false;
    std::set<std::string> keys = {};
    std::string key = {};
    std::size_t index = 0;  // of the next element
  };

  bool value() {
    if (!levels_.empty()) ++levels_.back().index;
    return true;
  }
  bool open(bool is_object) {
    require(levels_.size() < deepest, printable_line(path_.string(), 0), ": ",
            printable_line(way(), 60), ": brackets nest deeper than ", deepest);
    levels_.push_back({is_object});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return value();
  }
  // To the innermost open object.
  std::string way() const {
    std::string result;
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i)
      if (levels_[i].is_object)
        result += (result.empty() ? "" : ".") + printable_line(levels_[i].key);
      else
        result += text_from('[', levels_[i].index, ']');
    return result;
  }

  std::string_view text_;
  const std::filesystem::path& path_;
  std::vector<Level> levels_;
};

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::filesystem::path& path) {
  require(!text.empty(), printable_line(path.string(), 0), ": the file is empty");
  if (const auto offset = data::invalid_utf8_at(text))
    fail(place(text, *offset, path), ": not UTF-8");
  // The parser would take it for the end.
  if (const std::size_t offset = text.find('\0'); offset != text.npos)
    fail(place(text, offset, path), ": not JSON: a NUL byte");
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  Checker checker(text, path);
  Json::sax_parse(text, &checker);
  return Json::parse(text);
}

}  // namespace adjoint::squad

#include "data/text/word_vectors.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

using namespace std::string_view_literals;
using Width = std::int64_t;

constexpr std::size_t longest_line = 1 << 20;
constexpr std::string_view blanks = " \t";

// The lines of a file, one after the other. The file is never whole in memory.
class Lines {
 public:
  explicit Lines(const std::filesystem::path& path)
      : name_(path.string()), file_(std::fopen(path.c_str(), "rbe"), &std::fclose) {
    if (!file_) fail_to_read();
  }

  // False at the end. The line is valid until the next call.
  bool next(std::string_view& line) {
    std::size_t end = 0;
    for (std::size_t from = begin_; (end = text_.find('\n', from)) == std::string::npos;) {
      from = text_.size() - begin_;
      if (!read_more()) break;
    }
    if (begin_ == text_.size()) return false;
    ++number_;
    line = std::string_view(text_).substr(begin_, end - begin_);
    begin_ = std::min(end, text_.size() - 1) + 1;
    require(line.size() <= longest_line, place(), "a line of more than ", longest_line,
            " bytes; this is not a file of word vectors in text form");
    if (number_ == 1 && line.starts_with(byte_order_mark)) line.remove_prefix(3);
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    return true;
  }

  const std::string& name() const { return name_; }
  // "vectors.txt:12: ", for messages about the last line.
  std::string place() const { return text_from(name_, ':', number_, ": "); }

 private:
  // Drops the lines that have been returned. False at the end of the file.
  bool read_more() {
    text_.erase(0, begin_);
    begin_ = 0;
    if (text_.size() > longest_line) return false;
    const std::size_t before = text_.size();
    text_.resize(before + longest_line);
    const std::size_t count = std::fread(text_.data() + before, 1, longest_line, file_.get());
    text_.resize(before + count);
    if (count == 0 && std::ferror(file_.get())) fail_to_read();
    return count > 0;
  }

  [[noreturn]] void fail_to_read() const {
    fail("cannot read ", name_, ": ", std::generic_category().message(errno));
  }

  std::string name_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::string text_;
  std::size_t begin_ = 0;  // of the next line in the text
  std::int64_t number_ = 0;
};

Width count_fields(std::string_view line) {
  Width count = 0;
  char before = ' ';
  for (const char c : line) {
    const bool begins = c != ' ' && c != '\t' && (before == ' ' || before == '\t');
    count += begins ? 1 : 0;
    before = c;
  }
  return count;
}

// Takes the last field off the line.
std::string_view take_last(std::string_view& line) {
  const std::size_t blank = line.find_last_of(blanks);
  const std::string_view field = line.substr(blank + 1);
  line = line.substr(0, line.find_last_not_of(blanks, blank) + 1);
  return field;
}

template <class Number>
std::optional<Number> parsed(std::string_view field) {
  if (field.starts_with('+')) field.remove_prefix(1);
  Number value{};
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  const bool is_number = error == std::errc() && end == field.data() + field.size();
  return is_number ? std::optional(value) : std::nullopt;
}

// The width that the first line of word2vec's form gives after the number of words.
std::optional<Width> width_in_header(std::string_view line) {
  if (count_fields(line) != 2) return std::nullopt;
  const auto width = parsed<Width>(take_last(line)), words = parsed<Width>(line);
  return words ? width : std::nullopt;
}

void require_text(const Lines& lines, std::string_view line) {
  for (const auto& [beginning, remedy] : {std::pair("\x1F\x8B"sv, "gzip; unpack it with gunzip"),
                                          std::pair("PK\x03\x04"sv, "zip; unpack it with unzip")})
    require(!line.starts_with(beginning), lines.name(), ": is compressed with ", remedy);
  require(line.find('\0') == std::string_view::npos, lines.place(),
          "a NUL byte: the file is binary; the text form is needed");
}

// The word that a line begins with. It may have blanks in it, as some of GloVe's do, but not before
// a number: such a line has a number too many.
std::string_view word_of(const Lines& lines, std::string_view line, Width width) {
  const Width fields = count_fields(line);
  if (fields == width + 1) return line.substr(0, line.find_first_of(blanks));
  const auto refuse = [&] {
    fail(lines.place(), "expected a word and ", width, " numbers, found ", fields, " parts");
  };
  if (fields <= width) refuse();
  for (Width i = 0; i < width; ++i) take_last(line);
  std::string_view word = line;
  if (parsed<double>(take_last(word))) refuse();
  return line;
}

std::vector<float> values_of(const Lines& lines, std::string_view line, Width width) {
  std::vector<float> values(static_cast<std::size_t>(width));
  for (std::size_t i = values.size(); i-- > 0;) {
    const std::string_view number = take_last(line);
    const auto value = parsed<double>(number);
    require(value && std::abs(*value) <= std::numeric_limits<float>::max(), lines.place(), '\'',
            printable_line(number), "' is not a number that f32 can hold");
    values[i] = static_cast<float>(*value);
  }
  return values;
}

// The token that the tokenizer makes of a word; empty if it makes several, or none.
std::string as_token(const Tokenizer& tokenizer, std::string_view word) {
  if (invalid_utf8_at(word)) return "";
  Tokens tokens = tokenizer.tokenize(word);
  return tokens.size() == 1 ? std::move(tokens.front()) : "";
}

struct Found {
  bool is_same_word = false;
  std::vector<float> values = {};
};

}  // namespace

WordVectors read_word_vectors(const std::filesystem::path& path, const Vocabulary& vocabulary,
                              const Tokenizer& tokenizer, std::int64_t width) {
  Lines lines(path);
  std::map<Vocabulary::Id, Found> found;
  bool is_first = true, is_empty = true;
  for (std::string_view line; lines.next(line);) {
    if (line.empty()) continue;
    require_text(lines, line);
    if (is_first) {
      is_first = false;
      const auto header = width_in_header(line);
      const Width in_file = header.value_or(count_fields(line) - 1);
      require(in_file == width, lines.name(), ": its vectors have ", in_file,
              " numbers, but the embeddings of the model have ", width);
      if (header) continue;
    }
    is_empty = false;
    const std::string_view word = word_of(lines, line, width);
    const bool is_same_word = vocabulary.contains(word);
    const Vocabulary::Id id = vocabulary.id(is_same_word ? word : as_token(tokenizer, word));
    if (id == Vocabulary::unk) continue;
    Found& former = found[id];
    if (!former.values.empty() && (former.is_same_word || !is_same_word)) continue;
    former = {is_same_word, values_of(lines, line, width)};
  }
  require(!is_empty, lines.name(), ": has no word vectors");
  WordVectors result{.width = width, .ids = {}, .values = {}};
  for (const auto& [id, vector] : found) {
    result.ids.push_back(id);
    result.values.insert(result.values.end(), vector.values.begin(), vector.values.end());
  }
  return result;
}

}  // namespace adjoint::data

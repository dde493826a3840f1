#include "examples/seq2seq/commands/attention_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>

#include "data/text/unicode.h"

namespace adjoint::seq2seq {
namespace {

// [target, source] of an answer, with the tokens of both sides.
struct Matrix {
  data::Tokens source, target;
  Tensor weights;  // f32

  Matrix(const Translation& answer, const data::Tokens& source_tokens)
      : source(source_tokens), target(answer.tokens), weights(answer.attention) {
    const std::string end(data::Vocabulary::reserved[data::Vocabulary::eos]);
    source.push_back(end);
    if (std::ssize(target) < weights.size(0)) target.push_back(end);
  }
  float weight(std::size_t row, std::size_t column) const {
    return weights.values<float>()[row * source.size() + column];
  }
};

// ---- Text ---------------------------------------------------------------------------------------

constexpr std::size_t widest_table = 100, widest_number = 3;

std::string padded_left(const std::string& text, std::size_t width) {
  return std::string(width - data::columns(text), ' ') + text;
}

std::string percent_of(float weight) {
  const long rounded = std::lround(100 * static_cast<double>(weight));
  return rounded == 0 ? "·" : std::to_string(rounded);
}

data::Tokens shown(const data::Tokens& tokens) {
  data::Tokens result;
  for (const std::string& token : tokens) result.push_back(for_output(token));
  return result;
}

// The columns [begin, end) of a table whose first column is `margin` wide.
std::string part_of_table(const Matrix& matrix, const data::Tokens& heads, const data::Tokens& rows,
                          std::size_t margin, std::size_t begin, std::size_t end) {
  const auto width = [&](std::size_t column) {
    return 2 + std::max(data::columns(heads[column]), widest_number);
  };
  std::string text(margin, ' ');
  for (std::size_t j = begin; j < end; ++j) text += padded_left(heads[j], width(j));
  text += '\n';
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += padded_left(rows[i], margin);
    for (std::size_t j = begin; j < end; ++j)
      text += padded_left(percent_of(matrix.weight(i, j)), width(j));
    text += '\n';
  }
  return text;
}

// The shortest decimal that gives this number back, as a double: it is what JSON prints.
double shortest(float number) {
  char text[32];
  const char* const end = std::to_chars(text, text + sizeof text, number).ptr;
  double value = 0;
  std::from_chars(text, end, value);
  return value;
}

[[noreturn]] void fail_to_write(const std::string& file, int reason) {
  fail("cannot write ", file, ": ", std::generic_category().message(reason));
}

}  // namespace

std::string pharaoh(const Translation& answer, const data::Tokens& source) {
  std::string text;
  if (answer.tokens.empty()) return text;
  const std::vector<Index> aligned =
      nn::hard_alignment(answer.attention, std::ssize(answer.tokens), std::ssize(source));
  for (std::size_t t = 0; t < aligned.size(); ++t)
    text += text_from(t == 0 ? "" : " ", aligned[t], '-', t);
  return text;
}

std::string attention_table(const Translation& answer, const data::Tokens& source) {
  const Matrix matrix(answer, source);
  const data::Tokens heads = shown(matrix.source), rows = shown(matrix.target);
  std::size_t margin = 0;
  for (const std::string& row : rows) margin = std::max(margin, data::columns(row));
  std::string text;
  for (std::size_t begin = 0, end = 0; begin < heads.size(); begin = end) {
    std::size_t width = margin;
    while (end < heads.size()) {
      width += 2 + std::max(data::columns(heads[end]), widest_number);
      if (width > widest_table && end > begin) break;
      ++end;
    }
    text += part_of_table(matrix, heads, rows, margin, begin, end) + '\n';
  }
  return text;
}

std::string attention_json(const Translation& answer, const data::Tokens& source,
                           const std::string& text, std::size_t line,
                           const std::vector<nn::AttentionHead>& heads) {
  nlohmann::ordered_json json = {{"line", line}, {"answer", text}, {"score", answer.score}};
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  data::Tokens read, written;
  if (answer.attention.defined()) {
    const Matrix matrix(answer, source);
    read = matrix.source;
    written = matrix.target;
    for (std::size_t i = 0; i < written.size(); ++i) {
      nlohmann::ordered_json& row = rows.emplace_back(nlohmann::ordered_json::array());
      for (std::size_t j = 0; j < read.size(); ++j) row.push_back(shortest(matrix.weight(i, j)));
    }
  }
  json["source"] = read;
  json["target"] = written;
  for (const nn::AttentionHead& head : heads) json["heads"].push_back(head.name());
  json["attention"] = rows;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

LineWriter::LineWriter(const std::string& file)
    : file_(file),
      descriptor_(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail_to_write(file_, errno);
}

LineWriter::~LineWriter() { ::close(descriptor_); }

void LineWriter::flush() {
  for (std::string_view rest = pending_; !rest.empty();) {
    const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
    if (count < 0 && errno != EINTR) fail_to_write(file_, errno);
    rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  pending_.clear();
}

}  // namespace adjoint::seq2seq

// A stream of lines, read in batches.
#pragma once

#include "examples/seq2seq/commands/commands.h"

namespace adjoint::seq2seq {

/// Reads standard input or a file as lines that end with LF or CRLF. Drops a byte order mark. Holds
/// one batch at a time, so the stream may be endless.
class Lines {
 public:
  static constexpr std::size_t longest = 1 << 20;

  /// Of standard input if the path is empty or "-". Error when the file cannot be read.
  explicit Lines(const std::filesystem::path& path = {});
  ~Lines();
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  /// Waits for a line, then returns it with those that have already arrived, at most `most`. So a
  /// file is read in full batches, and a program that waits for each answer gets it. Empty at the
  /// end of the stream. A line of more than `longest` bytes is cut to `longest` + 1. Error if the
  /// stream cannot be read.
  std::vector<std::string> next(Index most);

  /// Where the line at this index of the last batch comes from: "pairs.tsv:12".
  std::string location(std::size_t index) const;

 private:
  bool take(std::string& line);
  bool more_has_arrived() const;
  void read_some();

  std::string name_;
  int descriptor_;
  std::string buffer_;  // from begin_ on: text that has been read but not returned
  std::size_t begin_ = 0;
  std::size_t before_ = 0, taken_ = 0;     // lines taken before the last batch, and with it
  bool ended_ = false, skipping_ = false;  // skipping the rest of a line that was too long
};

/// What to do with a line that cannot be answered.
enum class OnError { stop, go_on };

/// Declares --on-error. The help says what the command does `instead` of answering.
void add_on_error(Options& options, OnError& on_error, const std::string& instead);

/// Error unless the line is UTF-8 text, with the column and the way to convert it.
void require_text(std::string_view line);

/// Parses lines and answers them together: `parse` takes a line and a function that names its
/// location, and `answer` a vector of what `parse` returned. A line that cannot be parsed is
/// refused. With OnError::go_on it is reported on standard error with its location and answered
/// like an empty parse. Otherwise the lines before it are answered, then the Error is thrown.
/// Returns the number of refused lines.
Index answer_lines(const std::vector<std::string>& lines, OnError on_error, const auto& location,
                   const auto& parse, const auto& answer) {
  std::size_t number = 0;  // of the current line
  const auto place = [&] { return location(number); };
  std::vector<decltype(parse(lines.front(), place))> parsed;
  std::string refusal;
  Index refused = 0;
  for (; number < lines.size(); ++number) {
    const std::string& line = lines[number];
    try {
      parsed.push_back(parse(line, place));
    } catch (const Error& error) {
      refusal = place() + ": " + error.what();
      if (on_error == OnError::stop) break;
      report(refusal);
      refusal.clear();
      parsed.emplace_back();
      ++refused;
    }
  }
  answer(parsed);
  require_written();
  require(refusal.empty(), refusal);
  return refused;
}

/// The same for a whole stream, up to `most` lines at a time.
Index answer_stream(Lines& input, Index most, OnError on_error, const auto& parse,
                    const auto& answer) {
  const auto location = [&](std::size_t index) { return input.location(index); };
  Index refused = 0;
  for (std::vector<std::string> lines; !(lines = input.next(most)).empty();)
    refused += answer_lines(lines, on_error, location, parse, answer);
  return refused;
}

}  // namespace adjoint::seq2seq

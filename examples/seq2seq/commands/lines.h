// A stream of lines, read in batches.
#pragma once

#include "examples/seq2seq/commands/commands.h"

namespace adjoint::seq2seq {

/// Reads standard input or a file as lines that end with LF or CRLF. Drops a byte order mark. Holds
/// one batch at a time, so the stream may be endless.
class Lines {
 public:
  /// Of standard input if the path is empty. Error when the file cannot be read.
  explicit Lines(const std::filesystem::path& path = {});
  ~Lines();
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  /// Waits for a line, then returns it with those that have already arrived, at most `most`. So a
  /// file is read in full batches, and a writer who waits for each answer gets it. Empty at the end
  /// of the stream. Error when it cannot be read, and for a line of more than a megabyte.
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
  std::size_t before_ = 0, taken_ = 0;  // lines of all batches, without and with the last
  bool ended_ = false;
};

/// Parses lines and answers them together: `answer` takes a vector of what `parse` returned. If a
/// line is refused, those before it are answered first; then the Error is thrown, with the location
/// of the line.
void answer_lines(const std::vector<std::string>& lines, const auto& location, const auto& parse,
                  const auto& answer) {
  std::vector<decltype(parse(lines.front()))> parsed;
  std::string refusal;
  try {
    for (const std::string& line : lines) parsed.push_back(parse(line));
  } catch (const Error& error) {
    refusal = location(parsed.size()) + ": " + error.what();
  }
  answer(parsed);
  require_written();
  require(refusal.empty(), refusal);
}

/// The same for a whole stream, up to `most` lines at a time.
void answer_stream(Lines& input, Index most, const auto& parse, const auto& answer) {
  const auto location = [&](std::size_t index) { return input.location(index); };
  for (std::vector<std::string> lines; !(lines = input.next(most)).empty();)
    answer_lines(lines, location, parse, answer);
}

}  // namespace adjoint::seq2seq

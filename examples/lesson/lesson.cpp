#include "examples/lesson.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <streambuf>

#include "autograd/support/error.h"

namespace adjoint::lesson {
namespace {

constexpr std::size_t longest_line = 90;  // columns
constexpr const char *held = "  ok     ", *failed = "  WRONG  ";

int claims = 0, wrong = 0;
bool is_quick = false;

class LastLine;
LastLine* last_line = nullptr;  // while a lesson runs

// Stands before the buffer of std::cout and knows the last line that was printed, also where the
// lesson did not print it by say().
class LastLine : public std::streambuf {
 public:
  LastLine() : to_(std::cout.rdbuf(this)) { last_line = this; }
  ~LastLine() override {
    std::cout.rdbuf(to_);
    last_line = nullptr;
  }
  LastLine(const LastLine&) = delete;
  LastLine& operator=(const LastLine&) = delete;

  const std::string& text() const { return text_; }
  void end() { ended_ = true; }

 protected:
  int overflow(int byte) override {
    if (byte == traits_type::eof()) return 0;
    if (ended_) text_.clear();
    ended_ = byte == '\n';
    if (!ended_) text_ += static_cast<char>(byte);
    return to_->sputc(static_cast<char>(byte));
  }
  int sync() override { return to_->pubsync(); }

 private:
  std::streambuf* to_;
  std::string text_;
  bool ended_ = true;
};

bool after_claim() {
  return last_line &&
         (last_line->text().starts_with(held) || last_line->text().starts_with(failed));
}

// Prints an empty line unless one has just been printed.
void blank_line() {
  if (!last_line || !last_line->text().empty()) std::cout << '\n';
}

// The columns that text in UTF-8 takes. The continuation of a character takes none, and neither
// does a combining mark (U+0300 to U+036F), such as the bar of x̄.
std::size_t width(const std::string& text) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool is_mark = byte == 0xCC || (byte == 0xCD && next < 0xB0);
    columns += (byte & 0xC0u) != 0x80u && !is_mark;
  }
  return columns;
}

// Prints a line, broken between words where it is too long; each part is indented alike.
void print_line(const std::string& line) {
  if (width(line) <= longest_line) {
    std::cout << line << '\n';
    return;
  }
  const std::string indent(std::min(line.find_first_not_of(' '), line.size()), ' ');
  std::istringstream words(line);
  std::string broken = indent;
  for (std::string word; words >> word;) {
    const bool is_first = broken == indent;
    if (!is_first && width(broken) + 1 + width(word) > longest_line) {
      std::cout << broken << '\n';
      broken = indent + word;
    } else {
      broken += (is_first ? "" : " ") + word;
    }
  }
  std::cout << broken << '\n';
}

}  // namespace

void part(const std::string& title) {
  blank_line();
  std::cout << "---- " << title << " ----\n\n";
}

void say(const std::string& text) {
  std::size_t begin = text.starts_with('\n') ? 1 : 0;
  if (begin > 0 || (after_claim() && !text.starts_with(' '))) blank_line();
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    print_line(text.substr(begin, end - begin));
  print_line(text.substr(begin));
}

void predict(const std::string& question) {
  blank_line();
  say("Predict: " + question);
  if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
    std::cout << "(Enter shows the answer) " << std::flush;
    std::string line;
    std::getline(std::cin, line);
    if (last_line) last_line->end();  // by the Enter that was typed
  }
  std::cout << '\n';
}

void claim(const std::string& what, bool holds) {
  ++claims;
  wrong += !holds;
  std::cout << (holds ? held : failed) << what << '\n';
}

void claim(const std::string& what, double value, double expected, double tolerance) {
  const bool holds = std::abs(value - expected) <= tolerance * (1 + std::abs(expected));
  std::string text = text_from(what, ": ", std::setprecision(10), value);
  if (!holds) text += text_from(", expected ", std::setprecision(10), expected);
  claim(text, holds);
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool quick() { return is_quick; }

int run(int argc, char** argv, void (*lesson)()) {
  is_quick = argc == 2 && std::strcmp(argv[1], "--quick") == 0;
  if (argc > 1 && !is_quick) {
    std::cerr << argv[0] << ": the only argument is --quick, for short trainings\n";
    return 2;
  }
  claims = wrong = 0;
  const LastLine line;
  lesson();
  blank_line();
  if (wrong == 0)
    std::cout << "All " << claims << " claims hold.\n";
  else
    std::cout << wrong << " of " << claims << (wrong == 1 ? " claims does" : " claims do")
              << " not hold.\n";
  require(bool(std::cout.flush()), "standard output cannot be written");
  return wrong == 0 ? 0 : 1;
}

}  // namespace adjoint::lesson

// The prompt: line by line, definitions are kept and expressions explained.
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "examples/explain/report.h"

namespace adjoint::expression {

class Session {
 public:
  explicit Session(const Settings& settings) : settings_(settings) {}

  /// Answers one line: `x = 2` gives a name its value, anything else is explained; `help`, `help
  /// sin`, `names` and `quit` are commands. Error, with its column, if the line is wrong; the
  /// session goes on as if it had not been.
  void answer(std::string_view line, std::ostream& stream);
  bool ended() const { return ended_; }

 private:
  struct Definition {
    std::string name, text;
    std::vector<std::string> uses;  ///< the names in it
  };

  bool obey(std::string_view line, std::ostream& stream);
  void define(Definition definition);
  Program program_for(std::string_view line, const std::vector<std::string>& names) const;

  Settings settings_;
  std::vector<Definition> definitions_;  // each uses only earlier ones
  bool ended_ = false;
};

/// What `help` prints, and `help NAME` for a function, an operator or a constant. Error if it is
/// none of them.
void print_help(std::ostream& stream);
void print_help(std::ostream& stream, std::string_view name);

/// Reads lines to the end, or to `quit`. Answers go to `out`, errors to `err`, each on a line. If
/// `interactive`, it prompts. Returns the exit code: 2 if a line was wrong and nobody was there to
/// see it, else 0.
int converse(std::istream& in, std::ostream& out, std::ostream& err, bool interactive,
             const Settings& settings);

}  // namespace adjoint::expression

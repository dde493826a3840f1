// A program that runs beside this one and answers line by line.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <string>

#include "examples/gradcheck/protocol.h"

namespace adjoint::program {

/// Started by the shell, asked through its standard input, and killed in the end, with all that it
/// started itself. An Error means that it will not answer again; the text says why, with the last
/// lines that the program wrote to standard error.
class Process final : public Peer {
 public:
  /// `seconds`: how long an answer may take. Error if no process can be started.
  Process(const std::string& command, double seconds);
  ~Process() override;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Sends a line, without its end, and returns the line that comes back. Error if the program
  /// ends, takes too long, or writes what nobody asked for or more than a line may have.
  std::string ask(const std::string& line) override;
  /// Ends the program, which is not asked any more. Returns `why` with the program's last words; if
  /// it had ended before, `why` alone.
  std::string end(const std::string& why) override;

  static constexpr std::size_t longest_line = std::size_t{1} << 24;  ///< bytes of an answer

 private:
  using Clock = std::chrono::steady_clock;
  void start(const std::string& command);
  bool wait_for_any(bool writing, Clock::time_point deadline);
  void write_some(std::string_view& rest);
  void read_answer();
  void read_words();
  [[noreturn]] void give_up(const std::string& why);
  [[noreturn]] void ended();
  bool has_exited(double seconds);
  std::string last_words();
  void stop();

  double seconds_;
  pid_t child_ = -1;                           // −1 once it has been waited for
  pid_t group_ = -1;                           // the process group of the child
  int to_ = -1, from_ = -1, words_from_ = -1;  // its standard input, output and error
  int status_ = 0;                             // of waitpid, once child_ is −1
  bool asked_ = false;                         // at least once
  std::string answer_;                         // what has come of it
  std::string words_;                          // the end of what it wrote to standard error
  struct sigaction pipe_signal_ = {};          // the handler of SIGPIPE before
};

}  // namespace adjoint::program

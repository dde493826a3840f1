#include "examples/gradcheck/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "autograd/support/files.h"
#include "autograd/support/printable.h"

namespace adjoint::program {
namespace {

constexpr std::size_t most_words = 4096;  // bytes of standard error that are kept
constexpr std::size_t shown_lines = 3;    // of them
constexpr double seconds_to_exit = 1;     // after its input has ended
constexpr std::chrono::milliseconds::rep longest_poll = 100;  // then see whether it still runs
constexpr double longest_wait = 1e6;                          // seconds; more would not fit a clock

struct Pipe {
  int read_end, write_end;
};
Pipe make_pipe() {
  std::array<int, 2> ends{};
  require(::pipe2(ends.data(), O_CLOEXEC) == 0,
          "no pipe to the program can be made: ", std::strerror(errno));
  return {ends[0], ends[1]};
}

void close(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

std::string signal_text(int signal) {
  return text_from("signal ", signal, ", ", ::strsignal(signal));
}

// How the process ended, by its status from waitpid. A shell exits with 128 + n where its child was
// ended by the signal n.
std::string ending(int status) {
  if (WIFSIGNALED(status)) return "it crashed (" + signal_text(WTERMSIG(status)) + ")";
  const int code = WEXITSTATUS(status);
  if (code > 128 && code < 128 + NSIG) return "it crashed (" + signal_text(code - 128) + ")";
  return text_from("it ended with exit code ", code);
}

// In the child. Only calls that are allowed between fork and exec.
[[noreturn]] void become(const char* command, int input, int output, int error) {
  ::setpgid(0, 0);
#ifdef __linux__
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it does not outlive us, however we end
#endif
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  ::signal(SIGPIPE, SIG_DFL);
  ::execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
  ::_exit(127);
}

}  // namespace

Process::Process(const std::string& command, double seconds)
    : seconds_(std::min(seconds, longest_wait)) {
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;  // a program that has ended is noticed by the result of write()
  ::sigaction(SIGPIPE, &ignore, &pipe_signal_);
  start(command);
}

void Process::start(const std::string& command) {
  Pipe input = make_pipe(), output = make_pipe(), error = make_pipe();
  child_ = ::fork();
  if (child_ == 0) become(command.c_str(), input.read_end, output.write_end, error.write_end);
  const int reason = errno;
  close(input.read_end), close(output.write_end), close(error.write_end);
  to_ = input.write_end, from_ = output.read_end, words_from_ = error.read_end;
  require(child_ > 0, "no process can be started: ", std::strerror(reason));
  ::setpgid(child_, child_);  // here as well: whoever comes first
  group_ = child_;
  for (const int end : {to_, from_, words_from_}) ::fcntl(end, F_SETFL, O_NONBLOCK);
}

Process::~Process() {
  stop();
  ::sigaction(SIGPIPE, &pipe_signal_, nullptr);
}

// Lets it end by itself, then ends it and all that it started.
void Process::stop() {
  close(to_);
  if (group_ > 0) {
    const bool exited = has_exited(seconds_to_exit);
    ::kill(-group_, SIGKILL);
    if (!exited) ::waitpid(child_, &status_, 0);
    child_ = group_ = -1;
  }
  close(from_), close(words_from_);
}

bool Process::has_exited(double seconds) {
  const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
  while (child_ > 0) {
    if (::waitpid(child_, &status_, WNOHANG) != 0) child_ = -1;
    if (child_ < 0 || Clock::now() > deadline) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return child_ < 0;
}

// ---- Asking -------------------------------------------------------------------------------------

std::string Process::ask(const std::string& line) {
  require(to_ >= 0, "it has ended before");
  const std::string request = line + '\n';
  std::string_view rest = request;
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(seconds_));
  read_answer();  // what has come since the last answer; at first, it is taken for one
  if (asked_ && !answer_.empty())
    give_up("it wrote " + printable_line(answer_) +
            ", which nobody asked for; standard output is for answers only");
  asked_ = true;
  for (std::size_t seen = 0;;) {
    const std::size_t end = answer_.find('\n', seen);
    if (end != std::string::npos && rest.empty()) {
      std::string result = answer_.substr(0, end);
      answer_.erase(0, end + 1);
      return result;
    }
    if (end == std::string::npos) seen = answer_.size();
    if (answer_.size() > longest_line)
      give_up(text_from("its answer has more than ", longest_line, " bytes in one line"));
    const bool waited_in_vain = !wait_for_any(!rest.empty(), deadline);
    if (waited_in_vain && has_exited(0)) ended();  // something else still holds its output open
    if (waited_in_vain && Clock::now() >= deadline)
      give_up(text_from("it gave no answer within ", seconds_, " s",
                        answer_.empty() ? "; does it flush its standard output?" : ""));
    if (!rest.empty()) write_some(rest);
    read_words();
    read_answer();
    if (from_ < 0 && answer_.find('\n') == std::string::npos) ended();
  }
}

// Whether something can be read or written before the deadline, or soon.
bool Process::wait_for_any(bool writing, Clock::time_point deadline) {
  std::array<pollfd, 3> ends = {pollfd{from_, POLLIN, 0}, pollfd{words_from_, POLLIN, 0},
                                pollfd{writing ? to_ : -1, POLLOUT, 0}};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (left <= 0) return false;
  const int ready =
      ::poll(ends.data(), ends.size(), static_cast<int>(std::min(left, longest_poll)));
  require(ready >= 0 || errno == EINTR, "poll: ", std::strerror(errno));
  return ready > 0;
}

void Process::write_some(std::string_view& rest) {
  const ssize_t count = ::write(to_, rest.data(), rest.size());
  if (count >= 0)
    rest.remove_prefix(static_cast<std::size_t>(count));
  else if (errno != EAGAIN && errno != EINTR)
    ended();
}

namespace {
// Appends what can be read now. Closes the descriptor at the end of the file.
void read_all(int& descriptor, std::string& text, std::size_t most) {
  std::array<char, 1 << 16> block{};
  while (descriptor >= 0 && text.size() <= most) {
    const ssize_t count = ::read(descriptor, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return close(descriptor);
    text.append(block.data(), static_cast<std::size_t>(count));
  }
}
}  // namespace

void Process::read_answer() { read_all(from_, answer_, longest_line); }

void Process::read_words() {
  read_all(words_from_, words_, 1 << 20);
  if (words_.size() > most_words) words_.erase(0, words_.size() - most_words);
}

// ---- The end ------------------------------------------------------------------------------------

void Process::ended() {
  give_up(has_exited(seconds_to_exit) ? ending(status_) : "it closed its standard output");
}

void Process::give_up(const std::string& why) { fail(end(why)); }

std::string Process::end(const std::string& why) {
  if (to_ < 0) return why;
  read_words();
  const std::string words = last_words();
  if (group_ > 0) ::kill(-group_, SIGKILL);
  stop();
  return why + (words.empty() ? "" : "; its last words: " + words);
}

std::string Process::last_words() {
  std::string text;
  std::vector<std::string> lines = lines_of(words_);
  std::erase(lines, "");
  const std::size_t first = lines.size() - std::min(lines.size(), shown_lines);
  for (std::size_t i = first; i < lines.size(); ++i)
    text += (i > first ? " | " : "") + printable_line(lines[i], 200);
  return text;
}

}  // namespace adjoint::program

// Runs part of a test in a child process, because it ends the process or changes its limits.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace adjoint::testing {

// Null unless the program is linked with that sanitizer. (The tests' own objects may be compiled
// without it, so no macro tells.)
extern "C" {
[[gnu::weak]] void __asan_init();
[[gnu::weak]] void __tsan_init();
}
/// A sanitizer needs more address space, and threads of its own.
inline const bool sanitized = __asan_init != nullptr || __tsan_init != nullptr;

struct Ended {
  int status;          ///< given to exit(); −1 if a signal ended the child
  std::string output;  ///< of standard output and standard error
};

/// Runs f in a child process, which exits with the status that f returns.
template <class F>
Ended in_child(F f) {
  std::fflush(nullptr);
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM})
      ::signal(number, SIG_DFL);  // Boost.Test has its own handlers
    ::dup2(pipe[1], STDOUT_FILENO);
    ::dup2(pipe[1], STDERR_FILENO);
    ::close(pipe[0]);
    const int status = f();
    if (!sanitized) std::exit(status);
    std::fflush(nullptr);  // _exit() skips the leak checker, which cannot inspect a forked child
    ::_exit(status);
  }
  ::close(pipe[1]);
  std::string output;
  std::array<char, 4096> block{};
  for (ssize_t count = 0; (count = ::read(pipe[0], block.data(), block.size())) > 0;)
    output.append(block.data(), static_cast<std::size_t>(count));
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

}  // namespace adjoint::testing

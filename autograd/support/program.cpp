#include "autograd/support/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "autograd/support/error.h"

extern char** environ;

namespace adjoint {

std::optional<int> run_program(std::vector<std::string> words, const std::filesystem::path& output,
                               unsigned seconds) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (!output.empty())
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) return std::nullopt;
  require(error == 0, words[0], " cannot be started: ", std::strerror(error));
  const rlimit limit{seconds, seconds};
  if (seconds > 0) ::prlimit(child, RLIMIT_CPU, &limit, nullptr);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    require(errno == EINTR, "waiting for ", words[0], ": ", std::strerror(errno));
  return status;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "adjoint-XXXXXX").string();
  require(::mkdtemp(name.data()) != nullptr, name, ": ", std::strerror(errno));
  path = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

}  // namespace adjoint

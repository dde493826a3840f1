// When OpenBLAS is loaded, it takes 128 MB of address space for each of its threads, and retries
// forever if it cannot have them (ulimit -v). So the program checks first, before any library
// starts.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

// The value of a variable, or `otherwise`. getenv() does not work yet at this point.
long number_in(char** environment, std::string_view name, long otherwise) {
  for (char** entry = environment; *entry; ++entry)
    if (std::string_view(*entry).starts_with(name))
      return std::max(1L, std::strtol(*entry + name.size(), nullptr, 10));
  return otherwise;
}

void require_addresses(int /*argc*/, char** /*argv*/, char** environment) {
  const long cores = number_in(environment, "OMP_NUM_THREADS=", sysconf(_SC_NPROCESSORS_ONLN));
  const std::size_t bytes = static_cast<std::size_t>(cores) * (128 << 20) + (16 << 20);
  void* const block = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block != MAP_FAILED) {
    munmap(block, bytes);
    return;
  }
  constexpr std::string_view message =
      "seq2seq: too little address space (ulimit -v): OpenBLAS needs 128 MB for each core; raise "
      "the limit, or set OMP_NUM_THREADS=1\n";
  (void)!write(STDERR_FILENO, message.data(), message.size());
  _exit(1);
}

// Runs before the constructors of shared libraries.
[[gnu::section(".preinit_array"),
  gnu::used]] void (*const before_libraries)(int, char**, char**) = require_addresses;

}  // namespace

// The list of harnesses, what they share, and the two functions that libFuzzer calls.

#include "tests/fuzz/harness.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "data/text/unicode.h"

namespace adjoint::fuzz {
namespace {

constexpr std::array all = {
    Harness{"safetensors", safetensors},
    Harness{"training_state", training_state},
    Harness{"pairs", pairs},
    Harness{"vocabulary", vocabulary},
    Harness{"settings", settings},
    Harness{"tokenizers", tokenizers},
    Harness{"metrics", metrics},
    Harness{"subwords", subwords},
    Harness{"programs", programs},
    Harness{"answers", answers},
    Harness{"expressions", expressions},
    Harness{"requests", requests},
    Harness{"records", records},
    Harness{"word_vectors", word_vectors},
};

// A folder for this process, in memory if the system offers that. It is removed at the end.
class Folder {
 public:
  Folder() {
    const std::filesystem::path memory = "/dev/shm";
    const bool usable = ::access(memory.c_str(), W_OK) == 0;
    std::string name =
        ((usable ? memory : std::filesystem::temp_directory_path()) / "adjoint-fuzz-XXXXXX");
    if (::mkdtemp(name.data()) == nullptr) fail("cannot make a folder like ", name);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};
const std::filesystem::path& folder() {
  static const Folder instance;
  return instance.path();
}

}  // namespace

std::span<const Harness> harnesses() { return all; }

const Harness* find_harness(std::string_view name) {
  const auto found = std::ranges::find(all, name, &Harness::name);
  return found == all.end() ? nullptr : &*found;
}

void promise(bool kept, std::string_view broken) {
  if (kept) return;
  std::cerr << "broken promise: " << broken << std::endl;
  std::abort();
}

void check_message(const Error& error) {
  const std::string_view message = error.what();
  promise(!message.empty(), "an Error has a message");
  promise(message.size() < 4000, "a message has a bounded length");
  promise(!data::invalid_utf8_at(message), "a message is UTF-8");
  for (const char32_t c : data::code_points(message))
    promise(c == '\n' || (c >= 0x20 && (c < 0x7F || c >= 0xA0)),
            "a message has no control characters");
}

std::filesystem::path file_with(Bytes content) { return file_with(text_of(content)); }

std::filesystem::path file_with(std::string_view content) {
  const std::filesystem::path path = folder() / "input";
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::filesystem::path second_file() { return folder() / "output"; }

std::size_t Choices::below(std::size_t count) {
  if (rest_.empty() || count < 2) return 0;
  const std::size_t choice = rest_.front() % count;
  rest_ = rest_.subspan(1);
  return choice;
}

}  // namespace adjoint::fuzz

namespace {
const adjoint::fuzz::Harness* chosen = nullptr;
}

// The first argument names the harness. libFuzzer gets the others.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  chosen = *argc > 1 ? adjoint::fuzz::find_harness((*argv)[1]) : nullptr;
  if (!chosen) {
    std::cerr << "usage: fuzz HARNESS ...; the harnesses are";
    for (const auto& harness : adjoint::fuzz::harnesses()) std::cerr << ' ' << harness.name;
    std::cerr << '\n';
    std::exit(EXIT_FAILURE);
  }
  (*argv)[1] = (*argv)[0];
  ++*argv;
  --*argc;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  chosen->run({bytes, size});
  return 0;
}

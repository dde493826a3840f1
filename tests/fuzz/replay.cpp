// A main() for compilers without libFuzzer. It runs the given files, then inputs made from them by
// small random changes:
//
//   fuzz HARNESS COUNT [FILE...]
//
// Runs with equal arguments make the same changes. An input that takes more than five seconds is a
// failure. After a failure the last line names the file that holds the input.

#include <fcntl.h>
#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "autograd/random.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;
Input current;
std::string failure_file;

// Calls only functions that a signal handler may call.
void save_and_end(int signal) {
  const int file = ::open(failure_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0 && ::write(file, current.data(), current.size()) >= 0 &&
      ::write(STDERR_FILENO, "the input: ", 11) > 0 &&
      ::write(STDERR_FILENO, failure_file.data(), failure_file.size()) > 0)
    (void)!::write(STDERR_FILENO, "\n", 1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(Input input) {
  current = std::move(input);
  ::alarm(5);
  LLVMFuzzerTestOneInput(current.data(), current.size());
  ::alarm(0);
}

class Mutations {
 public:
  Mutations(std::vector<Input> seeds, adjoint::Key key) : seeds_(std::move(seeds)), key_(key) {}

  Input next() {
    Input input = seeds_[below(seeds_.size())];
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(input);
    return input;
  }

 private:
  std::size_t below(std::size_t count) {
    return static_cast<std::size_t>(key_.child(drawn_++).value() % std::max<std::size_t>(1, count));
  }
  // A random position in the input.
  auto place(Input& input) {
    return input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1));
  }

  void change(Input& input) {
    static constexpr std::uint8_t telling[] = {0,   1,   9,   10,  13,  32, '"',
                                               '-', '0', '9', 127, 128, 255};
    const auto at = place(input);
    const auto length =
        std::min<std::ptrdiff_t>(input.end() - at, static_cast<std::ptrdiff_t>(1 + below(16)));
    switch (below(6)) {
      case 0:
        if (at != input.end()) *at ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 1:
        if (at != input.end()) *at = telling[below(std::size(telling))];
        break;
      case 2:
        input.erase(at, at + length);
        break;
      case 3:
        input.insert(at, telling[below(std::size(telling))]);
        break;
      case 4: {  // repeat a part
        const Input part(at, at + length);
        input.insert(at, part.begin(), part.end());
        break;
      }
      default: {  // the rest of another seed
        Input& other = seeds_[below(seeds_.size())];
        const auto from = place(other);
        input.erase(at, input.end());
        input.insert(input.end(), from, other.end());
      }
    }
  }

  std::vector<Input> seeds_;
  adjoint::Key key_;
  std::uint64_t drawn_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string harness = argc > 1 ? argv[1] : "";
  LLVMFuzzerInitialize(&argc, &argv);
  if (argc < 2) {
    std::cerr << "usage: fuzz HARNESS COUNT [FILE...]\n";
    return EXIT_FAILURE;
  }
  failure_file = "crash-" + harness;
  for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGALRM}) std::signal(signal, save_and_end);

  std::vector<Input> seeds;
  for (int i = 2; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    run(seeds.back());
  }
  if (seeds.empty()) seeds.emplace_back();
  const auto count = static_cast<std::uint64_t>(std::atol(argv[1]));
  Mutations mutations(seeds, adjoint::Key(count));
  for (std::uint64_t i = 0; i < count; ++i) run(mutations.next());
  std::cout << harness << ": " << seeds.size() << " files and " << count << " inputs like them\n";
}

// Exchanges models with PyTorch. tests/parity/exchange.py is the other side.
//
//   build/exchange write FOLDER   writes our models there: weights and their logits
//   build/exchange check FOLDER   loads weights from there and compares the logits
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <string>

#include "autograd/support/error.h"
#include "tests/parity/exchanged.h"

namespace {

using namespace adjoint;
using namespace adjoint::parity;

constexpr double tolerance = 1e-5;

int write(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (const Exchanged& exchanged : exchanged_models(Key(1))) write_exchanged(exchanged, folder);
  return 0;
}

int check(const std::filesystem::path& folder) {
  bool all_good = true;
  for (Exchanged& exchanged : exchanged_models(Key(2))) {
    const double error = error_of_exchanged(exchanged, folder);
    all_good &= error < tolerance;
    std::cout << std::left << std::setw(5) << exchanged.name << " logits off by "
              << std::setprecision(2) << error << (error < tolerance ? "" : "  FAILED") << '\n';
  }
  return all_good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc == 3 ? argv[1] : "";
  try {
    if (command == "write") return write(argv[2]);
    if (command == "check") return check(argv[2]);
    std::cerr << "exchange: expected `exchange write FOLDER` or `exchange check FOLDER`\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "exchange: " << error.what() << '\n';
    return 1;
  }
}

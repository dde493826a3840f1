// Are ten mistakes found, and named alike, in an operation of the library, a kernel on raw arrays,
// and a NumPy program?
//
//   build/ten_mistakes                 prints a table; fails unless all are
//   build/ten_mistakes report gelu     what the checker prints of the NumPy program
//   PYTHON=python3 build/ten_mistakes      with another Python that has NumPy
#include <cstdlib>
#include <iostream>

#include "autograd/support/error.h"
#include "examples/gradcheck/program.h"
#include "tests/autograd/gradcheck/ten_mistakes.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

GradcheckReport check_numpy(const std::string& name) {
  const char* python = std::getenv("PYTHON");
  return program::check_program({.command = std::string(python ? python : "/usr/bin/python3") +
                                            " tests/autograd/gradcheck/ten_mistakes.py " + name,
                                 .inputs = "",
                                 .seconds = 60});
}

// "sign of b", or why not.
std::string verdict_of(const GradcheckReport& report) {
  if (report) return "not found";
  std::string text;
  for (const Diagnosis& diagnosis : report.diagnoses)
    text += text_from(text.empty() ? "" : ", ", name_of(diagnosis.kind), " of ", diagnosis.name);
  return text.empty() ? name_of(report.findings.at(0).kind) : text;
}

int print_table() {
  std::cout << "| function | its vjp | operation | arrays | NumPy program |\n|-|-|-|-|-|\n";
  int alike = 0, all = 0;
  for (const PlantedMistake& planted : ten_mistakes()) {
    std::cout << "| `" << planted.name << "` | " << planted.mistake;
    bool named = true;
    for (const GradcheckReport& report :
         {planted.check_operation(), planted.check_arrays(), check_numpy(planted.name)}) {
      std::cout << " | " << verdict_of(report);
      named &= planted.named_by(report);
    }
    std::cout << " |" << std::endl;
    ++all;
    alike += named;
  }
  std::cout << '\n' << alike << " of " << all << " are found and named alike in all three forms\n";
  return alike == all ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string command = argc > 1 ? argv[1] : "";
  if (argc == 1) return print_table();
  if (command == "report" && argc == 3) {
    std::cout << check_numpy(argv[2]) << '\n';
    return 0;
  }
  std::cerr << "usage: ten_mistakes [report NAME]\n";
  return 2;
} catch (const std::exception& error) {
  std::cerr << "ten_mistakes: " << error.what() << '\n';
  return 2;
}

// The twelve lessons and the solutions of their exercises check their own claims. Here all of them
// run as programs, with their trainings shortened.
#include <sys/wait.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// The programs made from the sources `examples/FOLDER/NN_….cpp`, in order.
std::vector<fs::path> programs(const fs::path& folder) {
  const fs::path build = fs::read_symlink("/proc/self/exe").parent_path();
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator("examples" / folder)) {
    const std::string name = entry.path().stem();
    if (entry.path().extension() == ".cpp" && name.find_first_not_of("0123456789") == 2)
      found.push_back(build / folder / name);
  }
  std::ranges::sort(found);
  return found;
}

struct Outcome {
  int exit_code;
  std::string output;
};
Outcome run(const fs::path& program) {
  const std::string command = "'" + program.string() + "' --quick </dev/null 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  BOOST_REQUIRE(pipe != nullptr);
  std::string output;
  char part[4096];
  while (const std::size_t count = std::fread(part, 1, sizeof part, pipe))
    output.append(part, count);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

void each_holds(const fs::path& folder) {
  const std::vector<fs::path> found = programs(folder);
  BOOST_TEST(found.size() == 12u);
  for (const fs::path& program : found) {
    const Outcome outcome = run(program);
    BOOST_TEST(outcome.exit_code == 0, program.filename() << ":\n" << outcome.output);
    BOOST_TEST(outcome.output.ends_with(" claims hold.\n"), program.filename());
  }
}

BOOST_AUTO_TEST_SUITE(lessons)

BOOST_AUTO_TEST_CASE(every_claim_of_each_lesson_holds) { each_holds(""); }

BOOST_AUTO_TEST_CASE(every_exercise_has_a_solution_that_holds) { each_holds("solutions"); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

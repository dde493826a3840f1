// What a program answers that is checked by gradcheck --program.

#include <sstream>

#include "examples/gradcheck/program.h"
#include "tests/examples/gradcheck/scripted_peer.h"
#include "tests/fuzz/harness.h"

namespace adjoint::fuzz {

// The first byte says after how many right answers the lines of the input begin.
void answers(Bytes input) {
  Choices choices(input);
  const std::size_t right = choices.below(40);
  std::vector<std::string> lines;
  std::istringstream text{std::string(text_of(choices.rest()))};
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  testing::ScriptedPeer peer(right, lines);
  accepted([&] {
    const GradcheckReport report = program::check_program(
        peer, {.command = "peer",
               .inputs = "",
               .check = {.jacobian_up_to = 0, .elements_up_to = 100, .cotangents = 1}});
    std::ostringstream printed;
    printed << report;
    promise(testing::can_be_shown(printed.str()), "a report can be shown");
    promise(!report || peer.scripted() <= lines.size(), "where answers end, the check fails");
  });
}

}  // namespace adjoint::fuzz

// What a program may answer: anything. The check ends with a finding or an Error, and what it says
// can be shown.

#include <boost/test/unit_test.hpp>
#include <sstream>

#include "examples/gradcheck/process.h"
#include "examples/gradcheck/program.h"
#include "tests/autograd/support.h"
#include "tests/examples/gradcheck/scripted_peer.h"
#include "tests/files.h"

using namespace adjoint;
using namespace adjoint::program;
using namespace adjoint::testing;

namespace {

// Answers to be spoilt: right ones, and some that nobody should give.
const std::vector<std::string> samples = {
    R"({"id":3,"outputs":{"y":[0.25,-1.5e-3]}})",
    R"({"id":4,"gradients":{"x":[NaN,-Infinity]}})",
    R"({"inputs":[{"name":"x","shape":[2],"dtype":"f32","low":0,"high":1,"away_from":0.5}]})",
    R"({"inputs":[{"name":"x","values":[[1,2],[3,4]],"simplex":false}],"outputs":[{"name":"y"}]})",
    R"({"id":5,"outputs_file":"/dev/zero","jvp":true})",
    R"({"error":"x must be positive \u001b[31m"})",
    "Traceback (most recent call last):",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "",
};

std::string spoilt(std::string line, Dice& dice) {
  const auto position = [&] { return static_cast<std::size_t>(dice.between(0, std::ssize(line))); };
  for (Index edits = dice.between(0, 3); edits > 0; --edits) {
    const std::size_t at = position();
    const auto letter = static_cast<char>(dice.between(0, 255));
    const std::string& other = samples[static_cast<std::size_t>(dice.between(0, 8))];
    switch (dice.between(0, 5)) {
      case 0:
        line.insert(at, 1, letter);
        break;
      case 1:
        line.erase(at, 1);
        break;
      case 2:
        line = line.substr(0, at);
        break;
      case 3:
        line.insert(at, line.substr(at / 2, 8));
        break;
      case 4:
        line.insert(at, other.substr(0, static_cast<std::size_t>(dice.between(0, 30))));
        break;
      default:
        if (at < line.size()) line[at] = "{}[],:\"0-eN\\"[dice.between(0, 11)];
    }
  }
  std::erase(line, '\n');
  return line;
}

std::string random_answer(Dice& dice) {
  return spoilt(samples[static_cast<std::size_t>(dice.between(0, std::ssize(samples) - 1))], dice);
}

const GradcheckOptions few{.jacobian_up_to = 0, .cotangents = 1};

}  // namespace

BOOST_AUTO_TEST_SUITE(answers_suite)

BOOST_AUTO_TEST_CASE(the_peer_itself_is_right) {
  ScriptedPeer peer(1000, {});
  BOOST_TEST(check_program(peer, {.command = "peer", .inputs = ""}));
  BOOST_TEST(peer.scripted() == 0u);
}

BOOST_AUTO_TEST_CASE(no_line_is_taken_for_what_it_is_not) {
  Dice dice(Key(1));
  int accepted = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string line = random_answer(dice);
    try {
      if (dice.coin())
        read_description(line, 3);
      else
        read_arrays(line, 3, "outputs", {{.name = "y", .shape = Shape{2}}});
      ++accepted;
    } catch (const Error& error) {
      if (!can_be_shown(error.what())) BOOST_ERROR(error.what());
      ++refused;
    }
  }
  BOOST_TEST(accepted > 100);
  BOOST_TEST(refused > 10'000);
}

BOOST_AUTO_TEST_CASE(a_check_with_any_answers_ends_with_a_finding_or_an_error) {
  Dice dice(Key(2));
  for (int i = 0; i < 500; ++i) {
    const auto right = static_cast<std::size_t>(dice.between(0, 30));
    ScriptedPeer peer(right, {random_answer(dice), random_answer(dice)});
    try {
      const GradcheckReport report =
          check_program(peer, {.command = "peer", .inputs = "", .check = few});
      std::ostringstream text;
      text << report;
      if (!can_be_shown(text.str())) BOOST_ERROR(text.str());
      if (report && peer.scripted() > 0) BOOST_ERROR("ok: " << text.str());
    } catch (const Error& error) {
      if (!can_be_shown(error.what())) BOOST_ERROR(error.what());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_process_may_write_anything) {
  Dice dice(Key(3));
  const Folder folder;
  for (int i = 0; i < 15; ++i) {
    std::string bytes;
    for (Index n = dice.between(0, 3); n >= 0; --n) bytes += random_answer(dice) + '\n';
    put(folder / "answers", bytes);
    const std::string command =
        "cat " + (folder / "answers").string() + (dice.coin() ? "; cat >/dev/null" : "");
    const std::string message = error_of([&] {
      const GradcheckReport report =
          check_program({.command = command, .inputs = "", .seconds = 0.1});
      BOOST_TEST(!report);
    });
    BOOST_TEST(can_be_shown(message));
  }
}

BOOST_AUTO_TEST_SUITE_END()

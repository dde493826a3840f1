#include "nn/training/metrics_log.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <string>

#include "autograd/support/files.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

void append(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::app) << text;
}

std::string line(Index step) { return "{\"step\":" + std::to_string(step) + ",\"loss\":0.5}\n"; }

// The lines of the steps first, first + 1, …, last.
std::string lines(Index first, Index last) {
  std::string all;
  for (Index step = first; step <= last; ++step) all += line(step);
  return all;
}

void write(MetricsLog& log, Index first, Index last) {
  for (Index step = first; step <= last; ++step) log.write(step, {{"loss", 0.5}});
}

BOOST_AUTO_TEST_SUITE(metrics_log)

BOOST_AUTO_TEST_CASE(a_line_is_a_json_object_in_the_order_given) {
  const Folder folder;
  MetricsLog log(folder / "log", 0);
  log.write(7, {{"epoch", Index{2}},
                {"loss", 0.1},
                {"a \"name\"\n", std::string("café\n")},
                {"norm", double{NAN}},
                {"best", HUGE_VAL}});
  log.write(8, {});
  BOOST_TEST(read_file(folder / "log") ==
             "{\"step\":7,\"epoch\":2,\"loss\":0.1,\"a \\\"name\\\"\\n\":\"café\\n\",\"norm\":null,"
             "\"best\":null}\n{\"step\":8}\n");
}

// Stopped between two lines, or within one.
BOOST_AUTO_TEST_CASE(a_resumed_run_has_each_step_once) {
  const std::string whole = lines(1, 12);
  for (std::size_t bytes = 0; bytes <= lines(1, 8).size(); ++bytes)
    for (const Index saved : {0, 3, 8}) {
      const Folder folder;
      const std::filesystem::path path = folder / "log";
      append(path, whole.substr(0, bytes));
      // The lines up to a step are written before its state.
      if (bytes < lines(1, saved).size()) continue;
      MetricsLog log(path, saved);
      BOOST_TEST_REQUIRE(read_file(path) == lines(1, saved));
      write(log, saved + 1, 12);
      BOOST_TEST_REQUIRE(read_file(path) == whole);
    }
}

BOOST_AUTO_TEST_CASE(a_new_run_starts_over_and_may_write_before_its_first_step) {
  const Folder folder;
  append(folder / "log", lines(1, 3));
  MetricsLog log(folder / "log", 0);
  write(log, 0, 1);
  BOOST_TEST(read_file(folder / "log") == lines(0, 1));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_a_log_is_left_alone) {
  for (const std::string text :
       {"some notes\n", "{\"loss\":1}\n", "[1]\n", "{\"step\":-1}\n", "{\"step\":\"1\"}\n", "\n"}) {
    const Folder folder;
    append(folder / "log", line(1) + text + line(2));
    BOOST_CHECK_EXCEPTION(
        MetricsLog(folder / "log", 1), Error,
        says((folder / "log").string() +
             ": line 2 is not from a metrics log, whose lines are JSON objects with a step"));
    BOOST_TEST(read_file(folder / "log") == line(1) + text + line(2));
  }
}

// A log may end in an unfinished line. Only the beginning of a log line counts as one.
BOOST_AUTO_TEST_CASE(a_file_without_a_line_end_is_left_alone_too) {
  for (const std::string text : {"all my notes", "{\"loss\":1", "{\"step\":-1}",
                                 "{\"step\":\"by step\"}", "{\"steps\":1", "\x01"}) {
    for (const std::string& before : {std::string(), line(1)}) {
      const Folder folder;
      append(folder / "log", before + text);
      BOOST_CHECK_EXCEPTION(MetricsLog(folder / "log", 1), Error,
                            says((folder / "log").string() +
                                 ": its last line is not from a metrics log, whose lines are JSON "
                                 "objects with a step"));
      BOOST_TEST(read_file(folder / "log") == before + text);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_an_error_and_leaves_whole_lines) {
  const Folder folder;
  MetricsLog log(folder / "log", 0);
  write(log, 1, 2);
  {
    const SmallDisk disk(lines(1, 2).size() + 5);
    BOOST_CHECK_EXCEPTION(write(log, 3, 3), Error, [&](const Error& error) {
      return std::string(error.what()).starts_with("cannot write " + (folder / "log").string());
    });
    BOOST_TEST(read_file(folder / "log") == lines(1, 2));
  }
  write(log, 3, 3);
  BOOST_TEST(read_file(folder / "log") == lines(1, 3));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_an_error) {
  const Folder folder;
  BOOST_CHECK_THROW(MetricsLog(folder.path, 0), Error);
  BOOST_CHECK_THROW(MetricsLog(folder / "none" / "log", 0), Error);
  MetricsLog log(folder / "log", 0);
  BOOST_CHECK_EXCEPTION(log.write(1, {{"step", Index{2}}}), Error,
                        says("metrics log: the name 'step' is used twice"));
  BOOST_CHECK_THROW(log.write(1, {{"text", std::string("\xff")}}), Error);
  BOOST_TEST(read_file(folder / "log").empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

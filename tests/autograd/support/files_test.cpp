#include "autograd/support/files.h"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/random.h"
#include "autograd/support/error.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
namespace fs = std::filesystem;
namespace tt = boost::test_tools;

}  // namespace

BOOST_AUTO_TEST_SUITE(file)

BOOST_AUTO_TEST_CASE(reading_fails_with_the_reason) {
  const Folder folder;
  BOOST_CHECK_EXCEPTION(read_file(folder.path), Error,
                        says("cannot read " + folder.path.string() + ": Is a directory"));
  const fs::path below = folder / "none/none.txt";
  BOOST_CHECK_EXCEPTION(read_file(below), Error,
                        says("cannot read " + below.string() + ": No such file or directory"));
}

BOOST_AUTO_TEST_CASE(any_bytes_come_back) {
  const Folder folder;
  std::string text;
  const Tensor bytes = random_integers({200'000}, 0, 256, Key(2));
  for (const Index byte : bytes.values<Index>()) text += static_cast<char>(byte);
  write_file(folder / "bytes", text);
  BOOST_TEST((read_file(folder / "bytes") == text));
  write_file(folder / "bytes", "");
  BOOST_TEST(read_file(folder / "bytes") == "");
  BOOST_TEST(folder.files() == 1);
}

BOOST_AUTO_TEST_CASE(pieces_are_written_one_after_the_other) {
  const Folder folder;
  const std::vector<std::string_view> pieces = {"one, ", "", "two, ", "three"};
  write_file(folder / "file", pieces);
  BOOST_TEST(read_file(folder / "file") == "one, two, three");
  write_file(folder / "file", std::vector<std::string_view>());
  BOOST_TEST(read_file(folder / "file") == "");
}

BOOST_AUTO_TEST_CASE(lines_end_in_lf_or_crlf) {
  const Folder folder;
  write_file(folder / "lines", "\xEF\xBB\xBFone\ntwo\r\n\nthree\rstill three\nlast");
  const std::vector<std::string> expected = {"one", "two", "", "three\rstill three", "last"};
  BOOST_TEST(read_lines(folder / "lines") == expected, tt::per_element());
}

BOOST_AUTO_TEST_CASE(writing_fails_with_the_reason) {
  const Folder folder;
  const fs::path below = folder / "none/new.txt";
  BOOST_CHECK_EXCEPTION(write_file(below, "x"), Error,
                        says("cannot write " + below.string() + ": No such file or directory"));
  BOOST_CHECK_EXCEPTION(
      write_file(folder.path, "x"), Error,
      says("cannot write " + folder.path.string() + ": it exists and is not a regular file"));
  BOOST_CHECK_EXCEPTION(write_file("/dev/null", "x"), Error,
                        says("cannot write /dev/null: it exists and is not a regular file"));
}

BOOST_AUTO_TEST_CASE(a_link_stays_a_link) {
  const Folder folder;
  write_file(folder / "real", "old");
  fs::create_symlink(folder / "real", folder / "link");
  write_file(folder / "link", "new");
  BOOST_TEST(fs::is_symlink(folder / "link"));
  BOOST_TEST(read_file(folder / "real") == "new");
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_old_file_and_nothing_else) {
  const Folder folder;
  write_file(folder / "file", "old");
  std::string message;
  try {
    const SmallDisk disk(4096);
    write_file(folder / "file", std::string(10'000, 'x'));
  } catch (const Error& error) {
    message = error.what();  // reported below: the report itself may need the disk
  }
  BOOST_TEST(message == "cannot write " + (folder / "file").string() + ": File too large");
  BOOST_TEST(read_file(folder / "file") == "old");
  BOOST_TEST(folder.files() == 1);
}

// The id of a process that has ended.
std::string ended_process() {
  const pid_t process = ::fork();
  if (process == 0) ::_exit(0);
  ::waitpid(process, nullptr, 0);
  return std::to_string(process);
}

BOOST_AUTO_TEST_CASE(leftovers_of_killed_processes_are_removed_and_nothing_else) {
  const Folder folder;
  const std::string dead = ended_process(), alive = std::to_string(::getpid());
  const std::vector<std::string> stay = {"file",      "file.tmp-" + alive + "-0", "file.tmp-x",
                                         "file.tmp-", "other.tmp-" + dead + "-0", "file.tmp"};
  for (const std::string& name : stay) write_file(folder / name, "x");
  write_file(folder / ("file.tmp-" + dead + "-0"), "x");
  write_file(folder / ("file.tmp-" + dead + "-17"), "x");
  fs::create_symlink(folder / "file", folder / "link");
  remove_leftovers(folder / "link");
  for (const std::string& name : stay) BOOST_TEST(fs::exists(folder / name), name);
  BOOST_TEST(folder.files() == static_cast<std::ptrdiff_t>(stay.size()) + 1);
  BOOST_CHECK_NO_THROW(remove_leftovers(folder / "none/file"));
}

BOOST_AUTO_TEST_SUITE_END()

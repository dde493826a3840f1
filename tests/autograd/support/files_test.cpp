#include "autograd/support/files.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
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

BOOST_AUTO_TEST_CASE(only_regular_files_are_read_where_a_stranger_may_have_put_something_else) {
  const Folder folder;
  BOOST_REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  fs::create_symlink("/dev/zero", folder / "zero");
  const std::string refusal = ": it is a pipe or a device, not a regular file";
  for (const char* name : {"pipe", "zero"})
    BOOST_CHECK_EXCEPTION(read_regular_file(folder / name, 10), Error,
                          says("cannot read " + (folder / name).string() + refusal));
  BOOST_CHECK_EXCEPTION(read_regular_file(folder.path, 10), Error,
                        says("cannot read " + folder.path.string() + ": Is a directory"));
  BOOST_CHECK_THROW(read_regular_file(folder / "none", 10), Error);

  put(folder / "file", "0123456789");
  fs::create_symlink(folder / "file", folder / "link");
  BOOST_TEST(read_regular_file(folder / "link", 10) == "0123456789");
  fs::resize_file(folder / "file", std::uintmax_t{1} << 40);  // sparse: takes no room on the disk
  BOOST_CHECK_EXCEPTION(read_regular_file(folder / "file", 10), Error,
                        says("cannot read " + (folder / "file").string() +
                             ": it has 1099511627776 bytes, and the limit is 10"));
}

BOOST_AUTO_TEST_CASE(an_open_file_stays_the_same_when_another_takes_its_name) {
  const Folder folder;
  write_file(folder / "file", "old text");
  const RegularFile file(folder / "file");
  write_file(folder / "file", "new");
  std::string bytes(4, ' ');
  file.read(4, bytes);
  BOOST_TEST(bytes == "text");
  BOOST_TEST(file.size() == 8);
  BOOST_CHECK_EXCEPTION(file.read(5, bytes), Error,
                        says("cannot read " + (folder / "file").string() +
                             ": it was truncated while it was being read"));
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

BOOST_AUTO_TEST_CASE(a_file_that_is_replaced_keeps_its_permissions) {
  const Folder folder;
  const auto mode = [](const fs::path& path) {
    struct stat status = {};
    BOOST_REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
  };
  const mode_t before = ::umask(022);
  for (const mode_t kept : {0600u, 0640u, 0644u, 0666u, 0400u, 0755u}) {
    write_file(folder / "file", "old");
    BOOST_REQUIRE(::chmod((folder / "file").c_str(), kept) == 0);
    write_file(folder / "file", "new");
    BOOST_TEST(mode(folder / "file") == kept);
    BOOST_TEST(read_file(folder / "file") == "new");
  }
  for (const mode_t mask : {022u, 077u, 0u}) {
    ::umask(mask);
    fs::remove(folder / "file");
    write_file(folder / "file", "new");
    BOOST_TEST(mode(folder / "file") == (0666 & ~mask));
  }
  ::umask(before);
}

// Another user who may write to the folder could put links where a temporary file is expected.
BOOST_AUTO_TEST_CASE(a_link_laid_at_a_name_that_was_foreseen_is_not_followed) {
  const Folder folder;
  put(folder / "victim", "mine");
  for (int i = 0; i < 2000; ++i)
    fs::create_symlink(folder / "victim", folder / ("file.tmp-" + std::to_string(::getpid()) + "-" +
                                                    std::to_string(i)));
  write_file(folder / "file", "text");
  BOOST_TEST(read_file(folder / "victim") == "mine");
  BOOST_TEST(read_file(folder / "file") == "text");
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

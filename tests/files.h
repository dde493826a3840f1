// For tests that write files: a temporary folder, bytes in a file, and a disk that is full.
#pragma once

#include <stdlib.h>
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace adjoint::testing {

/// A temporary folder, removed at the end of the test.
struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "adjoint-test-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path operator/(const std::string& name) const { return path / name; }
  std::ptrdiff_t files() const {
    using Iterator = std::filesystem::directory_iterator;
    return std::distance(Iterator(path), Iterator());
  }
  std::filesystem::path path;
};

/// Sets the contents of a file, in place if it exists. Faster than write_file, which matters ten
/// thousand times over.
inline void put(const std::filesystem::path& path, const std::string& bytes) {
  if (!std::filesystem::exists(path)) std::ofstream{path};
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out) << bytes;
  if (std::filesystem::file_size(path) != bytes.size())
    std::filesystem::resize_file(path, bytes.size());
}

/// During its lifetime no file of this process can grow past the limit, as on a full disk.
struct SmallDisk {
  explicit SmallDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit limit = {.rlim_cur = bytes, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
  }
  rlimit before = {};
  void (*handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

}  // namespace adjoint::testing

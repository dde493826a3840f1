// Where a run writes: what it refuses before training, and what concurrent runs leave behind.
#include "examples/seq2seq/run/destination.h"

#include <sys/stat.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "autograd/support/files.h"
#include "tests/autograd/support.h"
#include "tests/examples/seq2seq/toy_model.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;
namespace fs = std::filesystem;

mode_t mode_of(const fs::path& path) {
  struct stat status = {};
  BOOST_REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// A whole run without its training.
void train_toy_model(int number, const fs::path& folder) {
  Destination destination(folder, IfStopped::discard);
  save_toy_model(number, destination.begin());
  write_file(destination.partial() / state_file, std::to_string(number));
  destination.keep();
  destination.complete();
}

std::string complaint(const fs::path& folder, IfStopped if_stopped = IfStopped::refuse) {
  try {
    const Destination destination(folder, if_stopped);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(destination)

BOOST_AUTO_TEST_CASE(a_run_replaces_a_model_and_leaves_nothing_else) {
  const Folder folder;
  train_toy_model(1, folder / "model");
  train_toy_model(2, folder / "model");
  BOOST_TEST(load(folder / "model").settings.training.seed == 2u);
  BOOST_TEST(folder.files() == 1);
}

BOOST_AUTO_TEST_CASE(a_model_that_is_replaced_keeps_its_permissions) {
  const Folder folder;
  const mode_t before = ::umask(022);
  train_toy_model(1, folder / "model");
  BOOST_TEST(mode_of(folder / "model") == 0755u);
  BOOST_TEST(mode_of(folder / "model/settings.toml") == 0644u);
  fs::permissions(folder / "model", fs::perms(0750));
  fs::permissions(folder / "model/settings.toml", fs::perms(0600));
  fs::permissions(folder / "model/weights.safetensors", fs::perms(0640));
  fs::permissions(folder / "model" / state_file, fs::perms(0600));
  {
    Destination destination(folder / "model", IfStopped::discard);
    BOOST_TEST(mode_of(destination.partial()) == 0700u);  // private until it is complete
    save_toy_model(2, destination.begin());
    write_file(destination.partial() / state_file, "state");
    destination.complete();
  }
  BOOST_TEST(mode_of(folder / "model" / state_file) == 0600u);
  BOOST_TEST(mode_of(folder / "model") == 0750u);
  BOOST_TEST(mode_of(folder / "model/settings.toml") == 0600u);
  BOOST_TEST(mode_of(folder / "model/weights.safetensors") == 0640u);
  BOOST_TEST(mode_of(folder / "model/source.vocabulary") == 0644u);
  ::umask(077);
  train_toy_model(1, folder / "private");
  BOOST_TEST(mode_of(folder / "private") == 0700u);
  BOOST_TEST(mode_of(folder / "private/settings.toml") == 0600u);
  ::umask(before);
}

BOOST_AUTO_TEST_CASE(what_could_not_be_replaced_is_refused_before_training) {
  const Folder folder;
  fs::create_symlink(folder / "nowhere", folder / "dangling");
  BOOST_TEST(
      complaint(folder / "dangling") ==
      "--output: '" + (folder / "dangling").string() +
          "' is a link to a folder that does not exist; remove it, or name the folder itself");
  BOOST_TEST(complaint("/proc").find("/proc") != std::string::npos);
  put(folder / "file", "text");
  BOOST_TEST(complaint(folder / "file") ==
             "--output: '" + (folder / "file").string() + "' is a file, not a folder");
  fs::create_directory(folder / "other");
  put(folder / "other" / "a\x1b[31m", "text");
  BOOST_TEST(complaint(folder / "other").find("holds 'a\\u001b[31m', which does not belong") !=
             std::string::npos);
  BOOST_TEST(folder.files() == 3);
}

// Links in a stranger's stopped run could lead anywhere.
BOOST_AUTO_TEST_CASE(links_in_a_stopped_run_are_not_followed) {
  const Folder folder;
  put(folder / "victim", "mine");
  for (const IfStopped if_stopped : {IfStopped::refuse, IfStopped::resume, IfStopped::discard})
    for (const std::string& name : model_files) {
      fs::create_directory(folder / "model.partial");
      put(folder / "model.partial" / state_file, "state");
      fs::remove(folder / "model.partial" / name);
      fs::create_symlink(folder / "victim", folder / "model.partial" / name);
      BOOST_TEST(complaint(folder / "model", if_stopped) ==
                 "--output: '" + (folder / "model.partial").string() + "' holds '" + name +
                     "', which is not a regular file; remove it, or choose another folder");
      BOOST_TEST(read_file(folder / "victim") == "mine");
      fs::remove_all(folder / "model.partial");
    }
  fs::create_directory(folder / "elsewhere");
  fs::create_directory_symlink(folder / "elsewhere", folder / "model.partial");
  BOOST_TEST(complaint(folder / "model") ==
             "--output: '" + (folder / "model.partial").string() + "' is a link; remove it");
  BOOST_TEST(fs::is_empty(folder / "elsewhere"));
}

BOOST_AUTO_TEST_CASE(a_log_in_one_of_the_folders_is_noticed) {
  const Folder folder;
  train_toy_model(1, folder / "model");
  fs::create_directory_symlink(folder / "model", folder / "link");
  const Destination destination(folder / "model", IfStopped::discard);
  BOOST_TEST(destination.holds(folder / "model/log"));
  BOOST_TEST(destination.holds(folder / "model.partial/log"));
  BOOST_TEST(destination.holds(folder / "model/../model/log"));
  BOOST_TEST(destination.holds(folder / "link/log"));
  BOOST_TEST(!destination.holds(folder / "log"));
  BOOST_TEST(!destination.holds(folder / "model.log"));
}

BOOST_AUTO_TEST_CASE(a_model_without_a_run_is_not_resumed) {
  const Folder folder;
  train_toy_model(1, folder / "model");
  const std::string path = fs::canonical(folder / "model").string();
  BOOST_TEST(complaint(folder / "model").find("use train --resume)") != std::string::npos);
  fs::remove(folder / "model" / state_file);  // as `average` writes it
  BOOST_TEST(complaint(folder / "model").find("use train --from " + path + " --output NEW)") !=
             std::string::npos);
  BOOST_TEST(complaint(folder / "model", IfStopped::resume)
                 .find("begin a run with train --from " + path) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_second_run_in_the_same_place_is_refused) {
  const Folder folder;
  const Destination destination(folder / "model");
  BOOST_TEST(complaint(folder / "model") == "--output: another run is using '" +
                                                (folder / "model.partial").string() +
                                                "'; wait until it ends, or choose another folder");
}

// Each run either completes with its own files or reports another run.
BOOST_AUTO_TEST_CASE(parallel_runs_for_one_folder_never_mix_their_files) {
  const Folder folder;
  constexpr int runners = 6, rounds = 15;
  std::atomic<int> completed = 0;
  std::atomic<bool> mixed = false;
  std::string wrong[runners];
  std::vector<std::thread> threads;
  for (int runner = 0; runner < runners; ++runner)
    threads.emplace_back([&, runner] {
      for (int round = 0; round < rounds; ++round) {
        try {
          train_toy_model(runner * rounds + round, folder / "model");
          ++completed;
        } catch (const std::exception& error) {
          const std::string text = error.what();
          if (text.find("another run is using") == std::string::npos) wrong[runner] = text;
        }
        try {
          load_held_out(folder / "model", load(folder / "model"));
        } catch (const Error& error) {
          if (std::string(error.what()).find("does not belong") != std::string::npos) mixed = true;
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& text : wrong) BOOST_TEST(text == "");
  BOOST_TEST(completed > 0);
  BOOST_TEST(!mixed);
  const Model model = load(folder / "model");
  const auto number = static_cast<int>(model.settings.training.seed);
  BOOST_TEST((model.source == toy_model(number).source));
  BOOST_TEST((load_held_out(folder / "model", model) == toy_pairs(number)));
  BOOST_TEST(read_file(folder / "model" / state_file) == std::to_string(number));
  BOOST_TEST(folder.files() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

// What a command refuses to write before it does any work.
#include "examples/seq2seq/run/written_file.h"

#include <boost/test/unit_test.hpp>

#include "tests/autograd/support.h"
#include "tests/examples/seq2seq/toy_model.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;
namespace fs = std::filesystem;

std::string refusal(const fs::path& file, Written written = Written::whole,
                    const std::vector<std::string>& inputs = {}) {
  try {
    require_writable("--option", file, written, inputs);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(written_file)

BOOST_AUTO_TEST_CASE(an_input_is_not_written) {
  const Folder folder;
  put(folder / "pairs", "a\tb\n");
  fs::create_symlink(folder / "pairs", folder / "link");
  const std::vector<std::string> inputs = {"", (folder / "pairs").string()};
  for (const char* name : {"pairs", "link", "./pairs"}) {
    const fs::path file = folder / name;
    BOOST_TEST(refusal(file, Written::in_lines, inputs) ==
               "--option: '" + file.string() + "' is also read; choose another file");
  }
  BOOST_TEST(refusal(folder / "other", Written::whole, inputs) == "");
  BOOST_TEST(refusal("", Written::whole, inputs) == "");
}

BOOST_AUTO_TEST_CASE(nothing_is_written_into_the_folder_of_a_model) {
  const Folder folder;
  save_toy_model(1, folder / "model");
  fs::create_directory_symlink(folder / "model", folder / "link");
  const std::string problem =
      "' is inside the folder of a model, " + fs::canonical(folder / "model").string();
  for (const char* name :
       {"model/new", "model/weights.safetensors", "link/new", "model/a/b", "model/../model/new"})
    for (const Written written : {Written::whole, Written::in_lines})
      BOOST_TEST(refusal(folder / name, written).find(problem) != std::string::npos, name);
  BOOST_TEST(refusal(folder / "beside") == "");
  fs::rename(folder / "model/weights.safetensors", folder / "model/training.safetensors");
  BOOST_TEST(refusal(folder / "model/new").find(problem) != std::string::npos);  // a stopped run
  fs::remove(folder / "model/training.safetensors");
  BOOST_TEST(refusal(folder / "model/new") == "");  // no model any more
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_refused) {
  const Folder folder;
  const std::string name = (folder / "folder").string();
  fs::create_directory(name);
  for (const Written written : {Written::whole, Written::in_lines}) {
    BOOST_TEST(refusal(name, written) == "--option: cannot write " + name + ": it is a folder");
    BOOST_TEST(refusal(name + "/none/file", written) ==
               "--option: cannot write " + name + "/none/file: No such file or directory");
    BOOST_TEST(refusal("-", written).starts_with("--option -: give the name of a file"));
  }
  BOOST_TEST(refusal("/dev/null", Written::in_lines) == "");
  BOOST_TEST(refusal("/dev/null") ==
             "--option: cannot write /dev/null: it exists and is not a regular file");
}

BOOST_AUTO_TEST_SUITE_END()

// The folder of a model: its files belong together, and a folder from a stranger does no harm.
#include "examples/seq2seq/model/model.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "autograd/support/files.h"
#include "tests/autograd/support.h"
#include "tests/examples/seq2seq/toy_model.h"
#include "tests/files.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;
namespace fs = std::filesystem;

/// The message of load(), or "" if it succeeds.
std::string complaint(const fs::path& folder) {
  try {
    const Model model = load(folder);
    load_held_out(folder, model);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

void replace_in(const fs::path& file, const std::string& from, const std::string& to) {
  std::string text = read_file(file);
  const std::size_t place = text.find(from);
  BOOST_TEST_REQUIRE(place != std::string::npos);
  write_file(file, text.replace(place, from.size(), to));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(model_folder)

BOOST_AUTO_TEST_CASE(a_model_comes_back) {
  const Folder folder;
  save_toy_model(1, folder / "model");
  const Model saved = toy_model(1), loaded = load(folder / "model");
  BOOST_TEST(difference(saved.settings, loaded.settings) == "");
  BOOST_TEST((saved.source == loaded.source));
  const Tensors a = nn::parameters(*saved.network), b = nn::parameters(*loaded.network);
  BOOST_TEST(same_bits(a, b));
  BOOST_TEST((load_held_out(folder / "model", loaded) == toy_pairs(1)));
}

BOOST_AUTO_TEST_CASE(the_library_reads_what_a_run_has_saved) {
  const Folder folder;
  save_toy_model(1, folder / "model");
  const Model saved = toy_model(1);
  const nn::TranslationModel loaded = nn::load_model(folder / "model");
  BOOST_TEST(loaded.config.to_text() == saved.config.to_text());
  BOOST_TEST(same_bits(nn::parameters(*saved.network), nn::parameters(*loaded.network)));
}

BOOST_AUTO_TEST_CASE(a_folder_that_the_library_has_saved_is_a_model_without_a_run) {
  const Folder folder;
  const Model saved = toy_model(2);
  nn::save_model(saved, folder / "model");
  const Model loaded = load(folder / "model");
  BOOST_TEST(same_bits(nn::parameters(*saved.network), nn::parameters(*loaded.network)));
  BOOST_TEST(loaded.settings.training.epochs == Settings().training.epochs);
  BOOST_TEST(load_held_out(folder / "model", loaded).empty());
  const auto settings = stored_settings(folder / "model");
  BOOST_TEST(std::ranges::count(settings, std::pair<std::string, std::string>("heads", "2")) == 1);
  for (const auto& [name, value] : settings) BOOST_TEST(name != "epochs");
  replace_in(folder / "model/settings.toml", "heads=2\n", "");
  BOOST_TEST(complaint(folder / "model") ==
             (folder / "model/settings.toml").string() +
                 ": not the settings of a model: --heads is missing");
}

// A run's weights name the digest of its held-out pairs.
BOOST_AUTO_TEST_CASE(the_held_out_pairs_of_a_run_may_not_be_missing) {
  const Folder folder;
  save_toy_model(1, folder / "model");
  fs::remove(folder / "model/held-out.tsv");
  BOOST_TEST(complaint(folder / "model").find("held-out.tsv") != std::string::npos);
}

// All have the same sizes, so only the digests tell them apart.
BOOST_AUTO_TEST_CASE(a_file_of_another_model_of_the_same_size_is_refused) {
  const Folder folder;
  save_toy_model(1, folder / "one");
  save_toy_model(2, folder / "two");
  for (const char* name : {"source.vocabulary", "target.vocabulary", "held-out.tsv"}) {
    fs::remove_all(folder / "mixed");
    fs::copy(folder / "one", folder / "mixed");
    write_file(folder / "mixed" / name, read_file(folder / "two" / name));
    BOOST_TEST(complaint(folder / "mixed") ==
               (folder / "mixed" / name).string() +
                   ": does not belong to the weights beside it; it has been changed, or comes from "
                   "another model");
  }
  fs::remove_all(folder / "mixed");
  fs::copy(folder / "one", folder / "mixed");
  replace_in(folder / "mixed/settings.toml", "heads=4", "heads=2");
  BOOST_TEST(complaint(folder / "mixed") ==
             (folder / "mixed/settings.toml").string() +
                 ": does not belong to the weights beside it: heads is 2, not 4");
  fs::remove_all(folder / "mixed");
  fs::copy(folder / "one", folder / "mixed");
  write_file(folder / "mixed" / weights_file, read_file(folder / "two" / weights_file));
  BOOST_TEST(complaint(folder / "mixed").find("heads is 4, not 2") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(weights_with_a_setting_without_value_are_refused) {
  const Folder folder;
  save_toy_model(1, folder / "model");
  const fs::path weights = folder / "model" / weights_file;
  nn::Metadata metadata = weights_metadata(toy_model(1).settings, folder / "model");
  metadata["settings"] += "zzz=[]\n";
  nn::save_parameters(*toy_model(1).network, weights, metadata);
  BOOST_TEST(complaint(folder / "model") ==
             weights.string() + ": its settings cannot be read: zzz has no value");
}

BOOST_AUTO_TEST_CASE(weights_of_an_earlier_version_still_load) {
  const Folder folder;
  save_toy_model(1, folder / "model");
  nn::save_parameters(*toy_model(1).network, folder / "model" / weights_file);  // no metadata
  BOOST_TEST(complaint(folder / "model") == "");
}

BOOST_AUTO_TEST_CASE(training_settings_may_differ_from_those_the_weights_were_saved_with) {
  const Folder folder;
  save_toy_model(1, folder / "model");
  replace_in(folder / "model/settings.toml", "epochs=30", "epochs=31");
  BOOST_TEST(complaint(folder / "model") == "");
}

BOOST_AUTO_TEST_CASE(line_ends_of_another_system_are_no_change) {
  const Folder folder;
  save_toy_model(1, folder / "model");
  std::string text;
  for (const std::string& line : read_lines(folder / "model/source.vocabulary"))
    text += line + "\r\n";
  write_file(folder / "model/source.vocabulary", text);
  BOOST_TEST(complaint(folder / "model") == "");
}

BOOST_AUTO_TEST_CASE(settings_that_ask_for_too_much_are_refused_before_they_take_memory) {
  const Folder folder;
  for (const std::string& huge :
       {std::string("encoder-blocks=10000"), std::string("encoder-blocks=1000000000"),
        std::string("width=1000000000"), std::string("hidden=1000000000"),
        std::string("max-tokens=10000000"), std::string("decoder-width=99999996"),
        std::string("model=\"lstm\"\nlayers=1000000000")}) {
    save_toy_model(1, folder / "model");
    nn::save_parameters(*toy_model(1).network, folder / "model" / weights_file);  // no metadata
    std::string text;
    const std::string name = huge.substr(0, huge.find('=') + 1);
    for (const std::string& line : read_lines(folder / "model/settings.toml"))
      if (!line.starts_with(name) && !line.starts_with("layers=")) text += line + "\n";
    if (huge.find("layers") == std::string::npos) text += "layers=2\n";
    write_file(folder / "model/settings.toml", text + huge + "\n");
    memory::reset_peak();
    const std::size_t before = memory::peak();
    BOOST_TEST(complaint(folder / "model").starts_with((folder / "model").string()), huge);
    BOOST_TEST(memory::peak() - before < 1'000'000u, huge);
  }
}

BOOST_AUTO_TEST_CASE(only_regular_files_are_read) {
  const Folder folder;
  for (const std::string& name : model_files) {
    if (name == "best.safetensors" || name == "training.safetensors" || name == "subwords.model" ||
        name == "records.jsonl")
      continue;  // not read
    save_toy_model(1, folder / "model");
    const fs::path file = folder / "model" / name;
    const auto refuses = [&](const char* what) {
      const std::string text = complaint(folder / "model");
      BOOST_TEST(text.find(file.string()) != std::string::npos, what << ": " << text);
      fs::remove_all(file);
    };
    fs::remove(file);
    BOOST_REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    refuses("a pipe");
    fs::create_symlink("/dev/zero", file);
    refuses("a device");
    fs::create_directory(file);
    refuses("a folder");
    fs::create_symlink(file, file);
    refuses("a link to itself");
  }
}

BOOST_AUTO_TEST_CASE(a_token_of_a_stranger_is_shown_escaped) {
  const Folder folder;
  save_toy_model(1, folder / "model");
  const std::string token = "\x1b]0;title\x07\u202e";
  write_file(folder / "model/source.vocabulary",
             "<pad>\n<bos>\n<eos>\n<unk>\n" + token + "\n" + token + "\n");
  BOOST_TEST(complaint(folder / "model") ==
             (folder / "model/source.vocabulary").string() +
                 ":6: the token \\u001b]0;title\\u0007\\u202e occurs twice");
}

// Another program keeps putting new models in place, as a run does when it completes.
BOOST_AUTO_TEST_CASE(a_model_that_is_replaced_while_it_is_read_is_never_a_mixture) {
  const Folder folder;
  save_toy_model(1, folder / "model");
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 2; !done && i < 200; ++i) {  // then it stops, so that a slow reader can finish
      save_toy_model(i, folder / "next");
      fs::rename(folder / "model", folder / "former");
      fs::rename(folder / "next", folder / "model");
      fs::remove_all(folder / "former");
    }
  });
  int loaded = 0;
  std::string wrong;
  for (int i = 0; i < 50 || (loaded == 0 && i < 10'000); ++i) {
    try {
      const Model model = load(folder / "model");
      const std::vector<data::Pair> pairs = load_held_out(folder / "model", model);
      const auto number = static_cast<int>(model.settings.training.seed);
      ++loaded;
      if (model.source != toy_model(number).source || pairs != toy_pairs(number))
        wrong = "a mixture with model " + std::to_string(number);
      if (model.settings.model.transformer.heads != (number % 2 == 0 ? 2 : 4))
        wrong = "weights or settings of another model";
    } catch (const Error& error) {
      const std::string text = error.what();
      if (text.find("try again") == std::string::npos &&
          text.find("no such folder") == std::string::npos)
        wrong = text;
    }
  }
  done = true;
  writer.join();
  BOOST_TEST(wrong == "");
  BOOST_TEST(loaded > 0);
}

BOOST_AUTO_TEST_SUITE_END()

// The folder of a model: what was saved is loaded, and the message names what is wrong.
#include "nn/translation/model_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <thread>

#include "autograd/support/files.h"
#include "nn/saving/checkpoint.h"
#include "tests/autograd/support.h"
#include "tests/data/with_sentencepiece.h"
#include "tests/files.h"
#include "tests/nn/support.h"
#include "tests/nn/translation/small_models.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
namespace fs = std::filesystem;

// What load_model() says about a folder whose file was changed; the path of the folder becomes "…".
template <class Change>
std::string loading_says(const Change& change) {
  const Folder folder;
  const fs::path path = folder / "model";
  nn::save_model(small_model(small_translation()), path);
  change(path);
  try {
    nn::load_model(path);
    return "";
  } catch (const Error& error) {
    std::string text = error.what();
    if (const std::size_t at = text.find(path.string()); at != std::string::npos)
      text.replace(at, path.string().size(), "…");
    return text;
  }
}

template <class Change>
std::string with_settings(const Change& change) {
  return loading_says([&](const fs::path& path) {
    std::string text = read_file(path / nn::settings_file);
    change(text);
    write_file(path / nn::settings_file, text);
  });
}

void replace_once(std::string& text, const std::string& from, const std::string& to) {
  BOOST_TEST_REQUIRE(text.find(from) != std::string::npos);
  text.replace(text.find(from), from.size(), to);
}

void save_small(const fs::path& path, int seed) {
  nn::save_model(small_model(small_translation(), seed), path);
}

Tensors weights_in(const fs::path& path) { return nn::parameters(*nn::load_model(path).network); }

}  // namespace

BOOST_AUTO_TEST_SUITE(translation_folder)

BOOST_AUTO_TEST_CASE(every_kind_of_model_comes_back) {
  const std::vector<std::string> lines = {"Go.", "", "I'm lost, Žofie."};
  for (const auto& [name, config] : all_translations()) BOOST_TEST_CONTEXT(name) {
      const Folder folder;
      const nn::TranslationModel saved = small_model(config);
      nn::save_model(saved, folder / "model");
      const nn::TranslationModel loaded = nn::load_model(folder / "model");
      BOOST_TEST(loaded.config.to_text() == config.to_text());
      BOOST_TEST(((loaded.source == saved.source) && (loaded.target == saved.target)));
      BOOST_TEST(same_bits(nn::parameters(*loaded.network), nn::parameters(*saved.network)));
      BOOST_TEST(nn::translate(loaded, lines) == nn::translate(saved, lines),
                 boost::test_tools::per_element());
      BOOST_TEST(folder.files() == 1);  // nothing beside it
    }
}

BOOST_AUTO_TEST_CASE(subwords_come_back, *boost::unit_test::precondition(with_sentencepiece)) {
  const fs::path corpus = fs::path(__FILE__).parent_path() / "../../../data/english-french.tsv";
  nn::TranslationConfig config = small_translation();
  config.tokens.target_tokenizer = "subwords";
  const data::Tokenizer words,
      subwords = {.kind = data::Tokenizer::Kind::sentencepiece,
                  .subwords = data::Subwords::train(read_lines(corpus), {.max_pieces = 300})};
  const nn::TranslationModel saved(config, {words, subwords}, data::Vocabulary(),
                                   data::Vocabulary({subwords.subwords.pieces()}), Key(1));
  const Folder folder;
  nn::save_model(saved, folder / "model");
  const nn::TranslationModel loaded = nn::load_model(folder / "model");
  BOOST_TEST((loaded.tokenizers == saved.tokenizers));
  BOOST_TEST(nn::translate(loaded, "Go.") == nn::translate(saved, "Go."));
}

BOOST_AUTO_TEST_CASE(the_message_names_the_file_that_is_missing) {
  for (const char* name : {nn::weights_file, nn::source_file, nn::target_file}) {
    const std::string text = loading_says([&](const fs::path& path) { fs::remove(path / name); });
    BOOST_TEST(text == std::string("cannot read …/") + name + ": No such file or directory");
  }
  BOOST_TEST(loading_says([](const fs::path& path) { fs::remove(path / nn::settings_file); }) ==
             "…: contains no model (no settings.toml)");
  BOOST_TEST(loading_says([](const fs::path& path) { fs::remove_all(path); }) ==
             "…: no such folder");
}

// Root may write everywhere but in the kernel's own folders.
BOOST_AUTO_TEST_CASE(the_message_says_why_a_folder_cannot_be_written) {
  const Folder mine;
  ::chmod(mine.path.c_str(), 0500);
  const fs::path path = (::geteuid() == 0 ? fs::path("/sys") : mine.path) / "adjoint-model";
  if (::mkdir(path.c_str(), 0700) == 0) {
    ::rmdir(path.c_str());
    return;
  }
  const std::string reason = std::generic_category().message(errno);
  BOOST_CHECK_EXCEPTION(save_small(path, 1), Error,
                        says(path.string() + ": cannot be written: " + reason));
}

BOOST_AUTO_TEST_CASE(a_file_of_another_model_is_refused) {
  const std::string foreign =
      ": does not belong to the weights beside it; it has been changed, or comes from another "
      "model";
  for (const char* name : {nn::source_file, nn::target_file})
    BOOST_TEST(loading_says([&](const fs::path& path) {
                 std::string text = read_file(path / name);
                 text.back() = 'x';  // another last word
                 write_file(path / name, text + "\n");
               }) == std::string("…/") + name + foreign);
  BOOST_TEST(with_settings([](std::string& text) { replace_once(text, "heads=2", "heads=4"); }) ==
             "…/settings.toml: does not belong to the weights beside it: heads is 4, not 2");
  BOOST_TEST(
      with_settings([](std::string& text) { text += "target-tokenizer=\"blanks\"\n"; }) ==
      "…/settings.toml: does not belong to the weights beside it: target-tokenizer is blanks, "
      "not unset");
}

BOOST_AUTO_TEST_CASE(settings_that_cannot_be_understood_are_named) {
  const std::string title = "…/settings.toml: not the settings of a model: ";
  BOOST_TEST(with_settings([](std::string& text) { replace_once(text, "heads=2\n", ""); }) ==
             title + "heads is missing");
  BOOST_TEST(with_settings([](std::string& text) {
               text += "heads=2\n";
             }).starts_with(title + "heads is set twice, in lines "));
  BOOST_TEST(with_settings([](std::string& text) { replace_once(text, "heads=2", "heads=no"); }) ==
             title + "heads: must be a whole number from 1 to 1000000000, not no");
  BOOST_TEST(with_settings([](std::string& text) { replace_once(text, "dot", "\\u001b[1m"); }) ==
             title + "attention: must be dot, bilinear or additive, not \\u001b[1m");
  BOOST_TEST(with_settings([](std::string& text) {
               replace_once(text, "heads=2", "heads=[1, 2]");
             }) == title + "heads takes one value, not 2");
  BOOST_TEST(with_settings([](std::string& text) {
               text += "[other]\n";
             }).find("there are no sections in a settings file; leave out [other]") !=
             std::string::npos);
  BOOST_TEST(with_settings([](std::string& text) {
               replace_once(text, "heads=2", "heads=3");
             }).starts_with(title + "heads"));
}

// The settings of a run stand beside those of the model; none of them is used, or names a file.
BOOST_AUTO_TEST_CASE(settings_of_a_run_are_left_out) {
  BOOST_TEST(with_settings([](std::string& text) { text += "epochs=30\nlog=\"/dev/full\"\n"; }) ==
             "");
}

BOOST_AUTO_TEST_CASE(settings_that_ask_for_too_much_take_no_memory) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"encoder-blocks=1", "encoder-blocks=1000000000"},
           {"hidden=4", "hidden=1000000000"},
           {"max-tokens=20", "max-tokens=10000000"}}) {
    const std::string text = loading_says([&, was = from, is = to](const fs::path& path) {
      nn::save_parameters(*small_model(small_translation()).network, path / nn::weights_file);
      std::string settings = read_file(path / nn::settings_file);
      replace_once(settings, was, is);
      write_file(path / nn::settings_file, settings);
      memory::reset_peak();
    });
    BOOST_TEST(text.starts_with("…/"), to << ": " << text);
    BOOST_TEST(memory::peak() < 50'000'000u, to);
  }
}

BOOST_AUTO_TEST_CASE(only_regular_files_are_read) {
  for (const char* name : {nn::settings_file, nn::weights_file, nn::source_file, nn::target_file}) {
    const std::string text = loading_says([&](const fs::path& path) {
      fs::remove(path / name);
      BOOST_REQUIRE(::mkfifo((path / name).c_str(), 0600) == 0);
    });
    BOOST_TEST(text == std::string("cannot read …/") + name +
                           ": it is a pipe or a device, not a regular file");
  }
}

BOOST_AUTO_TEST_CASE(weights_that_are_not_numbers_are_refused) {
  const std::string text = loading_says([](const fs::path& path) {
    const nn::TranslationModel model = small_model(small_translation());
    Tensor weight = nn::parameters(*model.network).front();
    weight.edit<float>()[0] = std::numeric_limits<float>::infinity();
    nn::save_parameters(*model.network, path / nn::weights_file);
  });
  BOOST_TEST(text == "…/weights.safetensors: contains NaN or infinity");
}

BOOST_AUTO_TEST_CASE(a_saved_model_takes_the_place_of_the_former_one) {
  const Folder folder;
  const fs::path path = folder / "new/model/";  // a slash at the end, in a folder that is not there
  save_small(path, 1);
  const Tensors first = weights_in(path);
  fs::permissions(folder / "new/model", fs::perms::owner_all);
  fs::permissions(path / nn::weights_file, fs::perms::owner_read | fs::perms::owner_write);
  save_small(path, 2);
  BOOST_TEST(!same_bits(first, weights_in(path)));
  BOOST_TEST((fs::status(folder / "new/model").permissions() == fs::perms::owner_all));
  BOOST_TEST((fs::status(path / nn::weights_file).permissions() ==
              (fs::perms::owner_read | fs::perms::owner_write)));
  BOOST_TEST(std::distance(fs::directory_iterator(folder / "new"), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_CASE(a_file_that_would_be_lost_stops_saving) {
  const Folder folder;
  const fs::path path = folder / "model";
  save_small(path, 1);
  const Tensors before = weights_in(path);
  write_file(path / "held-out.tsv", "a\tb\n");
  BOOST_CHECK_EXCEPTION(save_small(path, 2), Error,
                        says(path.string() + ": holds held-out.tsv, which saving a model would "
                                             "remove; choose another folder"));
  BOOST_TEST(same_bits(before, weights_in(path)));
  write_file(folder / "file", "");
  BOOST_CHECK_EXCEPTION(save_small(folder / "file", 1), Error,
                        says((folder / "file").string() + ": is not a folder"));
  BOOST_CHECK_EXCEPTION(
      save_small(folder / "file/model", 1), Error,
      says((folder / "file/model").string() + ": cannot be written: Not a directory"));
  BOOST_CHECK_EXCEPTION(save_small("", 1), Error, says("save_model needs the name of a folder"));
}

BOOST_AUTO_TEST_CASE(a_model_that_is_saved_while_it_is_read_is_whole) {
  const Folder folder;
  const nn::TranslationModel one = small_model(small_translation(), 1);
  nn::TranslationConfig config = small_translation();
  config.network.transformer.heads = 4;
  const nn::TranslationModel two = small_model(config, 2);
  nn::save_model(one, folder / "model");
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; !done && i < 200; ++i) nn::save_model(i % 2 == 0 ? two : one, folder / "model");
  });
  std::string wrong;
  int successes = 0;
  for (int i = 0; i < 30 || (successes == 0 && i < 10'000); ++i) try {
      const nn::TranslationModel loaded = nn::load_model(folder / "model");
      const nn::TranslationModel& same = loaded.config.network.transformer.heads == 2 ? one : two;
      if (!same_bits(nn::parameters(*loaded.network), nn::parameters(*same.network)))
        wrong = "weights of another model";
      ++successes;
    } catch (const Error& error) {
      if (std::string(error.what()).find("try again") == std::string::npos) wrong = error.what();
    }
  done = true;
  writer.join();
  BOOST_TEST(wrong == "");
  BOOST_TEST(successes > 0);
  BOOST_TEST(folder.files() == 1);
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_former_model) {
  const Folder folder;
  save_small(folder / "model", 1);
  const Tensors before = weights_in(folder / "model");
  {
    const SmallDisk disk(1000);
    BOOST_CHECK_THROW(save_small(folder / "model", 2), Error);
    BOOST_CHECK_THROW(save_small(folder / "other", 2), Error);
  }
  BOOST_TEST(same_bits(before, weights_in(folder / "model")));
  BOOST_TEST(folder.files() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

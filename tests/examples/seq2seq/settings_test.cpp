// Settings files: what was written is read back, and the message names what is wrong.
#include "examples/seq2seq/settings/settings.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>

#include "autograd/support/files.h"
#include "data/pairs/tasks.h"
#include "data/text/unicode.h"
#include "nn/translation/settings_file.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;

/// Any code points but surrogates; half of them have a meaning in a settings file.
std::string random_text(Dice& dice) {
  constexpr std::u32string_view confusing =
      U"\"'\\#=,[];: \t\n\r\0\u007f\u009b\u202e\ufeff\u2028\U0001F600";
  std::u32string text;
  for (Index i = dice.between(0, 12); i > 0; --i) {
    if (dice.between(0, 1) == 0) {
      text += confusing[static_cast<std::size_t>(dice.between(0, confusing.size() - 1))];
    } else {
      const auto c = static_cast<char32_t>(dice.between(0, 0x10FFFF - 0x800));
      text += c < 0xD800 ? c : c + 0x800;
    }
  }
  return data::utf8(text);
}

/// Options, each with values that it accepts.
using Accepted = std::map<std::string, std::vector<std::string>>;

template <class Choice>
std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, choice] : nn::choices<Choice>) all.emplace_back(name);
  return all;
}

/// Values of every option: all choices; of numbers, both ends and some between.
Accepted all_options() {
  const std::vector<std::string> from_0 = {"0", "7", "1000000000"}, from_1 = {"1", "1000000000"};
  const std::vector<std::string> positive = {
      "5e-324", "1e-300",       "0.1", "0.30000000000000004", "1.7976931348623157e+308",
      "+2",     "123456789.125"};
  const std::vector<std::string> fraction = {"0", "1e-300", "0.1", "0.9999999999999999"};
  std::vector<std::string> not_negative = positive;
  not_negative.push_back("0");
  return {{"--task", data::task_names()},
          {"--tokenizer", {"words", "blanks", "characters", "subwords"}},
          {"--source-tokenizer", {"words", "blanks", "characters", "subwords"}},
          {"--target-tokenizer", {"words", "blanks", "characters", "subwords"}},
          {"--min-frequency", from_1},
          {"--max-vocabulary", from_0},
          {"--max-tokens", from_1},
          {"--too-long", {"error", "skip"}},
          {"--held-out", fraction},
          {"--validation", fraction},
          {"--pieces", from_1},
          {"--subword-model", {"unigram", "bpe"}},
          {"--symbols", from_1},
          {"--min-length", from_1},
          {"--max-length", from_1},
          {"--train-count", from_1},
          {"--held-out-count", from_1},
          {"--model", {"transformer", "gru", "lstm", "gru-attention", "lstm-attention"}},
          {"--width", {"1", "010", "1000000000"}},
          {"--dropout", fraction},
          {"--copy", {"true", "false"}},
          {"--decoder-width", from_0},
          {"--hidden", from_1},
          {"--heads", from_1},
          {"--attention", names<nn::Score>()},
          {"--attention-bias", names<nn::Bias>()},
          {"--prune-heads",
           {"", "none", "encoder.blocks.0.attention:1",
            "encoder.blocks.0.attention:1,decoder.blocks.1.cross_attention:3",
            "a \"layer\" #1=\\:2", "\u009b\u202e\n:0"}},
          {"--encoder-blocks", from_1},
          {"--decoder-blocks", from_1},
          {"--positions", names<nn::Positions>()},
          {"--position-mode", names<nn::PositionMode>()},
          {"--position-place", names<nn::PositionPlace>()},
          {"--position-width", from_1},
          {"--kernel", from_1},
          {"--max-distance", from_1},
          {"--relative", {"keys", "both"}},
          {"--norm", names<nn::NormPlacement>()},
          {"--normalization", names<nn::Normalization>()},
          {"--activation", names<nn::Activation>()},
          {"--tie", names<nn::TiedEmbeddings>()},
          {"--layers", from_1},
          {"--bidirectional", {"true", "false"}},
          {"--epochs", from_1},
          {"--batch", from_1},
          {"--batch-tokens", from_0},
          {"--accumulate", {"1", "1024"}},
          {"--shards", {"1", "1024"}},
          {"--clip", not_negative},
          {"--smoothing", fraction},
          {"--scheduled-sampling", fraction},
          {"--save-every", from_0},
          {"--gradcheck-every", from_0},
          {"--seed", {"0", "9223372036854775807", "9223372036854775808", "18446744073709551615"}},
          {"--optimizer", nn::optimizer_names()},
          {"--learning-rate", positive},
          {"--momentum", fraction},
          {"--beta1", fraction},
          {"--beta2", fraction},
          {"--epsilon", not_negative},
          {"--weight-decay", not_negative},
          {"--ema", fraction},
          {"--schedule", nn::schedule_names()},
          {"--warm-up", from_0},
          {"--rate-floor", fraction},
          {"--plateau-patience", from_1},
          {"--plateau-decay", fraction},
          {"--validation-bleu", {"true", "false"}},
          {"--best-by", {"loss", "bleu", "chrf", "ter", "exact", "token-errors"}},
          {"--keep-epochs", from_1},
          {"--bleu-tokenizer", {"13a", "intl", "char", "none"}},
          {"--patience", from_0},
          {"--keep", {"last", "best"}}};
}

const std::vector<std::string> flags = {"--validation-bleu", "--copy", "--bidirectional"};

Settings parsed(const std::vector<std::pair<std::string, std::string>>& given) {
  Settings settings;
  Options options;
  settings.add_to(options);
  std::vector<std::string> words = {"program"};
  for (const auto& [name, value] : given) {
    if (std::ranges::count(flags, name) > 0)
      words.push_back(name + "=" + value);
    else
      words.insert(words.end(), {name, value});
  }
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  BOOST_REQUIRE(options.parse(static_cast<int>(arguments.size()), arguments.data()));
  return settings;
}

/// What a program reads from a file that another one wrote. Unlike Settings::read(), it accepts
/// values that contradict each other.
Settings written_and_read(const Settings& settings, const Folder& folder) {
  write_file(folder / "settings.toml", settings.to_text());
  Settings result;
  Options options;
  result.add_to(options);
  options.read_file(folder / "settings.toml");
  nn::TranslationConfig required;
  BOOST_CHECK_NO_THROW(options.require_all(required.settings()));
  return result;
}

void check_round_trip(const std::vector<std::pair<std::string, std::string>>& given,
                      const Folder& folder) {
  const Settings settings = parsed(given), again = written_and_read(settings, folder);
  std::string line;
  for (const auto& [name, value] : given) line += name + "=" + value + " ";
  BOOST_TEST_CONTEXT(line) {
    BOOST_TEST(again.to_text() == settings.to_text());
    BOOST_TEST(difference(settings, again) == "");
    BOOST_TEST((again.values() == settings.values()));
    try {
      const auto model = nn::TranslationConfig::from_text(settings.to_text());
      BOOST_TEST(model.to_text() == settings.config().to_text());
    } catch (const Error&) {  // values that contradict each other
    }
  }
}

Settings read_text(const std::string& text) {
  const Folder folder;
  write_file(folder / "file", text);
  Settings settings;
  Options options;
  settings.add_to(options);
  try {
    options.read_file(folder / "file");
  } catch (const Error& error) {
    const std::string message = error.what(), path = (folder / "file").string() + ": ";
    BOOST_TEST_REQUIRE(message.starts_with(path));
    throw Error(message.substr(path.size()));
  }
  return settings;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(settings_file)

BOOST_AUTO_TEST_CASE(any_text_is_written_on_one_line_and_read_back) {
  Dice dice{Key(1)};
  for (int i = 0; i < 3000; ++i) {
    const std::string value = random_text(dice);
    const std::string text = nn::settings_line("a", value) + nn::settings_line("b", "after");
    BOOST_TEST_REQUIRE(lines_of(text).size() == 2u);
    const std::vector<nn::SettingLine> settings = nn::parse_settings(text);
    BOOST_TEST_REQUIRE(settings.size() == 2u);
    BOOST_TEST_REQUIRE(settings[0].values.size() == 1u);
    BOOST_TEST_REQUIRE((settings[0].values[0] == value), text);
    BOOST_TEST_REQUIRE(settings[1].values[0] == "after");
  }
}

BOOST_AUTO_TEST_CASE(what_people_write_is_understood) {
  const std::vector<nn::SettingLine> all = nn::parse_settings(
      "\xEF\xBB\xBF# mine\r\n\n; also mine\n a = 1 # one\nb='C:\\d#'\nc = two words \nflag\n"
      "d = \"\\u00e9\\U0001F600\\t\\\"\" # text\ne=[1, \"b,]\", 'c' ]\nf=[]\ng=x=y\n\"h\"");
  const std::vector<std::pair<std::string, std::vector<std::string>>> expected = {
      {"a", {"1"}},       {"b", {"C:\\d#"}}, {"c", {"two words"}},
      {"flag", {"true"}}, {"d", {"é😀\t\""}}, {"e", {"1", "b,]", "c"}},
      {"f", {}},          {"g", {"x=y"}},    {"\"h\"", {"true"}}};
  BOOST_TEST_REQUIRE(all.size() == expected.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    BOOST_TEST(all[i].name == expected[i].first);
    BOOST_TEST(all[i].values == expected[i].second, boost::test_tools::per_element());
  }
  BOOST_TEST(all.front().line == 4u);
}

BOOST_AUTO_TEST_CASE(a_line_that_cannot_be_understood_is_named) {
  const auto refuses = [](const std::string& line, const std::string& complaint) {
    BOOST_CHECK_EXCEPTION(read_text("width=8\n" + line + "\n"), Error, says(complaint));
  };
  refuses("[train]", "line 2: there are no sections in a settings file; leave out [train]");
  refuses("model=\"gru", "line 2: the closing \" is missing");
  refuses("model='gru", "line 2: the closing ' is missing");
  refuses("model=\"gru\" lstm", "line 2: unexpected text after the value: lstm");
  refuses("model=\"\\q\"", "line 2: \\q is not an escape; write \\\\ for a backslash");
  refuses("model=\"\\u12\"", "line 2: \\u needs 4 hexadecimal digits");
  refuses("model=\"\\ud800\"", "line 2: \\ud800 is not a character");
  refuses("heads=[1, 2", "line 2: the list has no ] on this line");
  refuses("heads=[1, 2]", "--heads takes one value, not 2");
  refuses("heads=[]", "--heads takes one value, not 0");
  refuses("width=9", "--width is set twice, in lines 1 and 2");
  refuses("depth=3", "there is no option 'depth'");
  refuses("\x1b]0;title\x07=3", "there is no option '\\u001b]0;title\\u0007'");
  refuses("validation-bleu=maybe", "--validation-bleu must be true or false, not maybe");
  refuses("validation-bleu=", "--validation-bleu must be true or false, not ");
  refuses("heads=1e9", "--heads: must be a whole number from 1 to 1000000000, not 1e9");
  refuses("heads=\"\x1b[31m\"",
          "--heads: must be a whole number from 1 to 1000000000, not \\u001b[31m");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_settings_file_is_refused) {
  const Folder folder;
  put(folder / "large", "");
  std::filesystem::resize_file(folder / "large", std::uintmax_t{1} << 40);
  BOOST_CHECK_THROW(Settings::read(folder / "large"), Error);
  std::filesystem::create_symlink("/dev/zero", folder / "zero");
  BOOST_CHECK_THROW(Settings::read(folder / "zero"), Error);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(settings)

BOOST_AUTO_TEST_CASE(every_accepted_value_of_every_option_is_read_back) {
  const Accepted options = all_options();
  for (const auto& [name, value] : Settings().values())
    BOOST_TEST(options.contains("--" + name), name);
  const Folder folder;
  for (const auto& [name, values] : options)
    for (const std::string& value : values) check_round_trip({{name, value}}, folder);
}

BOOST_AUTO_TEST_CASE(random_settings_are_read_back) {
  const Folder folder;
  Dice dice{Key(2)};
  for (int i = 0; i < 200; ++i) {
    std::vector<std::pair<std::string, std::string>> given;
    for (const auto& [name, values] : all_options())
      if (dice.between(0, 1) == 1)
        given.emplace_back(name, values[static_cast<std::size_t>(
                                     dice.between(0, static_cast<Index>(values.size()) - 1))]);
    check_round_trip(given, folder);
  }
}

// Their settings files were written before the option.
BOOST_AUTO_TEST_CASE(models_of_earlier_versions_do_not_copy) {
  const Folder folder;
  const Settings plain;
  for (const char* later : {"copy", "bidirectional", "scheduled-sampling"})
    BOOST_TEST(plain.to_text().find(later) == std::string::npos);
  BOOST_TEST(!written_and_read(plain, folder).model.copies);
  const Settings copying = parsed({{"--copy", "true"}});
  BOOST_TEST(copying.model_text().find("copy=true") != std::string::npos);
  BOOST_TEST(written_and_read(copying, folder).model.copies);
  BOOST_TEST(difference(plain, copying) == "--copy is true, not unset");
}

BOOST_AUTO_TEST_CASE(copying_needs_attention_and_no_smoothing) {
  const auto complaint = [](const std::vector<std::pair<std::string, std::string>>& given) {
    const Settings settings = parsed(given);
    Options options;
    Settings declared = settings;
    declared.add_to(options);
    try {
      settings.check(options);
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  BOOST_TEST(complaint({{"--copy", "true"}, {"--model", "lstm-attention"}}) == "");
  BOOST_TEST(complaint({{"--copy", "true"}, {"--model", "gru"}}) ==
             "--copy cannot be used with --model gru, which has no attention");
  BOOST_TEST(complaint({{"--copy", "true"}, {"--smoothing", "0.1"}}) ==
             "--smoothing cannot be used with --copy: it would give probability to words that a "
             "sentence does not have");
}

BOOST_AUTO_TEST_CASE(every_bit_of_a_number_is_kept) {
  const Folder folder;
  Dice dice{Key(3)};
  for (int i = 0; i < 500; ++i) {
    Settings settings;
    settings.training.learning_rate =
        std::ldexp(1 + dice.tensor({1}).item(), static_cast<int>(dice.between(-1074, 1000)));
    if (*settings.training.learning_rate <= 0) continue;
    settings.training.seed = dice.key().value();
    const Settings again = written_and_read(settings, folder);
    BOOST_TEST_REQUIRE((again.training.learning_rate == settings.training.learning_rate));
    BOOST_TEST_REQUIRE(again.training.seed == settings.training.seed);
  }
}

BOOST_AUTO_TEST_CASE(options_of_later_versions_default_to_what_earlier_ones_did) {
  const Settings settings;
  for (const char* name : {"source-tokenizer", "target-tokenizer", "bleu-tokenizer", "keep-epochs"})
    BOOST_TEST(settings.to_text().find(name) == std::string::npos, name);
  BOOST_TEST(settings.training.bleu_options().tokenizer == "13a");
  BOOST_TEST(!settings.training.keep_epochs);
  BOOST_TEST(settings.data.tokenizer_of_target() == "words");
  BOOST_TEST(parsed({{"--tokenizer", "blanks"}}).data.tokenizer_of_source() == "blanks");
  BOOST_TEST(parsed({{"--tokenizer", "blanks"}, {"--source-tokenizer", "words"}})
                 .data.tokenizer_of_source() == "words");
}

BOOST_AUTO_TEST_CASE(subwords_are_kept_however_rare) {
  const auto least = [](const std::string& tokenizer, const Settings& settings) {
    return settings.data.limits(tokenizer).min_frequency;
  };
  BOOST_TEST(least("words", {}) == 2);
  BOOST_TEST(least("subwords", {}) == 1);
  BOOST_TEST(least("subwords", parsed({{"--min-frequency", "3"}})) == 3);
}

BOOST_AUTO_TEST_CASE(a_whole_number_with_zeros_before_it_is_decimal) {
  BOOST_TEST(parsed({{"--width", "010"}}).model.transformer.width == 10);
  BOOST_TEST(parsed({{"--width", "08"}}).model.transformer.width == 8);
}

BOOST_AUTO_TEST_CASE(the_settings_of_a_model_are_compared_with_those_of_its_weights) {
  Settings a, b;
  b.model.transformer.heads = 8;
  b.training.epochs = 77;
  BOOST_TEST(difference(a.model_text(), a) == "");
  BOOST_TEST(difference(a.model_text(), b) == "--heads is 8, not 4");
  // A former text does not name the options of later versions.
  BOOST_TEST(difference("width=256\n", b) == "");
  BOOST_TEST(difference("former-option=3\n", b) == "--former-option is unset, not 3");
}

BOOST_AUTO_TEST_SUITE_END()

// What a run begins with: an earlier model, and pretrained embeddings.
#include "examples/seq2seq/run/start/start.h"

#include <boost/test/unit_test.hpp>

#include "autograd/support/files.h"
#include "examples/seq2seq/run/start/earlier_model.h"
#include "tests/autograd/support.h"
#include "tests/examples/seq2seq/toy_model.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;
namespace fs = std::filesystem;
namespace tt = boost::test_tools;

Settings toy_settings(const std::string& architecture, nn::TiedEmbeddings tied, bool copies) {
  Settings settings = toy_model(1).settings;
  settings.model.model = architecture;
  settings.model.copies = copies;
  settings.model.layers = 1;
  settings.model.transformer.tied_embeddings = tied;
  settings.model.transformer.encoder_blocks = settings.model.transformer.decoder_blocks = 1;
  return settings;
}

Dataset pairs_of(const std::vector<data::Pair>& pairs) {
  Dataset dataset;
  dataset.train = pairs;
  return dataset;
}

// Old words and new ones, on each side others.
const std::vector<data::Pair> first_pairs = {{{"a", "b", "a"}, {"x", "y", "x"}}},
                              other_pairs = {{{"c", "b", "c", "d"}, {"z", "z", "y"}}};

Model model_of(const Settings& settings, const std::vector<data::Pair>& pairs) {
  return make_model(settings, pairs_of(pairs));
}

Model extended(Settings settings, const Model& earlier, std::uint64_t seed) {
  settings.training.seed = seed;
  const Vocabularies words = extended_vocabularies(settings, pairs_of(other_pairs), earlier);
  return {settings, {}, words.source, words.target};
}

Tensor weight(const Model& model, const std::string& name) {
  for (const auto& [path, tensor] : nn::named_parameters(*model.network))
    if (path == name) return tensor;
  fail("no weight ", name);
}

Tensor first_rows(const Tensor& x, Index rows) { return slice(detach(x), 0, 0, rows); }
Tensor rows_from(const Tensor& x, Index row) { return slice(detach(x), 0, row, x.size(0)); }

// Options on a command line, with the settings that they set.
struct Parsed {
  Settings settings;
  Options options;

  explicit Parsed(std::vector<const char*> arguments) {
    settings.add_to(options);
    arguments.insert(arguments.begin(), "program");
    BOOST_REQUIRE(options.parse(static_cast<int>(arguments.size()), arguments.data()));
  }
  Parsed(const Parsed&) = delete;
  Parsed& operator=(const Parsed&) = delete;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(seq2seq_start)

BOOST_AUTO_TEST_CASE(old_tokens_keep_their_rows_and_all_else_is_taken_whole) {
  using nn::TiedEmbeddings;
  for (const auto& [architecture, tied, copies] :
       {std::tuple("transformer", TiedEmbeddings::none, false),
        std::tuple("transformer", TiedEmbeddings::decoder, true),
        std::tuple("transformer", TiedEmbeddings::all, false),
        std::tuple("gru", TiedEmbeddings::none, false),
        std::tuple("lstm-attention", TiedEmbeddings::none, true)}) {
    BOOST_TEST_CONTEXT(architecture << ' ' << nn::name_of(tied)) {
      const Settings settings = toy_settings(architecture, tied, copies);
      const Model earlier = model_of(settings, first_pairs);
      const Model fresh = extended(settings, earlier, 2);
      Model model = extended(settings, earlier, 2);
      const nn::TakenParameters taken = take_weights(model, earlier);
      BOOST_TEST(taken.left.empty());
      for (const auto& each : taken.weights) {
        const Tensor now = weight(model, each.name), before = weight(earlier, each.name);
        if (each.whole()) {
          BOOST_TEST(same_bits(now, before), each.name);
          continue;
        }
        const Index old = before.size(0);
        BOOST_TEST(each.taken_rows == old, each.name);
        BOOST_TEST(same_bits(first_rows(now, old), detach(before)), each.name);
        BOOST_TEST(same_bits(rows_from(now, old), rows_from(weight(fresh, each.name), old)),
                   each.name);
      }
      const bool is_one = tied == TiedEmbeddings::all;
      // c and d are new to the sources, z to the targets; one vocabulary has all three.
      BOOST_TEST(model.source.size() == earlier.source.size() + (is_one ? 3 : 2));
      BOOST_TEST(model.source.token(4) == earlier.source.token(4));
    }
  }
}

BOOST_AUTO_TEST_CASE(with_another_tokenizer_rows_go_by_token) {
  Settings settings = toy_settings("gru", nn::TiedEmbeddings::none, false);
  const Model earlier = model_of(settings, {{{"a", "b", "b"}, {"x"}}});
  settings.data.source_tokenizer = "characters";
  const Vocabularies words =
      extended_vocabularies(settings, pairs_of({{{"a", "a", "c"}, {"y"}}}), earlier);
  BOOST_TEST(words.source.id("b") == data::Vocabulary::unk);  // a 4, c 5; before: b 4, a 5
  BOOST_TEST(words.target.id("x") == 4);                      // this side is as before
  Model model(settings, settings.data.make(), words.source, words.target);
  take_weights(model, earlier);
  const auto row = [](const Model& m, Index id) {
    return slice(detach(weight(m, "encoder.embedding.table")), 0, id, id + 1);
  };
  BOOST_TEST(same_bits(row(model, 4), row(earlier, 5)));
  BOOST_TEST(!same_bits(row(model, 5), row(earlier, 4)));
}

BOOST_AUTO_TEST_CASE(learned_positions_are_taken_as_far_as_they_reach) {
  Settings settings = toy_settings("transformer", nn::TiedEmbeddings::none, false);
  settings.model.transformer.positions = nn::Positions::learned;
  settings.data.max_tokens = 5;
  const Model earlier = model_of(settings, first_pairs);
  for (const Index most : {8, 3}) {
    settings.data.max_tokens = most;
    Model model = extended(settings, earlier, 2);
    take_weights(model, earlier);
    const std::string name = "decoder.positions.table";
    const Index both = std::min<Index>(5, most) + 11;
    BOOST_TEST(weight(model, name).size(0) == most + 11);
    BOOST_TEST(
        same_bits(first_rows(weight(model, name), both), first_rows(weight(earlier, name), both)));
  }
}

BOOST_AUTO_TEST_CASE(says_what_was_taken_and_what_was_not) {
  Settings settings = toy_settings("gru", nn::TiedEmbeddings::none, false);
  const Model earlier = model_of(settings, first_pairs);
  Model model = extended(settings, earlier, 2);
  BOOST_TEST(describe(take_weights(model, earlier), model, earlier, "old\x1b") ==
             "taken from old\\u001b: 8 of 12 weights; new: 2 of 8 source tokens, 1 of 7 target "
             "tokens\n"
             "  in part: encoder.embedding.table: 6 of 8 rows\n"
             "  in part: decoder.embedding.table: 6 of 7 rows\n"
             "  in part: decoder.output.weight: 6 of 7 rows\n"
             "  in part: decoder.output.bias: 6 of 7 rows\n");
  settings.model.model = "gru-attention";
  settings.model.transformer.width = 4;
  Model other = extended(settings, earlier, 2);
  const std::string text = describe(take_weights(other, earlier), other, earlier, "old");
  BOOST_TEST(text.starts_with("taken from old: 0 of "));
  BOOST_TEST(text.find("  in part: decoder.output.bias: 6 of 7 rows\n") != std::string::npos);
  BOOST_TEST(text.find("  not taken: encoder.embedding.table: f32 [8, 4] here, f32 [6, 8] in the "
                       "other model\n") != std::string::npos);
  BOOST_TEST(text.find("  not taken: attention.key.weight: not in the earlier model\n") !=
             std::string::npos);
  settings.model.transformer.width = 8;
  settings.model.layers = 2;
  Model deeper = extended(settings, earlier, 2);
  BOOST_TEST(describe(take_weights(deeper, earlier), deeper, earlier, "old")
                 .find("  not taken: encoder.recurrent.layers") != std::string::npos);
  settings = toy_settings("transformer", nn::TiedEmbeddings::none, false);
  Model transformer = extended(settings, earlier, 2);
  const std::string from_gru =
      describe(take_weights(transformer, earlier), transformer, earlier, "old");
  BOOST_TEST(
      from_gru.find("  not taken: encoder.blocks.0 (12 weights): not in the earlier model\n") !=
      std::string::npos);
  BOOST_TEST(
      from_gru.ends_with("  not taken: encoder.recurrent.layers (4 weights): not in the new "
                         "model\n"));
}

BOOST_AUTO_TEST_CASE(options_that_are_not_given_come_from_the_earlier_model) {
  Settings earlier;
  earlier.model.transformer.width = 48;
  earlier.model.transformer.heads = 3;
  earlier.model.copies = true;
  earlier.data.max_tokens = 33;
  earlier.data.source_tokenizer = "characters";
  earlier.data.min_frequency = 7;
  earlier.training.epochs = 99;
  {
    Parsed now({"--heads", "6"});
    take_options(earlier, now.settings, now.options);
    BOOST_TEST(now.settings.model.transformer.width == 48);
    BOOST_TEST(now.settings.model.transformer.heads == 6);
    BOOST_TEST(now.settings.model.copies);
    BOOST_TEST(now.settings.data.max_tokens == 33);
    BOOST_TEST(now.settings.data.tokenizer_of_source() == "characters");
    BOOST_TEST(now.settings.data.tokenizer_of_target() == "words");
    // how to train, and what of the pairs is used
    BOOST_TEST(now.settings.training.epochs == 30);
    BOOST_TEST(!now.settings.data.min_frequency);
    BOOST_TEST(!now.options.given("--width", true));
    now.settings.check(now.options);
  }
  {
    Parsed now({"--tokenizer", "blanks"});
    take_options(earlier, now.settings, now.options);
    BOOST_TEST(now.settings.data.tokenizer_of_source() == "blanks");
  }
  {
    Parsed now({"--model", "gru-attention"});
    take_options(earlier, now.settings, now.options);
    BOOST_TEST(now.settings.model.transformer.width == 48);
    BOOST_TEST(now.settings.model.transformer.heads == ModelSettings().transformer.heads);
    now.settings.check(now.options);
  }
}

BOOST_AUTO_TEST_CASE(other_subwords_than_those_of_the_earlier_model_are_refused) {
  Settings earlier;
  earlier.data.tokenizer = "subwords";
  earlier.data.pieces = 500;
  Parsed same({"--pieces", "500"}), other({"--pieces", "400"});
  take_options(earlier, same.settings, same.options);
  BOOST_TEST(same.settings.data.tokenizer == "subwords");
  BOOST_CHECK_EXCEPTION(take_options(earlier, other.settings, other.options), Error,
                        says("--pieces has no effect with --from: the subwords are those of the "
                             "earlier model"));
}

BOOST_AUTO_TEST_CASE(the_earlier_model_is_read_from_a_folder_that_stays) {
  const Folder folder;
  save_toy_model(1, folder / "old");
  const std::string weights = (folder / "old" / weights_file).string();
  BOOST_TEST((load_earlier(weights, folder / "new").source == toy_model(1).source));
  nn::save_model(toy_model(2), folder / "of the library");
  BOOST_TEST(
      (load_earlier(folder / "of the library", folder / "new").source == toy_model(2).source));
  const auto complaint = [&](const fs::path& model, const fs::path& output) {
    const std::string message = error_of([&] { load_earlier(model, output); });
    BOOST_TEST(message.starts_with("--from: "));
    return message;
  };
  const std::string replaced = "is in a folder that the run would write to";
  BOOST_TEST(complaint(folder / "old", folder / "old" / "").find(replaced) != std::string::npos);
  BOOST_TEST(complaint(weights, folder / "old").find(replaced) != std::string::npos);
  fs::create_directory_symlink(folder / "old", folder / "link");
  BOOST_TEST(complaint(folder / "old", folder / "link").find(replaced) != std::string::npos);
  BOOST_TEST(
      complaint(folder / "old", folder / "old" / "new").find("the folder of the earlier model") !=
      std::string::npos);
  save_toy_model(1, folder / "new.partial");
  BOOST_TEST(complaint(folder / "new.partial", folder / "new").find(replaced) != std::string::npos);
  BOOST_TEST(complaint(folder / "none", folder / "new").find("no such folder") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(pretrained_vectors_take_the_size_of_the_table) {
  const Folder folder;
  write_file(folder / "vectors", "A 1 2 3 4 5 6 7 8\nother 1 1 1 1 1 1 1 1\nb 0 0 0 0 0 0 0 9\n");
  for (const char* architecture : {"transformer", "gru"}) {
    const Settings settings = toy_settings(architecture, nn::TiedEmbeddings::none, false);
    const Model fresh = model_of(settings, first_pairs);
    Model model = model_of(settings, first_pairs);
    const std::string said = take_embeddings(model, {(folder / "vectors").string(), ""});
    BOOST_TEST(said.starts_with("pretrained vectors for 2 of 2 source words, times "));
    const Tensor table = weight(model, "encoder.embedding.table"),
                 before = weight(fresh, "encoder.embedding.table");
    BOOST_TEST(same_bits(first_rows(table, 4), first_rows(before, 4)));  // reserved symbols
    const auto mean_square = [](const Tensor& x) { return mean(x * x).item(); };
    BOOST_TEST(mean_square(rows_from(table, 4)) == mean_square(detach(before)),
               tt::tolerance(1e-5));
    const Tensor a = slice(detach(table), 0, 4, 5);
    const double factor = a.values<float>()[0];
    for (std::size_t i = 0; i < 8; ++i)
      BOOST_TEST(a.values<float>()[i] == factor * static_cast<double>(i + 1), tt::tolerance(1e-5));
    BOOST_TEST(same_bits(weight(model, "decoder.embedding.table"),
                         weight(fresh, "decoder.embedding.table")));
  }
}

BOOST_AUTO_TEST_CASE(pretrained_vectors_that_cannot_be_used_are_refused) {
  const Folder folder;
  const std::string vectors = (folder / "vectors").string();
  write_file(vectors, "x 1 2 3 4 5 6 7 8\n");
  const auto complaint = [&](nn::TiedEmbeddings tied, const PretrainedFiles& files) {
    Model model = model_of(toy_settings("transformer", tied, false), first_pairs);
    return error_of([&] { take_embeddings(model, files); });
  };
  BOOST_TEST(complaint(nn::TiedEmbeddings::none, {vectors, ""}) ==
             "--source-embeddings: " + vectors + ": has none of the 2 source words");
  BOOST_TEST(complaint(nn::TiedEmbeddings::none, {"", vectors}) == "no error");
  BOOST_TEST(complaint(nn::TiedEmbeddings::all, {vectors, ""}) == "no error");
  BOOST_TEST(complaint(nn::TiedEmbeddings::all, {vectors, vectors}) ==
             "--target-embeddings: with --tie all both sides have one table; give one file, with "
             "--source-embeddings");
  write_file(vectors, "x 0 0 0 0 0 0 0 0\n");
  BOOST_TEST(complaint(nn::TiedEmbeddings::decoder, {"", vectors}) == "no error");
}

BOOST_AUTO_TEST_SUITE_END()

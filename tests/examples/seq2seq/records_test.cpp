// The records of a run: what is written, what is read back, and what is refused.
#include "examples/seq2seq/run/records.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "autograd/support/files.h"
#include "examples/seq2seq/run/recorder.h"
#include "tests/autograd/support.h"
#include "tests/examples/seq2seq/toy_model.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;

/// Pairs enough for a look after each epoch, or after every fifth.
Dataset toy_dataset(bool is_small = false) {
  Dataset dataset;
  for (int i = 0; i < (is_small ? 100 : 500); ++i) {
    for (const data::Pair& pair : toy_pairs(1)) dataset.train.push_back(pair);
    dataset.train.push_back({{"b", "c"}, {"c", "c", "b"}});
  }
  dataset.validation = {{{"b", "b", "c"}, {"c", "b", "b"}}};
  dataset.held_out = toy_pairs(1);
  return dataset;
}

/// The records of `steps` steps, an epoch every two.
void record(const Model& model, const Folder& folder, Index steps, Index from = 0,
            const Dataset& dataset = toy_dataset()) {
  save_description(model, dataset.held_out, folder.path);
  Recorder recorder(model, dataset, folder.path, from);
  for (Index step = from + 1; step <= steps; ++step) {
    recorder.before_step(step);
    recorder.after_step(step, {.loss = 1.0 / static_cast<double>(step), .gradient_norm = 2}, 0.5);
    if (step % 2 == 0) recorder.end_epoch(step, step / 2, {.loss = 0.25, .best = true});
  }
  recorder.end(steps, steps / 2);
}

std::vector<Index> looks_in(const Folder& folder) {
  std::vector<Index> epochs;
  for (const Records::Look& look : read_records(folder.path).looks) epochs.push_back(look.epoch);
  return epochs;
}

std::string complaint_about(const Folder& folder, const std::string& text) {
  write_file(folder / records_file, text);
  return error_of([&] { read_records(folder.path); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(records)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_back) {
  const Folder folder;
  const Model model = toy_model(1);
  record(model, folder, 4);
  const Records read = read_records(folder.path);
  BOOST_TEST(read.first_step == 0);
  BOOST_TEST(read.split == "validation");
  BOOST_TEST(read.machines.size() == 1u);
  BOOST_TEST(read.machines.front() == machine_description());
  BOOST_TEST(read.train_pairs == 1500);
  // The vocabulary is a1, b, c; the targets are 500 times b | c | c c b.
  BOOST_TEST(read.frequencies == (std::vector<Index>{0, 1000, 1500}),
             boost::test_tools::per_element());
  BOOST_REQUIRE(read.sentences.size() == 1u);
  BOOST_TEST(read.sentences[0].reference == "c b b");
  BOOST_TEST(read.sentences[0].source_tokens == (data::Tokens{"b", "b", "c", "<eos>"}),
             boost::test_tools::per_element());
  BOOST_TEST(read.sentences[0].target_tokens == (data::Tokens{"<bos>", "c", "b", "b"}),
             boost::test_tools::per_element());
  BOOST_REQUIRE(read.steps.size() == 4u);
  BOOST_TEST(read.steps[2].loss == 0.33333);  // five digits
  BOOST_TEST(read.steps[2].learning_rate == 0.5);
  BOOST_REQUIRE(read.epochs.size() == 2u);
  BOOST_TEST(read.epochs[1].training_loss == 0.25);
  BOOST_TEST(read.epochs[1].step == 4);
  BOOST_TEST(looks_in(folder) == (std::vector<Index>{0, 1, 2}), boost::test_tools::per_element());
  BOOST_TEST(read.looks[2].translations.size() == 1u);
  BOOST_TEST(!read.not_finite);
}

BOOST_AUTO_TEST_CASE(attention_is_recorded_for_each_layer_and_head) {
  const Folder folder;
  const Model model = toy_model(1);  // 2 + 2 blocks of 4 heads
  record(model, folder, 2);
  const Records read = read_records(folder.path);
  BOOST_REQUIRE(read.looks[0].attention.size() == 1u);
  BOOST_REQUIRE(read.looks[0].attention[0].size() == 6u);
  const Records::Attention& self = read.looks[0].attention[0][0];
  BOOST_TEST(self.layer == "decoder.blocks.0.attention");
  BOOST_TEST((!self.source_keys && !self.source_queries));
  BOOST_TEST(self.sizes == (std::vector<Index>{4, 4, 4}), boost::test_tools::per_element());
  BOOST_TEST(self.weights.substr(0, 2) == "/w");  // <bos> sees only itself: weight 1, byte 255
  const Records::Attention& cross = read.looks[0].attention[0][1];
  BOOST_TEST(cross.layer == "decoder.blocks.0.cross_attention");
  BOOST_TEST((cross.source_keys && !cross.source_queries));
  for (const double entropy : cross.entropies) {
    BOOST_TEST(entropy > 0.5);  // the model is untrained
    BOOST_TEST(entropy <= 1.0001);
  }
}

BOOST_AUTO_TEST_CASE(update_ratios_are_those_of_the_weights) {
  const Model model = toy_model(1);
  UpdateMeter meter(*model.network);
  BOOST_TEST(meter.groups().front() == "encoder.embedding");
  BOOST_TEST(std::ranges::count(meter.groups(), "decoder.blocks.1") == 1);
  meter.before_step();
  for (const nn::NamedTensor& parameter : nn::named_parameters(*model.network))
    if (parameter.name.starts_with("encoder.blocks.0")) {
      Tensor w = parameter.tensor;
      for (float& x : w.edit<float>()) x *= 1.25F;
    }
  const std::vector<double> ratios = meter.ratios();
  BOOST_REQUIRE(ratios.size() == meter.groups().size() + 1);
  for (std::size_t i = 0; i < meter.groups().size(); ++i)
    BOOST_TEST(ratios[i] == (meter.groups()[i] == "encoder.blocks.0" ? 0.25 : 0.0),
               boost::test_tools::tolerance(1e-6));
  BOOST_TEST(ratios.back() > 0);
  BOOST_TEST(ratios.back() < 0.25);
}

BOOST_AUTO_TEST_CASE(long_runs_are_recorded_ever_more_sparsely) {
  Index count = 0;
  for (Index i = 1; i <= 1000000; ++i) count += is_recorded(i, 1000);
  BOOST_TEST(count < 6500);
  for (Index i = 0; i <= 1000; ++i) BOOST_TEST(is_recorded(i, 1000));
  BOOST_TEST(!is_recorded(1001, 1000));
  BOOST_TEST(is_recorded(1002, 1000));
  BOOST_TEST(!is_recorded(2002, 1000));
  BOOST_TEST(is_recorded(2004, 1000));
}

BOOST_AUTO_TEST_CASE(a_resumed_run_continues_and_repeats_its_records) {
  const Folder whole, resumed;
  const Model model = toy_model(1);
  record(model, whole, 6);
  record(model, resumed, 5);
  record(model, resumed, 6, 3);  // killed: the records were ahead of the state
  BOOST_TEST(read_file(whole / records_file) == read_file(resumed / records_file));
}

// Or the looks would take longer than the training.
BOOST_AUTO_TEST_CASE(a_run_on_few_pairs_is_looked_at_rarely_and_at_its_end) {
  const Folder whole, resumed;
  const Model model = toy_model(1);  // 300 pairs
  record(model, whole, 26, 0, toy_dataset(true));
  BOOST_TEST(looks_in(whole) == (std::vector<Index>{0, 5, 10, 13}),
             boost::test_tools::per_element());
  record(model, resumed, 22, 0, toy_dataset(true));
  BOOST_TEST(looks_in(resumed).back() == 11);
  record(model, resumed, 26, 22, toy_dataset(true));
  BOOST_TEST(read_file(whole / records_file) == read_file(resumed / records_file));
}

BOOST_AUTO_TEST_CASE(attention_is_recorded_of_sentences_that_fit) {
  const Folder folder;
  Dataset dataset = toy_dataset();
  const data::Tokens long_one(60, "b");  // 24 heads of 61² weights
  dataset.validation = {{long_one, long_one}, {{"b"}, {"c"}}, {long_one, long_one}};
  record(toy_model(1), folder, 2, 0, dataset);
  const Records read = read_records(folder.path);
  BOOST_REQUIRE(read.sentences.size() == 3u);
  BOOST_TEST(read.sentences[0].source == "b");
  BOOST_TEST(read.looks[0].attention.size() == 1u);
}

BOOST_AUTO_TEST_CASE(records_of_a_run_that_had_none_say_where_they_begin) {
  const Folder folder;
  record(toy_model(1), folder, 6, 4);
  const Records read = read_records(folder.path);
  BOOST_TEST(read.first_step == 4);
  BOOST_TEST(read.steps.front().step == 5);
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_not_finite_is_recorded_until_the_run_goes_on) {
  const Folder folder;
  const Model model = toy_model(1);
  save_description(model, toy_dataset().held_out, folder.path);
  Recorder recorder(model, toy_dataset(), folder.path, 0);
  recorder.after_step(1, {.loss = std::nan(""), .gradient_norm = 1}, 0.5);
  recorder.not_finite(2);
  recorder.save();
  const Records read = read_records(folder.path);
  BOOST_TEST(*read.not_finite == 2);
  BOOST_TEST(std::isnan(read.steps[0].loss));
  record(model, folder, 2, 2);
  BOOST_TEST(!read_records(folder.path).not_finite);
}

BOOST_AUTO_TEST_CASE(what_is_missing_or_damaged_is_named) {
  const Folder folder;
  const auto missing = [&] { return error_of([&] { read_records(folder.path); }); };
  BOOST_TEST(missing().find(folder.path.string()) != std::string::npos);
  BOOST_TEST(missing().find("records.jsonl") != std::string::npos);
  BOOST_TEST(missing().find("train --from") != std::string::npos);
  write_file(folder / state_file, "");  // of a run that can go on
  BOOST_TEST(missing().find("train --resume") != std::string::npos);

  record(toy_model(1), folder, 2);
  const std::string good = read_file(folder / records_file);
  const std::string first = good.substr(0, good.find('\n') + 1);
  const std::string step =
      R"({"step":1,"kind":"step","loss":1,"gradient_norm":1,"learning_rate":1})";
  const auto with_attention = [&](const std::string& sizes, const std::string& weights) {
    return first +
           R"({"step":1,"kind":"look","epoch":1,"attention":[[{"layer":"x","keys":"source",)" +
           R"("queries":"source","sizes":)" + sizes + R"(,"weights":")" + weights +
           R"(","entropies":[1]}]]})" + "\n";
  };
  const std::string fitting = "[1,4,4]", zeros = std::string(22, 'A') + "==";  // b b c <eos>
  BOOST_TEST(complaint_about(folder, with_attention(fitting, zeros)) == "no error");
  std::string other_format = first;
  other_format.replace(other_format.find(R"("format":1)"), 10, R"("format":2)");
  BOOST_TEST(complaint_about(folder, other_format).find("another version") != std::string::npos);
  for (const std::string& bad :
       {std::string("not json\n"),
        std::string("{}\n"),
        std::string("[1]\n"),
        std::string("\n"),
        first + first,
        first + R"({"step":1,"kind":"step"})" + "\n",
        first + R"({"step":-1,"kind":"step"})" + "\n",
        first + R"({"step":1,"kind":"other"})",
        first + R"({"step":1,"kind":"step","loss":"x","gradient_norm":1,"learning_rate":1})",
        first + R"({"step":1,"kind":"step","loss":1,"gradient_norm":1,"learning_rate":1,)" +
            R"("update_ratios":[1]})",
        first + R"({"step":1,"kind":"look","epoch":1,"translations":[]})",
        first + R"({"step":1,"kind":"epoch","epoch":1.5,"training_loss":1,"best":true})",
        first + R"({"step":1,"kind":"epoch","epoch":1,"training_loss":1e999,"best":true})",
        first + R"({"step":18446744073709551615,"kind":"machine","machine":"x"})",
        first + step + "\n" + step,
        with_attention("[1,4,4000]", ""),
        with_attention("[9999,9999,9999]", zeros),
        with_attention("[2,4,4]", zeros),
        with_attention(fitting, std::string(24, 'A')),
        with_attention(fitting, "=" + zeros.substr(1)),
        with_attention(fitting, zeros.substr(4) + "\u0000\u0000\u0000\u0000")}) {
    const std::string complaint = complaint_about(folder, bad + "\n");
    BOOST_TEST(complaint.find("records.jsonl: line ") != std::string::npos,
               bad << ": " << complaint);
    BOOST_TEST(complaint.find('\n') == std::string::npos);
  }
  BOOST_TEST(complaint_about(folder, "").find("no complete line") != std::string::npos);
  BOOST_TEST(complaint_about(folder, good) == "no error");
}

BOOST_AUTO_TEST_CASE(a_last_line_that_was_cut_does_not_count) {
  const Folder folder;
  record(toy_model(1), folder, 2);
  const std::string good = read_file(folder / records_file);
  const std::size_t first = good.find('\n') + 1;
  for (std::size_t size = 0; size <= good.size(); size += 97)
    BOOST_TEST((complaint_about(folder, good.substr(0, size)) == "no error") == (size >= first));
  write_file(folder / records_file, good.substr(0, good.size() - 1));
  BOOST_TEST(looks_in(folder).size() == 1u);  // the last was cut
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_named_and_leaves_what_can_be_read) {
  const Folder folder;
  const Model model = toy_model(1);
  save_description(model, toy_dataset().held_out, folder.path);
  Recorder recorder(model, toy_dataset(), folder.path, 0);
  const std::uintmax_t size = std::filesystem::file_size(folder / records_file);
  for (Index step = 1; step <= 100; ++step) recorder.after_step(step, {.loss = 1}, 0.5);
  {
    const SmallDisk disk(size + 500);
    const std::string complaint = error_of([&] { recorder.save(); });
    BOOST_TEST(complaint.find("records.jsonl: File too large") != std::string::npos, complaint);
  }
  const std::size_t steps = read_records(folder.path).steps.size();
  BOOST_TEST((steps > 0 && steps < 100));
}

BOOST_AUTO_TEST_CASE(records_of_another_model_are_refused) {
  const Folder folder, other;
  record(toy_model(1), folder, 2);
  record(toy_model(2), other, 2);
  std::filesystem::copy(other / records_file, folder / records_file,
                        std::filesystem::copy_options::overwrite_existing);
  const Model model = toy_model(1);
  const std::string complaint = error_of([&] { read_records(folder.path, model); });
  BOOST_TEST(complaint.find("does not belong to the model") != std::string::npos);
  BOOST_TEST(error_of([&] { record(model, folder, 4, 2); }) == complaint);
}

BOOST_AUTO_TEST_SUITE_END()

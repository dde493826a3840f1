// The report: what it computes, and that it shows any text as text.
#include "examples/seq2seq/report/report.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "examples/seq2seq/report/edits.h"
#include "examples/seq2seq/report/scores.h"
#include "tests/autograd/support.h"
#include "tests/examples/seq2seq/toy_model.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;
using Kind = Piece::Kind;

std::string shown(const std::vector<Piece>& pieces) {
  std::string text;
  for (const Piece& piece : pieces)
    text += (piece.kind == Kind::same    ? ""
             : piece.kind == Kind::added ? "+"
                                         : "-") +
            piece.text + "|";
  return text;
}

data::Tokens words(const std::string& text) { return data::Tokenizer{}.tokenize(text); }

/// References and outputs; sources have as many words as the references.
Scored scored(const std::vector<std::pair<std::string, std::string>>& sentences) {
  std::vector<data::Pair> pairs;
  std::vector<data::Tokens> outputs;
  for (const auto& [reference, output] : sentences) {
    pairs.push_back({words(reference), words(reference)});
    outputs.push_back(words(output));
  }
  return {toy_model(1), pairs, outputs};
}

std::vector<int> once(const Scored& all) { return std::vector<int>(all.sentences().size(), 1); }

/// Records of a run whose losses these are.
Records with_losses(const std::vector<double>& training, const std::vector<double>& validation) {
  Records records;
  for (std::size_t i = 0; i < training.size(); ++i)
    records.epochs.push_back({.step = static_cast<Index>(10 * (i + 1)),
                              .epoch = static_cast<Index>(i + 1),
                              .training_loss = training[i],
                              .validation_loss = validation[i]});
  return records;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report)

// ---- Differences --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(differences_are_marked_by_character) {
  BOOST_TEST(shown(differences("le chat", "le chat")) == "le chat|");
  BOOST_TEST(shown(differences("le chat", "le chats")) == "le chat|+s|");
  BOOST_TEST(shown(differences("le chat", "le cht")) == "le ch|-a|t|");
  BOOST_TEST(shown(differences("été", "ete")) == "-été|+ete|");
  BOOST_TEST(shown(differences("", "a")) == "+a|");
  BOOST_TEST(shown(differences("a", "")) == "-a|");
  BOOST_TEST(differences("", "").empty());
}

BOOST_AUTO_TEST_CASE(a_chance_agreement_inside_a_difference_counts_as_different) {
  BOOST_TEST(shown(differences("attendre ici", "deux ou ici")) == "-attendre|+deux ou| ici|");
}

BOOST_AUTO_TEST_CASE(differences_keep_the_text_whole) {
  const std::string a = "נְקֻדָּה <script> \"x\"", b = "נקודה </script> 'x'";
  std::string missing, added;
  for (const Piece& piece : differences(a, b)) {
    if (piece.kind != Kind::added) missing += piece.text;
    if (piece.kind != Kind::missing) added += piece.text;
  }
  BOOST_TEST(missing == a);
  BOOST_TEST(added == b);
}

BOOST_AUTO_TEST_CASE(a_combining_mark_stays_with_its_letter) {
  BOOST_TEST(shown(differences("e\u0301", "e")) == "-e\u0301|+e|");
}

BOOST_AUTO_TEST_CASE(long_words_and_bytes_that_are_not_text_differ_in_time) {
  const std::string a(10000, 'a'), b(10000, 'b');
  BOOST_TEST(shown(differences(a, b)) == "-" + a + "|+" + b + "|");
  BOOST_TEST(shown(differences(a + "x", a + "y")) == a + "|-x|+y|");
  BOOST_TEST(shown(differences("a\xff", "a")) == "a|-\uFFFD|");
}

BOOST_AUTO_TEST_CASE(edits_are_the_fewest) {
  const auto changes = [](const std::string& a, const std::string& b) {
    Index count = 0;
    const data::Tokens x = words(a), y = words(b);
    for (const Edit& edit : edits(x, y))
      count += !edit.reference || !edit.output || x[*edit.reference] != y[*edit.output];
    return count;
  };
  const std::vector<std::string> texts = {"",          "a",       "a b c",     "b c d",
                                          "c b a",     "a a a b", "b a a a c", "d d a b c d",
                                          "a b a b a", "b a b a"};
  for (const std::string& a : texts)
    for (const std::string& b : texts)
      BOOST_TEST(changes(a, b) == data::edit_distance(words(a), words(b)), a << " / " << b);
}

// ---- Intervals ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_bootstrap_interval_is_that_of_the_mean) {
  std::vector<double> sample(400);
  for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = static_cast<double>(i % 20);
  const auto mean = [&](std::span<const int> times) {
    double sum = 0;
    for (std::size_t i = 0; i < sample.size(); ++i) sum += times[i] * sample[i];
    return sum / static_cast<double>(sample.size());
  };
  const Interval interval = bootstrap(sample.size(), mean, Key(1));
  BOOST_TEST(interval.value == 9.5);
  // Deviation √((20² − 1) / 12) = 5.766, so the mean's is 0.2883, and 1.96 times that is 0.565.
  BOOST_TEST(interval.low == 9.5 - 0.565, boost::test_tools::tolerance(0.008));
  BOOST_TEST(interval.high == 9.5 + 0.565, boost::test_tools::tolerance(0.008));
  const Interval again = bootstrap(sample.size(), mean, Key(1));
  BOOST_TEST((again.low == interval.low && again.high == interval.high));
  BOOST_TEST(bootstrap(sample.size(), mean, Key(2)).low != interval.low);
}

BOOST_AUTO_TEST_CASE(about_95_of_100_intervals_hold_the_truth) {
  int hold = 0;
  for (std::uint64_t sample = 0; sample < 200; ++sample) {
    const Tensor drawn = normal({60}, 3, 1, Key(7).child(sample), DType::f64);
    const std::span<const double> values = drawn.values<double>();
    const auto mean = [&](std::span<const int> times) {
      double sum = 0;
      for (std::size_t i = 0; i < values.size(); ++i) sum += times[i] * values[i];
      return sum / static_cast<double>(values.size());
    };
    const Interval interval = bootstrap(values.size(), mean, Key(8).child(sample));
    hold += interval.low <= 3 && 3 <= interval.high;
  }
  BOOST_TEST(hold >= 180);
  BOOST_TEST(hold <= 198);
}

BOOST_AUTO_TEST_CASE(a_bootstrap_of_one_item_or_none_has_no_width) {
  const auto first = [](std::span<const int> times) {
    return times.empty() ? std::nan("") : static_cast<double>(times[0]);
  };
  BOOST_TEST(bootstrap(1, first, Key(1)).low == 1);
  BOOST_TEST(std::isnan(bootstrap(0, first, Key(1)).high));
}

// ---- Scores -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(bleu_from_the_counts_of_sentences_is_that_of_the_corpus) {
  const Scored all = scored({{"the cat sat on the mat", "the cat sat on a mat"},
                             {"a dog barks at night", "a dog barks at the night"},
                             {"yes", "yes"},
                             {"birds sing in the morning", ""},
                             {"he is here", "here he is not"}});
  std::vector<std::string> outputs, references;
  for (const Scored::Sentence& sentence : all.sentences()) {
    outputs.push_back(sentence.output_text);
    references.push_back(sentence.reference_text);
  }
  BOOST_TEST(all.bleu(once(all)) == data::corpus_bleu(outputs, references).score,
             boost::test_tools::tolerance(1e-12));
  outputs.push_back(outputs[1]);
  references.push_back(references[1]);
  const std::vector<int> second_twice = {1, 2, 1, 1, 1};
  BOOST_TEST(all.bleu(second_twice) == data::corpus_bleu(outputs, references).score,
             boost::test_tools::tolerance(1e-12));
  const std::vector<int> only_short = {0, 0, 1, 0, 1};
  BOOST_TEST(std::isnan(all.bleu(only_short)));
  BOOST_TEST(all.exact(once(all)) == 20);
}

BOOST_AUTO_TEST_CASE(scores_by_length_count_every_sentence_once) {
  std::vector<std::pair<std::string, std::string>> sentences;
  for (int length = 1; length <= 12; ++length)
    for (int i = 0; i < 13 - length; ++i) {
      std::string text = "w";
      for (int k = 1; k < length; ++k) text += " w";
      sentences.emplace_back(text, i % 2 == 0 ? text : "wrong");
    }
  const Scored all = scored(sentences);
  std::size_t count = 0;
  double exact = 0;
  const std::vector<Bin> bins = exact_by_length(all);
  for (const Bin& bin : bins) {
    count += bin.count;
    exact += bin.score.value * static_cast<double>(bin.count);
    BOOST_TEST(bin.score.low <= bin.score.value);
    BOOST_TEST(bin.score.value <= bin.score.high);
  }
  BOOST_TEST(count == sentences.size());
  BOOST_TEST(exact / static_cast<double>(count) == all.exact(once(all)),
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(bins.size() > 2u);
  BOOST_TEST(bins.front().label == "1");
}

BOOST_AUTO_TEST_CASE(f1_by_frequency_counts_clipped_matches) {
  // "a" is frequent, "b" is rare, anything else is unknown.
  const Scored all = scored({{"a a b", "a b b"}, {"a c", "a a"}});
  const auto frequency = [](const std::string& word) {
    return Index{word == "a" ? 2000 : word == "b" ? 3 : 0};
  };
  const std::vector<Bin> bins = f1_by_frequency(all, frequency);
  BOOST_REQUIRE(bins.size() == 3u);
  BOOST_TEST(bins[0].label == "unknown");
  BOOST_TEST(bins[0].score.value == 0);
  BOOST_TEST(bins[1].label == "1+");
  BOOST_TEST(bins[1].score.value == 200.0 * 1 / 3, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(bins[2].count == 3u);
  BOOST_TEST(bins[2].score.value == 200.0 * 2 / 6, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(confusions_are_counted) {
  const Scored all = scored({{"le chat noir", "la chat noir"},
                             {"le chien dort", "la chien"},
                             {"il est ici", "il est très ici"},
                             {"tout va bien", "tout va bien"}});
  std::string text;
  for (const Confusion& c : confusions(all, 10))
    text += text_from(c.reference, ">", c.output, " ", c.count, " in ", c.example, "; ");
  BOOST_TEST(text == "le>la 2 in 0; dort> 1 in 1; >très 1 in 2; ");
  BOOST_TEST(confusions(all, 1).size() == 1u);
}

// ---- The page -----------------------------------------------------------------------------------

namespace {

ReportedRun hostile_run() {
  const std::string word(10000, 'w');
  Records records = with_losses({2, std::nan("")}, {2, 1});
  records.split = "validation";
  records.sentences = {{"</script><script>alert(1)</script>",
                        "\u202E\"'&amp;<!--",
                        {"<b>", "<eos>"},
                        {"<bos>", "]]>"}}};
  records.looks = {{.translations = {word + "</SCRIPT>"}}};
  return {"<script>name", toy_model(1), records, toy_pairs(1)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(any_text_stays_inside_the_data) {
  const ReportedRun run_with_texts = hostile_run();
  const std::string page = report_page({&run_with_texts, 1});
  const std::string begin = "<script type=\"application/json\" id=\"data\">";
  const std::size_t at = page.find(begin) + begin.size();
  const std::size_t end = page.find('<', at);
  BOOST_TEST(page.substr(end, 9) == "</script>");
  const nlohmann::json json = nlohmann::json::parse(page.substr(at, end - at));
  const nlohmann::json& run = json["runs"][0];
  BOOST_TEST(run["name"] == "<script>name");
  BOOST_TEST(run["samples"][0]["source"] == "</script><script>alert(1)</script>");
  BOOST_TEST(run["samples"][0]["reference"] == "\u202E\"'&amp;<!--");
  BOOST_TEST(run["epochs"][1]["training_loss"].is_null());
  BOOST_TEST(page.find("<script", end + 9) == page.rfind("<script"));
}

BOOST_AUTO_TEST_CASE(the_page_loads_nothing) {
  const ReportedRun run_with_texts = hostile_run();
  const std::string page = report_page({&run_with_texts, 1});
  BOOST_TEST(page.find("default-src 'none'") != std::string::npos);
  for (const char* loader : {"src=", "<link", "@import", "url(", "fetch(", "XMLHttpRequest",
                             "eval(", "innerHTML", "insertAdjacentHTML", "document.write"})
    BOOST_TEST(page.find(loader) == std::string::npos, loader);
  std::string rest = page;
  const std::string namespace_of_svg = "http://www.w3.org/2000/svg";
  rest.erase(rest.find(namespace_of_svg), namespace_of_svg.size());
  BOOST_TEST(rest.find("://") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(two_runs_are_compared_on_the_same_sentences_only) {
  const auto run = [](int number) {
    return ReportedRun{"run", toy_model(number), with_losses({2, 1}, {2, 1}), toy_pairs(number)};
  };
  std::vector<ReportedRun> same, other;
  same.push_back(run(1));
  same.push_back(run(1));
  other.push_back(run(1));
  other.push_back(run(2));
  const nlohmann::json compared = nlohmann::json::parse(report_data(same));
  BOOST_TEST(compared["difference"]["exact"]["value"] == 0);
  BOOST_TEST(compared["difference"]["exact"]["high"] == 0);
  BOOST_TEST(!nlohmann::json::parse(report_data(other)).contains("difference"));
}

BOOST_AUTO_TEST_SUITE_END()

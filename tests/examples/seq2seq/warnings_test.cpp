// The warnings of a report: each rule just before and just after its threshold.
#include "examples/seq2seq/report/warnings.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/autograd/support.h"
#include "tests/examples/seq2seq/toy_model.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;

const std::vector<double> falling = {4, 3, 2, 1.5, 1.2, 1, 0.9, 0.8};

Records with_losses(const std::vector<double>& training,
                    const std::vector<double>& validation = {}) {
  Records records;
  for (std::size_t i = 0; i < training.size(); ++i) {
    records.epochs.push_back({.step = static_cast<Index>(10 * (i + 1)),
                              .epoch = static_cast<Index>(i + 1),
                              .training_loss = training[i]});
    if (!validation.empty()) records.epochs.back().validation_loss = validation[i];
  }
  return records;
}

Records with_steps(std::size_t count, const std::function<Records::Step(std::size_t)>& step) {
  Records records = with_losses(falling);
  for (std::size_t i = 0; i < count; ++i) {
    records.steps.push_back(step(i));
    records.steps.back().step = static_cast<Index>(i + 1);
  }
  return records;
}

/// References and outputs that have this many words.
Scored with_lengths(const std::vector<std::pair<std::size_t, std::size_t>>& lengths) {
  std::vector<data::Pair> pairs;
  std::vector<data::Tokens> outputs;
  for (const auto& [reference, output] : lengths) {
    pairs.push_back({{"b"}, data::Tokens(reference, "b")});
    outputs.emplace_back(output, "b");
  }
  return {toy_model(1), pairs, outputs};
}

/// The titles. Every warning must name an option that helps.
std::string titles(const Records& records, const Scored* scored = nullptr, double clip = 1) {
  Settings settings;
  settings.training.clip = clip;
  std::string all;
  for (const Warning& warning : warnings(records, settings, 100, scored)) {
    all += (all.empty() ? "" : ", ") + warning.title;
    BOOST_TEST(warning.text.find("--") != std::string::npos, warning.text);
    BOOST_TEST(warning.text.ends_with('.'), warning.text);
  }
  return all;
}

std::string titles_with(const Scored& scored) { return titles(with_losses(falling), &scored); }

}  // namespace

BOOST_AUTO_TEST_SUITE(report_warnings)

BOOST_AUTO_TEST_CASE(a_run_that_learns_raises_none) {
  const Scored scored = with_lengths({{3, 3}, {5, 5}});
  BOOST_TEST(titles(with_losses(falling, falling), &scored) == "");
  BOOST_TEST(titles({}) == "");
}

BOOST_AUTO_TEST_CASE(not_finite) {
  Records records = with_losses(falling);
  records.not_finite = 81;
  BOOST_TEST(titles(records) == "not finite");
  BOOST_TEST(titles(with_losses({4, std::nan(""), 3})) == "not finite");
  BOOST_TEST(titles(with_losses({4, 3}, {4, INFINITY})) == "not finite");
  BOOST_TEST(titles(with_steps(2, [](std::size_t i) {
               return Records::Step{.loss = i == 0 ? 1 : std::nan("")};
             })) == "not finite");
  BOOST_TEST(titles(with_steps(2, [](std::size_t) { return Records::Step{.loss = 1e300}; })) == "");
}

BOOST_AUTO_TEST_CASE(diverged) {  // guessing among 100 words gives 4.605
  BOOST_TEST(titles(with_losses({4, 9.2})) == "");
  BOOST_TEST(titles(with_losses({4, 9.22})) == "diverged");
  BOOST_TEST(titles(with_losses({9.22, 4})) == "");
}

BOOST_AUTO_TEST_CASE(plateau) {  // the last three of six epochs, at 1%
  BOOST_TEST(titles(with_losses({4, 3, 2, 2, 1.99, 1.981})) == "plateau");
  BOOST_TEST(titles(with_losses({4, 3, 2, 2, 1.99, 1.979})) == "");
  BOOST_TEST(titles(with_losses({2, 2, 2, 2, 2})) == "");  // too few
  std::vector<double> sixteen(12, 2);
  sixteen.insert(sixteen.end(), {1.9, 2, 2, 2});  // the last four count
  BOOST_TEST(titles(with_losses(sixteen)) == "");
  sixteen.push_back(2);
  BOOST_TEST(titles(with_losses(sixteen)) == "plateau");
}

BOOST_AUTO_TEST_CASE(memorising) {  // three epochs since the best, training 5% lower
  BOOST_TEST(titles(with_losses({4, 3, 2, 1.5, 1.2}, {4, 3, 3.1, 3.2, 3.3})) == "memorising");
  BOOST_TEST(titles(with_losses({4, 3, 2, 1.5}, {4, 3, 3.1, 3.2})) == "");
  BOOST_TEST(titles(with_losses({4, 2, 1.99, 1.95, 1.91}, {4, 3, 3.1, 3.2, 3.3})) == "");
  BOOST_TEST(titles(with_losses({4, 2, 1.99, 1.95, 1.89}, {4, 3, 3.1, 3.2, 3.3})) == "memorising");
  BOOST_TEST(titles(with_losses({4, 3, 2, 1.5, 1.2})) == "");  // no validation
}

BOOST_AUTO_TEST_CASE(lengths) {  // 10%
  BOOST_TEST(titles_with(with_lengths({{50, 45}, {50, 45}})) == "");
  BOOST_TEST(titles_with(with_lengths({{50, 45}, {50, 44}})) == "lengths");
  BOOST_TEST(titles_with(with_lengths({{50, 55}, {50, 55}})) == "");
  BOOST_TEST(titles_with(with_lengths({{50, 55}, {50, 56}})) == "lengths");
  BOOST_TEST(titles_with(with_lengths({{500, 500}, {4, 18}})) == "");
  BOOST_TEST(titles_with(with_lengths({{500, 500}, {4, 19}})) == "lengths");
}

BOOST_AUTO_TEST_CASE(attention) {  // 95%, as a mean over the sentences
  const auto with_entropies = [](double first, double second, Index epoch) {
    Records records = with_losses(falling);
    const auto layer = [](double entropy) {
      return std::vector<Records::Attention>{
          {.layer = "decoder.blocks.0.cross_attention", .entropies = {0.3, entropy}}};
    };
    records.looks = {{.epoch = epoch, .attention = {layer(first), layer(second)}}};
    return records;
  };
  BOOST_TEST(titles(with_entropies(0.96, 0.96, 8)) == "attention");
  BOOST_TEST(titles(with_entropies(0.96, 0.93, 8)) == "");
  BOOST_TEST(titles(with_entropies(0.96, 0.96, 0)) == "");  // the untrained model
  BOOST_TEST(titles(with_entropies(std::nan(""), 1, 8)) == "");
  Settings recurrent;
  recurrent.model.model = "gru-attention";
  const Records records = with_entropies(0.96, 0.96, 8);
  const std::string of_transformer = warnings(records, {}, 100, nullptr).front().text;
  BOOST_TEST(of_transformer.find("cross_attention head 2.") != std::string::npos, of_transformer);
  BOOST_TEST(of_transformer.find("--heads") != std::string::npos);
  BOOST_TEST(warnings(records, recurrent, 100, nullptr).front().text.find("--heads") ==
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(updates) {  // the median of the last quarter, from 1/100,000 to 1/30
  const auto with_ratios = [](double late) {
    return with_steps(40, [late](std::size_t i) {
      return Records::Step{.update_ratios = {i >= 34 ? late : i >= 30 ? 0.5 : 1e-3}};
    });
  };
  BOOST_TEST(titles(with_ratios(0.0333)) == "");
  BOOST_TEST(titles(with_ratios(0.0334)) == "updates");
  BOOST_TEST(titles(with_ratios(1.01e-5)) == "");
  BOOST_TEST(titles(with_ratios(0.99e-5)) == "updates");
  BOOST_TEST(titles(with_ratios(std::nan(""))) == "updates");  // four are left, of 0.5
}

BOOST_AUTO_TEST_CASE(clipping) {  // nine of ten in the last quarter, of 20 steps or more
  const auto with_norms = [](std::size_t steps, std::size_t clipped) {
    return with_steps(steps, [=](std::size_t i) {
      return Records::Step{.gradient_norm = i < steps - clipped ? 1.0 : 1.5};
    });
  };
  BOOST_TEST(titles(with_norms(80, 18)) == "");
  BOOST_TEST(titles(with_norms(80, 19)) == "clipping");
  BOOST_TEST(titles(with_norms(76, 76)) == "");
  BOOST_TEST(titles(with_norms(80, 80), nullptr, 0) == "");  // no clipping
  BOOST_TEST(titles(with_norms(80, 80), nullptr, 1.5) == "");
}

BOOST_AUTO_TEST_CASE(incomplete) {
  Records records = with_losses(falling);
  records.first_step = 1;
  BOOST_TEST(titles(records) == "incomplete");
}

BOOST_AUTO_TEST_SUITE_END()

// The reports of the property checks, and their errors for wrong use.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/nn/checks/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(property_report)

BOOST_AUTO_TEST_CASE(a_report_says_what_and_where) {
  const Tensor x = variable(tensor({{1, 2}, {3, 4}}, DType::f64), "x");
  BOOST_TEST(printed(causality(of_one([](const Tensor& h) { return h; }), {x})) ==
             "causality: holds, 4 elements compared");
  const PropertyReport report =
      causality(of_one([](const Tensor& h) { return h + sum(h, {1}, Keep::yes); }), {x});
  BOOST_TEST(report.property == "causality");
  BOOST_TEST(report.violations.size() == 2u);
  const std::string text = printed(report);
  BOOST_TEST(text.starts_with("causality: violated in 2 ways\n  "));
  contains(report, "\n  the output of the steps up to 0 has a derivative of ");
  contains(report, " with respect to x[");
  contains(report, ", in the steps from 1 on (2 elements)");
  contains(report, "\n  output 0[");
  contains(report, " after replacing the steps from 1 on of x (2 elements)");
  contains(report, "\n  usual cause: no causal mask");
}

BOOST_AUTO_TEST_CASE(a_long_report_is_cut) {
  const PropertyReport report = causality(
      of_one([](const Tensor& h) { return h + sum(h, {1}, Keep::yes); }), {random({1, 9})});
  BOOST_TEST(report.violations.size() == 16u);
  contains(report, "and in 11 more");
  const std::string text = printed(report);
  BOOST_TEST(std::ranges::count(text, '\n') == 7);
}

BOOST_AUTO_TEST_CASE(nothing_holds_for_NaN) {
  const Function f = [](const Tensors& in) { return Tensors{log(in[0])}; };
  const Tensor x = normal({3, 2}, 0, 1, Key(1), DType::f64);  // some are negative
  BOOST_CHECK_THROW(batch_independence(f, {x}), Error);
}

BOOST_AUTO_TEST_CASE(wrong_use_is_an_error) {
  const Function same = of_one([](const Tensor& x) { return x; });
  const auto error = [](const auto& call, const std::string& text) {
    BOOST_CHECK_EXCEPTION(call(), Error, says(text));
  };
  error(
      [&] {
        batch_independence(same, {random({1, 3})});
      },
      "batch independence: input 0 [1, 3] has size 1 along axis 0: at least 2 are needed to show "
      "anything");
  error([&] { batch_independence(same, {}); }, "batch independence: the function has no input");
  error([&] { batch_independence(of_one([](const Tensor& x) { return sum(x); }), {random({2})}); },
        "batch independence: output 0 [] has no axis 0");
  error(
      [&] {
        batch_independence(same, {ints({3, 3})}, {.names = {"lengths"}});
      },
      "batch independence: lengths has the same value everywhere, so nothing can be replaced: use "
      "different values, or set PropertyOptions::others");
  error(
      [&] { batch_independence(same, {random({2})}, {.others = {random({3})}}); },
      "batch independence: input 0 is f64 [2], its replacement in PropertyOptions::others f64 [3]");
  error(
      [&] {
        batch_independence(same, {random({2})}, {.others = {{}, {}}});
      },
      "batch independence: PropertyOptions::others has 2 tensors for 1 inputs");
  error(
      [&] {
        causality(of_one([](const Tensor&) { return Tensor(); }), {random({2, 2})});
      },
      "causality: output 0 is empty");
  const Function growing = [calls = std::make_shared<std::size_t>(0)](const Tensors& x) {
    return Tensors(++*calls, x[0]);
  };
  error([&] { determinism(growing, {random({2})}); },
        "determinism: the function returned 1 outputs at first and then 2");
  error(
      [&] {
        causality(same, {random({2, 3}), random({2, 4})});
      },
      "causality: input 1 [2, 4] must have size 3 along axis 1, as input 0");
  error(
      [&] {
        padding_invariance(same, {random({2, 3})}, {.inputs = {}, .outputs = {}});
      },
      "padding invariance: 0 lengths for 1 inputs");
  error(
      [&] {
        padding_invariance(same, {random({2, 3})}, {{ints({1})}, {Tensor()}});
      },
      "padding invariance: input 0 [2, 3] must be [batch, steps, …] with lengths i64 [batch]");
  error(
      [&] {
        padding_row(same, random({3, 2}), 3);
      },
      "padding row: there is no row 3 in a table [3, 2]");
  const Tensor x = random({1, 2, 3});
  error(
      [&] {
        mask_polarity(same, {x}, ones({1, 2, 2}, DType::b8));
      },
      "mask polarity: `allowed` is true everywhere: some rows must be masked and some visible to "
      "show anything");
  error(
      [&] {
        mask_polarity(same, {x}, bools({{{1, 0, 1}, {1, 1, 1}}}));
      },
      "mask polarity: inputs must be [batch, keys, …] as in `allowed` [batch, queries, keys], "
      "which "
      "is [1, 2, 3]");
  error(
      [&] {
        values_average(same, random({2, 1, 3}));
      },
      "values average: values must be [batch, keys, d] with at least 2 keys, are [2, 1, 3]");
  error(
      [&] {
        score_scale(random({2, 3}), random({2, 4}), random({2, 4}));
      },
      "score scale: weights [2, 3] of query [2, 4] and key [2, 4] should be […, queries, keys]");
  error(
      [&] {
        score_scale(eye(2, DType::f64), random({2, 4}), random({2, 4}));
      },
      "score scale: no query sees two keys, so no weights can be compared");
  const Transformer model = small_transformer(small_config(), Key(2));
  const std::vector<Ids> ids = {{3, 4}, {5}};
  error([&] { causality(model, batch(ids, In::packed), batch(ids, In::padded)); },
        "causality: needs padded sequences, got packed ones");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

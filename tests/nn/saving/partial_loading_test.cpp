// Taking weights from another model as far as they fit, whole or by rows.
#include "nn/saving/partial_loading.h"

#include <boost/test/unit_test.hpp>

#include "nn/saving/checkpoint.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;
namespace tt = boost::test_tools;

/// Weights by name; one tensor may have several names.
struct Bag : Module {
  std::vector<NamedTensor> all;

  explicit Bag(std::vector<NamedTensor> weights) : all(std::move(weights)) {}
  void fields(Fields& visit) override {
    for (auto& [name, weight] : all) visit(name, weight);
  }
};

Tensor ramp(const Shape& shape, double first) {
  return variable(
      generate(shape, DType::f32, [=](Index i) { return first + static_cast<double>(i); }));
}

std::vector<float> values(const Tensor& x) {
  const auto span = x.values<float>();
  return {span.begin(), span.end()};
}

using Floats = std::vector<float>;

}  // namespace

BOOST_AUTO_TEST_SUITE(partial_loading)

BOOST_AUTO_TEST_CASE(takes_what_has_the_same_name_and_shape_and_reports_the_rest) {
  Bag module({{"same", ramp({2, 2}, 0)},
              {"shape", ramp({3}, 0)},
              {"dtype", cast(ramp({2}, 0), DType::f64)},
              {"new", ramp({1}, 0)}});
  const Bag other({{"same", ramp({2, 2}, 10)},
                   {"shape", ramp({2}, 10)},
                   {"dtype", ramp({2}, 10)},
                   {"old", ramp({5}, 10)}});
  const TakenParameters taken = take_parameters(module, other);
  BOOST_TEST(values(module.all[0].tensor) == (Floats{10, 11, 12, 13}), tt::per_element());
  BOOST_TEST(values(module.all[1].tensor) == (Floats{0, 1, 2}), tt::per_element());
  BOOST_TEST_REQUIRE(taken.weights.size() == 4U);
  BOOST_TEST(taken.whole() == 1);
  BOOST_TEST(taken.weights[0].reason == "");
  BOOST_TEST(taken.weights[1].reason == "f32 [3] here, f32 [2] in the other model");
  BOOST_TEST(taken.weights[2].reason == "f64 [2] here, f32 [2] in the other model");
  BOOST_TEST(taken.weights[3].missing);
  BOOST_TEST(!taken.weights[2].missing);
  BOOST_TEST(taken.weights[3].reason == "the other model has none of this name");
  BOOST_TEST(taken.left == std::vector<std::string>{"old"}, tt::per_element());
}

BOOST_AUTO_TEST_CASE(takes_rows) {
  Bag module({{"table", ramp({3, 2}, 0)}, {"bias", ramp({3}, 0)}, {"wide", ramp({3, 4}, 0)}});
  const Bag other(
      {{"table", ramp({2, 2}, 10)}, {"bias", ramp({2}, 10)}, {"wide", ramp({2, 5}, 0)}});
  const RowSources rows = {1, none, 0};
  const TakenParameters taken =
      take_parameters(module, other, {{"table", rows}, {"bias", rows}, {"wide", rows}});
  BOOST_TEST(values(module.all[0].tensor) == (Floats{12, 13, 2, 3, 10, 11}), tt::per_element());
  BOOST_TEST(values(module.all[1].tensor) == (Floats{11, 1, 10}), tt::per_element());
  BOOST_TEST(taken.weights[0].taken_rows == 2);
  BOOST_TEST(taken.weights[0].reason == "2 of 3 rows");
  BOOST_TEST(taken.weights[2].reason == "f32 [3, 4] here, f32 [2, 5] in the other model");
  BOOST_TEST(taken.whole() == 0);
  BOOST_TEST(!taken.empty());
}

BOOST_AUTO_TEST_CASE(wrong_lists_of_rows_change_nothing) {
  Bag module({{"first", ramp({2}, 0)}, {"table", ramp({2, 1}, 0)}});
  const Bag other({{"first", ramp({2}, 10)}, {"table", ramp({2, 1}, 10)}});
  const auto complaint = [&](const RowSources& rows) {
    return error_of([&] { take_parameters(module, other, {{"table", rows}}); });
  };
  BOOST_TEST(complaint({0}) == "taking parameters: table has 2 rows, and the list of rows 1");
  BOOST_TEST(complaint({0, 2}) == "taking parameters: table: row 2 of 2");
  BOOST_TEST(complaint({0, -2}) == "taking parameters: table: row -2 of 2");
  BOOST_TEST(values(module.all[0].tensor) == (Floats{0, 1}), tt::per_element());
}

BOOST_AUTO_TEST_CASE(a_tied_weight_is_taken_under_any_of_its_names) {
  const Tensor shared = ramp({2}, 10);
  const Bag tied({{"embedding", shared}, {"output", shared}});
  Bag untied({{"embedding", ramp({2}, 0)}, {"output", ramp({2}, 0)}});
  const TakenParameters taken = take_parameters(untied, tied);
  BOOST_TEST(taken.whole() == 2);
  BOOST_TEST(taken.left.empty());
  BOOST_TEST(values(untied.all[1].tensor) == (Floats{10, 11}), tt::per_element());
  Bag only_output({{"output", ramp({2}, 0)}});
  BOOST_TEST(take_parameters(only_output, tied).left.empty());
}

BOOST_AUTO_TEST_CASE(takes_from_a_file_and_leaves_the_file_alone) {
  const Folder folder;
  const Bag other({{"a", ramp({2, 2}, 10)}, {"\x1b[1m", ramp({1}, 1)}});
  save_parameters(other, folder / "weights");
  Bag module({{"a", ramp({3, 2}, 0)}});
  const Tensor before = module.all[0].tensor;
  const TakenParameters taken =
      take_parameters(module, folder / "weights", {{"a", RowSources{none, 0, 1}}});
  BOOST_TEST(values(before) == (Floats{0, 1, 10, 11, 12, 13}), tt::per_element());  // in place
  BOOST_TEST(taken.left == std::vector<std::string>{"\\u001b[1m"}, tt::per_element());
  put(folder / "bad", "not safetensors");
  BOOST_CHECK_THROW(take_parameters(module, folder / "bad"), Error);
  BOOST_TEST(take_parameters(module, Bag({{"b", ramp({1}, 0)}})).empty());
}

BOOST_AUTO_TEST_SUITE_END()

#include "nn/training/averaging.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "autograd/support/threads.h"
#include "tests/files.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;
namespace fs = std::filesystem;

void set(Tensor parameter, const Tensor& values) {
  dispatch(parameter.dtype(),
           [&]<class T>() { std::ranges::copy(values.values<T>(), parameter.edit<T>().begin()); });
}

BOOST_AUTO_TEST_SUITE(averaging)

// Σ δ^(t−i) wᵢ / Σ δ^(t−i)
BOOST_AUTO_TEST_CASE(a_moving_average_weighs_each_step_by_its_age) {
  for (const double decay : {0.0, 0.5, 0.9, 0.9999}) {
    const Tensors parameters = {variable(zeros({3, 4}, DType::f64), "a"),
                                variable(zeros({50000}, DType::f64))};
    MovingAverage average(parameters, decay);
    Tensors history;
    for (int t = 1; t <= 10; ++t) {
      for (std::size_t i = 0; i < 2; ++i)
        set(parameters[i], normal(parameters[i].shape(), 0, 1,
                                  Key(static_cast<std::uint64_t>(t)).child(i), DType::f64));
      average.update();
      history.push_back(copy(parameters[0]));
      Tensor sum = zeros({3, 4}, DType::f64);
      double weights = 0;
      for (int i = 1; i <= t; ++i) {
        sum = sum + history[static_cast<std::size_t>(i) - 1] * std::pow(decay, t - i);
        weights += std::pow(decay, t - i);
      }
      const WithAverage guard(average);
      BOOST_TEST(distance(parameters[0], sum / weights) < 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_weights_come_back_to_the_last_bit) {
  const Tensors parameters = {variable(normal({7, 5}, 0, 1, Key(1)))};
  MovingAverage average(parameters, 0.9);
  average.update();
  set(parameters[0], normal({7, 5}, 0, 1, Key(2)));
  average.update();
  const Tensor before = copy(parameters[0]);
  Tensor averaged;
  {
    const WithAverage guard(average);
    averaged = copy(parameters[0]);
    BOOST_TEST(distance(averaged, before) > 0.1);
  }
  BOOST_TEST(same_bits(parameters[0], before));
  average.swap();
  BOOST_TEST(same_bits(parameters[0], averaged));
}

BOOST_AUTO_TEST_CASE(an_invalid_moving_average_is_an_error) {
  for (const double decay : {-0.1, 1.0, double{NAN}})
    BOOST_CHECK_THROW(MovingAverage({}, decay), Error);
  MovingAverage average({variable(ones({2}))}, 0.9);
  BOOST_CHECK_EXCEPTION(average.swap(), Error,
                        says("moving average: there is no average before the first update"));
}

// ---- Checkpoints --------------------------------------------------------------------------------

struct Files : Folder {
  std::vector<fs::path> paths;
  void add(const SafeTensors& content) {
    paths.push_back(path / (std::to_string(paths.size()) + ".safetensors"));
    write_safetensors(paths.back(), content);
  }
  void check_error(const std::string& text) const {
    BOOST_CHECK_EXCEPTION(average_checkpoints(paths), Error, [&](const Error& error) {
      BOOST_TEST(std::string(error.what()).find(text) != std::string::npos, error.what());
      return true;
    });
  }
};

BOOST_AUTO_TEST_CASE(checkpoints_are_averaged_in_f64) {
  for (const std::size_t count : {1u, 2u, 3u, 7u}) {
    Files files;
    std::vector<double> sums(20);
    Tensor wide = zeros({2, 1}, DType::f64);
    for (std::size_t k = 0; k < count; ++k) {
      const Tensor narrow = normal({4, 5}, 0, 1e4, Key(k));
      const Tensor other = normal({2, 1}, 0, 1, Key(k).child(1), DType::f64);
      files.add(
          {{{"b", narrow}, {"a", other}, {"empty", zeros({0, 3})}}, {{"step", std::to_string(k)}}});
      const std::vector<double> values = numbers(narrow);
      for (std::size_t i = 0; i < 20; ++i) sums[i] += values[i];
      wide = wide + other;
    }
    const SafeTensors average = average_checkpoints(files.paths);
    std::vector<float> means;
    for (const double sum : sums)
      means.push_back(static_cast<float>(sum / static_cast<double>(count)));
    BOOST_TEST(same_bits(average.tensors.at("b"), from(means, {4, 5})));
    BOOST_TEST(distance(average.tensors.at("a"), wide / static_cast<double>(count)) < 1e-15);
    BOOST_TEST((average.tensors.at("empty").shape() == Shape{0, 3}));
    BOOST_TEST(average.tensors.size() == 3u);
    BOOST_TEST(average.metadata.at("step") == std::to_string(count - 1));
  }
}

// In f32 each sum would be infinite.
BOOST_AUTO_TEST_CASE(large_weights_do_not_overflow) {
  Files files;
  for (int k = 0; k < 4; ++k) files.add({{{"a", full({2}, 3e38)}}, {}});
  BOOST_TEST(same_bits(average_checkpoints(files.paths).tensors.at("a"), full({2}, 3e38)));
}

BOOST_AUTO_TEST_CASE(checkpoints_that_differ_are_an_error_that_names_tensor_and_file) {
  const auto check = [](const SafeTensors& other, const std::string& text) {
    Files files;
    files.add({{{"a", ones({2, 3})}, {"b", ones({1})}}, {}});
    files.add({{{"a", ones({2, 3})}, {"b", ones({1})}}, {}});
    files.add(other);
    files.check_error("2.safetensors: differs from " + files.paths[0].string() + ": " + text);
  };
  check({{{"a", ones({2, 3})}}, {}}, "missing b");
  check({{{"a", ones({2, 3})}, {"b", ones({1})}, {"c", ones({1})}}, {}}, "unexpected c");
  check({{{"a", ones({3, 2})}, {"b", ones({1})}}, {}}, "a is f32 [3, 2], ");
  check({{{"a", ones({2, 3})}, {"b", ones({1}, DType::f64)}}, {}}, "b is f64 [1], ");
}

BOOST_AUTO_TEST_CASE(tensors_that_cannot_be_averaged_are_an_error) {
  BOOST_CHECK_EXCEPTION(average_checkpoints({}), Error,
                        says("average_checkpoints: needs at least one checkpoint"));
  Files files;
  files.add({{{"ids", arange(3, DType::i64)}}, {}});
  files.check_error("ids is i64; only f32 and f64 can be averaged");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

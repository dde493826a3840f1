#include "tests/parity/vectors.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>

#include "autograd/grad.h"
#include "nn/saving/checkpoint.h"
#include "tests/nn/support.h"

namespace adjoint::parity {
namespace {

// The tensors of all safetensors files beside this one, under their names there.
const std::map<std::string, Tensor>& vectors() {
  static const auto all = [] {
    std::map<std::string, Tensor> tensors;
    const auto folder = std::filesystem::path(__FILE__).parent_path();
    for (const char* file :
         {"vectors.safetensors", "optimizers.safetensors", "recurrent.safetensors"})
      tensors.merge(nn::read_safetensors(folder / file).tensors);
    return tensors;
  }();
  return all;
}

double tolerance(DType dtype) { return dtype == DType::f64 ? 1e-9 : 1e-4; }

Tensor in_type(const Tensor& x, DType dtype) { return is_real(x.dtype()) ? cast(x, dtype) : x; }

}  // namespace

std::vector<std::string> stored_cases() {
  std::vector<std::string> names;
  for (const auto& [key, tensor] : vectors()) {
    const std::string name = key.substr(0, key.find('/'));
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

Case::Case(std::string name, Mode mode) : name_(std::move(name)), mode_(mode) {
  const std::string prefix = name_ + "/";
  for (const auto& [key, tensor] : vectors())
    if (key.starts_with(prefix)) used_[key.substr(prefix.size())] = false;
}

bool Case::has(const std::string& key) const { return used_.contains(key); }

const Tensor& Case::stored(const std::string& key) {
  BOOST_TEST_REQUIRE(has(key), name_ << " has no " << key);
  used_[key] = true;
  return vectors().at(name_ + "/" + key);
}

Tensor Case::constant(const std::string& key) { return in_type(stored(key), dtype()); }

std::vector<Index> Case::lengths(const std::string& key) {
  const std::span<const Index> values = stored(key).values<Index>();
  return {values.begin(), values.end()};
}

Tensor Case::input(const std::string& key) {
  return leaves_[key] = variable(copy(constant(key)), key);
}

void Case::fill(nn::Module& module, const std::string& prefix) {
  nn::replace_parameters(module, [&](std::string path, const Tensor& parameter) {
    std::ranges::replace(path, '.', '/');
    const Tensor leaf = input(prefix + path);
    BOOST_TEST((leaf.form() == parameter.form()), name_ << ": " << prefix + path);
    return leaf;
  });
}

void Case::compare(const std::string& key, const Tensor& expected, const Tensor& actual) {
  BOOST_TEST_REQUIRE((actual.shape() == expected.shape()), name_ << ": " << key << " is "
                                                                 << actual.shape() << " instead of "
                                                                 << expected.shape());
  const std::vector<double> ours = testing::numbers(actual), theirs = testing::numbers(expected);
  double largest = 1, difference = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    largest = std::max(largest, std::abs(theirs[i]));
    const double apart = std::abs(ours[i] - theirs[i]);
    difference = std::isfinite(apart) ? std::max(difference, apart) : HUGE_VAL;
  }
  worst_ = std::max(worst_, difference / largest);
  BOOST_TEST(difference / largest <= tolerance(dtype()),
             name_ << ": " << key << " is off by " << difference / largest);
}

void Case::compare(const std::string& key, const Tensor& actual) {
  BOOST_TEST((actual.dtype() == (is_real(actual.dtype()) ? dtype() : DType::i64)));
  compare(key, stored(key), actual);
}

void Case::compare(const std::string& key, double actual) {
  compare(key, stored(key), scalar(actual, DType::f64));
}

void Case::compare_rows(const std::string& key, const Tensor& actual, const nn::Layout& layout) {
  const Tensor& expected = stored(key);
  const nn::Layout padded = nn::Layout::padded(layout.lengths(), expected.size(1));
  compare(key, testing::real_rows(expected, padded), testing::real_rows(actual, layout));
}

void Case::compare_gradients(const Tensor& output) {
  compare_gradients_of(sum(output * constant("cotangent")));
}

void Case::compare_gradients_of(const Tensor& loss) {
  Tensors leaves;
  for (const auto& [key, leaf] : leaves_) leaves.push_back(leaf);
  const Tensors gradients = grad(loss, leaves);
  auto gradient = gradients.begin();
  for (const auto& [key, leaf] : leaves_) compare("grad/" + key, *gradient++);
}

std::vector<std::string> Case::unused() const {
  std::vector<std::string> keys;
  for (const auto& [key, used] : used_)
    if (!used) keys.push_back(name_ + "/" + key);
  return keys;
}

Tensor arranged(const Tensor& x, const nn::Layout& layout, const nn::Layout& padded) {
  return layout.is_packed() ? testing::real_rows(x, padded) : x;
}

}  // namespace adjoint::parity

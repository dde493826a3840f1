// Compares outputs and gradients with PyTorch's: see README.md.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/parity/vectors.h"

namespace {

using namespace adjoint;
using namespace adjoint::parity;

void run(const Checks& checks, Mode mode) {
  const FlagGuard guard(&Ambient::composed, mode.composed);
  double worst = 0;
  for (const auto& [name, check] : checks) {
    BOOST_TEST_CONTEXT(name) {
      Case stored(name, mode);
      check(stored);
      for (const std::string& key : stored.unused()) BOOST_ERROR(key << " is not compared");
      worst = std::max(worst, stored.worst());
    }
  }
  BOOST_TEST_MESSAGE("worst error in " << mode.dtype << (mode.composed ? ", composed: " : ": ")
                                       << worst);
}

const Mode fused_f64{DType::f64, false}, composed_f64{DType::f64, true};
const Mode fused_f32{DType::f32, false}, composed_f32{DType::f32, true};

BOOST_AUTO_TEST_SUITE(parity)

BOOST_AUTO_TEST_CASE(every_stored_case_has_a_check) {
  std::vector<std::string> checked;
  for (const Checks* checks :
       {&layer_checks(), &transformer_checks(), &recurrent_checks(), &optimizer_checks()})
    for (const auto& [name, check] : *checks) checked.push_back(name);
  std::ranges::sort(checked);
  std::vector<std::string> stored = stored_cases();
  std::ranges::sort(stored);
  BOOST_TEST(checked == stored, boost::test_tools::per_element());
  BOOST_TEST(stored.size() == 46u);
}

BOOST_AUTO_TEST_CASE(layers_in_f64) { run(layer_checks(), fused_f64); }
BOOST_AUTO_TEST_CASE(layers_in_f64_composed) { run(layer_checks(), composed_f64); }
BOOST_AUTO_TEST_CASE(layers_in_f32) { run(layer_checks(), fused_f32); }
BOOST_AUTO_TEST_CASE(layers_in_f32_composed) { run(layer_checks(), composed_f32); }

BOOST_AUTO_TEST_CASE(transformers_in_f64) { run(transformer_checks(), fused_f64); }
BOOST_AUTO_TEST_CASE(transformers_in_f64_composed) { run(transformer_checks(), composed_f64); }
BOOST_AUTO_TEST_CASE(transformers_in_f32) { run(transformer_checks(), fused_f32); }
BOOST_AUTO_TEST_CASE(transformers_in_f32_composed) { run(transformer_checks(), composed_f32); }

BOOST_AUTO_TEST_CASE(recurrent_in_f64) { run(recurrent_checks(), fused_f64); }
BOOST_AUTO_TEST_CASE(recurrent_in_f64_composed) { run(recurrent_checks(), composed_f64); }
BOOST_AUTO_TEST_CASE(recurrent_in_f32) { run(recurrent_checks(), fused_f32); }
BOOST_AUTO_TEST_CASE(recurrent_in_f32_composed) { run(recurrent_checks(), composed_f32); }

BOOST_AUTO_TEST_CASE(optimizers_in_f64) { run(optimizer_checks(), fused_f64); }
BOOST_AUTO_TEST_CASE(optimizers_in_f32) { run(optimizer_checks(), fused_f32); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

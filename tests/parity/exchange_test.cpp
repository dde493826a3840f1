// Weights exchanged with PyTorch, in both directions: see README.md.
#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "tests/files.h"
#include "tests/parity/exchanged.h"

namespace {

using namespace adjoint;
using namespace adjoint::parity;

BOOST_AUTO_TEST_SUITE(exchange)

// "torch" holds weights and logits from PyTorch; "adjoint" holds ours, and PyTorch computed the
// same logits from those weights.
BOOST_AUTO_TEST_CASE(weights_of_either_give_the_same_logits) {
  const auto folder = std::filesystem::path(__FILE__).parent_path() / "exchange";
  for (const char* origin : {"torch", "adjoint"})
    for (Exchanged& exchanged : exchanged_models(Key(2)))
      BOOST_TEST(error_of_exchanged(exchanged, folder / origin) < 1e-5,
                 origin << ", " << exchanged.name);
}

BOOST_AUTO_TEST_CASE(other_weights_give_other_logits) {
  const testing::Folder ours, others;
  for (const Exchanged& exchanged : exchanged_models(Key(1))) write_exchanged(exchanged, ours.path);
  for (const Exchanged& exchanged : exchanged_models(Key(2))) {
    write_exchanged(exchanged, others.path);
    std::filesystem::copy_file(ours / (exchanged.name + ".safetensors"),
                               others / (exchanged.name + ".safetensors"),
                               std::filesystem::copy_options::overwrite_existing);
  }
  for (Exchanged& exchanged : exchanged_models(Key(3))) {
    BOOST_TEST(error_of_exchanged(exchanged, ours.path) == 0, exchanged.name);
    BOOST_TEST(error_of_exchanged(exchanged, others.path) > 0.1, exchanged.name);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// A Transformer's tape is too long to tell step by step: explain() tells it module by module.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "autograd/tools/explain.h"
#include "autograd/tools/tape_json.h"
#include "autograd/tools/tape_story.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

Tensor loss_of(const nn::Transformer& model) {
  Dice dice{Key(3)};
  const auto sources = random_sequences(dice, 3, 3, 6, model.config.source_tokens);
  const auto targets = framed(random_sequences(dice, 3, 3, 6, model.config.target_tokens));
  const Tensor logits = model.logits(batch(sources, In::padded), batch(targets, In::padded),
                                     nn::Context::inference());
  return sum(logits * logits);
}

BOOST_AUTO_TEST_SUITE(transformer_story)

BOOST_AUTO_TEST_CASE(a_transformer_is_told_by_module) {
  nn::Transformer model = small_transformer(small_config(), Key(1));
  nn::name_parameters(model);
  const TapeStory story = tape_story(loss_of(model));
  std::ostringstream stream;
  explain(stream, story);
  const std::string text = stream.str();

  // One line forward and one backward for each module.
  for (const char* const module :
       {"encoder.blocks.0.attention ", "encoder.blocks.1.feed_forward ",
        "decoder.blocks.0.cross_attention ", "decoder.blocks.1.norm3 "}) {
    const std::size_t first = text.find(module), second = text.find(module, first + 1);
    BOOST_TEST(second != std::string::npos, module << "\n" << text);
    BOOST_TEST(text.find(module, second + 1) == std::string::npos, module << "\n" << text);
  }
  // The norm of a module's parameters is the norm of all their gradients.
  double squares = 0;
  int parameters = 0;
  for (const TapeStory::Node& node : story.nodes)
    if (node.label.starts_with("decoder.blocks.0.cross_attention.")) {
      ++parameters;
      for (const double value : numbers(node.outputs[0].cotangent)) squares += value * value;
    }
  BOOST_TEST(parameters == 4);
  std::ostringstream norm;
  norm << std::setprecision(4) << std::sqrt(squares);
  BOOST_TEST(text.find(norm.str() + ", most in ") != std::string::npos, norm.str() << "\n" << text);
}

BOOST_AUTO_TEST_CASE(the_json_of_a_small_transformer_stays_under_a_megabyte) {
  BOOST_TEST(tape_as_json(loss_of(small_transformer(small_config(), Key(1)))).size() < 1'000'000u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

#include "nn/batch/attention_head.h"

#include <boost/test/unit_test.hpp>

namespace {

using namespace adjoint::nn;

BOOST_AUTO_TEST_SUITE(attention_head)

BOOST_AUTO_TEST_CASE(a_name_is_read_back) {
  const AttentionHead head{"decoder.blocks.1.cross_attention", 12};
  BOOST_TEST(head.name() == "decoder.blocks.1.cross_attention:12");
  BOOST_TEST((AttentionHead::from_name(head.name()) == head));
  BOOST_TEST(AttentionHead{"attention"}.name() == "attention");
}

BOOST_AUTO_TEST_CASE(other_texts_name_no_head) {
  for (const char* text :
       {"", "attention", ":0", "attention:", "attention:-1", "attention:x", "attention:0x",
        "attention: 0", "attention:0:0", "attention:99999999999999999999"})
    BOOST_TEST(!AttentionHead::from_name(text).has_value(), text);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

#include "examples/seq2seq/commands/attention_output.h"

#include <boost/test/unit_test.hpp>

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;

// Two tokens and the end, for a source of two tokens and the end.
Translation answer(data::Tokens tokens) {
  const std::vector<float> weights = {0.996F, 0.004F, 0,       //
                                      0.25F,  0.125F, 0.625F,  //
                                      0,      0,      1};
  return {std::move(tokens), -1.5, from(weights, {3, 3})};
}

BOOST_AUTO_TEST_SUITE(attention_output)

BOOST_AUTO_TEST_CASE(a_table_has_columns_for_a_terminal) {
  BOOST_TEST(attention_table(answer({"学习", "e\u0301"}), {"我", "learning"}) ==
             "        我  learning  <eos>\n"
             " 学习  100         ·      ·\n"
             "    e\u0301   25        13     63\n"
             "<eos>    ·         ·    100\n"
             "\n");
}

BOOST_AUTO_TEST_CASE(a_wide_table_is_cut) {
  Translation wide{{"a"}, 0, full({1, 31}, 1.0 / 31, DType::f32)};
  const std::string table = attention_table(wide, data::Tokens(30, "word"));
  std::size_t parts = 0;
  for (std::size_t begin = 0, end = 0; (end = table.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    BOOST_TEST(end - begin <= 100U);
    parts += end == begin ? 1U : 0U;
  }
  BOOST_TEST(parts == 2U);
  // A token that is wider than a table has one of its own.
  const data::Tokens long_tokens = {std::string(200, 'x'), "y"};
  BOOST_TEST(attention_table(answer({"a", "b"}), long_tokens).find("  y") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(alignments_leave_the_ends_out) {
  BOOST_TEST(pharaoh(answer({"a", "b"}), {"x", "y"}) == "0-0 0-1");
  BOOST_TEST(pharaoh({}, {}) == "");
}

BOOST_AUTO_TEST_CASE(json_has_the_shortest_numbers_that_are_exact) {
  BOOST_TEST(attention_json(answer({"é", "\"\xff"}), {"x", "y"}, "é \"\xff", 7,
                            {{"decoder", 2}, {"attention"}}) ==
             R"({"line":7,"answer":"é \"�","score":-1.5,"source":["x","y","<eos>"],)"
             R"("target":["é","\"�","<eos>"],"heads":["decoder:2","attention"],)"
             R"("attention":[[0.996,0.004,0.0],[0.25,0.125,0.625],[0.0,0.0,1.0]]})");
  BOOST_TEST(attention_json({}, {}, "", 8, {{"attention"}}) ==
             R"({"line":8,"answer":"","score":0.0,"source":[],"target":[],)"
             R"("heads":["attention"],"attention":[]})");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

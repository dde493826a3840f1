#include "nn/models/transformer_config.h"

#include <boost/test/unit_test.hpp>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// A change of small_config(), and what the check says about it.
template <class Change>
void refuses(const std::string& text, const Change& change) {
  TransformerConfig config = small_config();
  change(config);
  BOOST_CHECK_EXCEPTION(config.check(), Error, says("transformer: " + text));
}

BOOST_AUTO_TEST_SUITE(transformer_config)

BOOST_AUTO_TEST_CASE(all_that_tests_use_is_allowed) {
  for (const auto& configs : {position_configs(), unusual_blocks()})
    for (const TransformerConfig& config : configs) BOOST_CHECK_NO_THROW(config.check());
}

BOOST_AUTO_TEST_CASE(sizes) {
  refuses("the vocabularies are empty", [](auto& c) { c.target_tokens = 0; });
  refuses("width must be at least 1, is 0", [](auto& c) { c.width = 0; });
  refuses("heads must be at least 1, is 0", [](auto& c) { c.heads = 0; });
  refuses("decoder_blocks must be at least 0, is -1", [](auto& c) { c.decoder_blocks = -1; });
  refuses("encoder_blocks must be at most 10000, is 1000000000",
          [](auto& c) { c.encoder_blocks = 1'000'000'000; });
  refuses("dropout must lie in [0, 1), is 1", [](auto& c) { c.dropout = 1; });
  refuses("heads 3 does not divide width 8", [](auto& c) { c.heads = 3; });
  refuses("heads 2 does not divide decoder_width 9", [](auto& c) { c.decoder_width = 9; });
}

BOOST_AUTO_TEST_CASE(scores_and_positions) {
  refuses("score additive cannot be combined with positions rotary, which needs products as scores",
          [](auto& c) {
            c.positions = Positions::rotary;
            c.score = Score::additive;
          });
  for (const Score score : {Score::additive, Score::bilinear})
    refuses("score " + name_of(score) +
                " cannot be combined with positions relative, which needs dot products as scores",
            [&](auto& c) {
              c.positions = Positions::relative;
              c.score = score;
            });
  refuses("positions rotary needs heads of an even width, and decoder_width 6 with heads 2 gives 3",
          [](auto& c) {
            c.positions = Positions::rotary;
            c.decoder_width = 6;
          });
  refuses("max_distance must be at least 1, is 0", [](auto& c) { c.max_distance = 0; });
}

BOOST_AUTO_TEST_CASE(encodings) {
  for (const Positions kind : all_positions) {
    if (is_encoding(kind)) continue;
    const std::string why = " cannot be combined with positions " + name_of(kind) +
                            ": only sinusoidal, learned and convolutional are encodings";
    for (const PositionMode mode : {PositionMode::concatenate, PositionMode::split})
      refuses("position_mode " + name_of(mode) + why, [&](auto& c) {
        c.positions = kind;
        c.position_mode = mode;
      });
    for (const PositionPlace place : {PositionPlace::each_block, PositionPlace::after})
      refuses("position_place " + name_of(place) + why, [&](auto& c) {
        c.positions = kind;
        c.position_place = place;
      });
  }
  refuses("kernel 1 is too short: the filter would read no neighbour", [](auto& c) {
    c.positions = Positions::convolutional;
    c.kernel = 1;
  });
}

BOOST_AUTO_TEST_CASE(a_split_width) {
  const auto split = [](Index width, const auto& change) {
    return [=](auto& c) {
      c.position_mode = PositionMode::split;
      c.position_width = width;
      change(c);
    };
  };
  const auto nothing = [](auto&) {};
  for (const PositionPlace place : {PositionPlace::each_block, PositionPlace::after})
    refuses("position_mode split cannot be combined with position_place " + name_of(place) +
                ": the width is split where tokens are embedded, before the blocks",
            split(4, [&](auto& c) { c.position_place = place; }));
  for (const Index width : {-1, 0})
    refuses("position_width " + std::to_string(width) + " leaves nothing for the positions",
            split(width, nothing));
  refuses("position_width 8 leaves nothing of width 8 for the tokens", split(8, nothing));
  refuses("position_width 4 leaves nothing of decoder_width 4 for the tokens",
          split(4, [](auto& c) { c.decoder_width = 4; }));
  refuses(
      "position_width 2 is not half of width 8: in position_mode split, positions "
      "convolutional gives as many features as it reads",
      split(2, [](auto& c) { c.positions = Positions::convolutional; }));
  refuses(
      "tied_embeddings decoder cannot be combined with position_mode split: the output reads the "
      "whole width",
      split(4, [](auto& c) { c.tied_embeddings = TiedEmbeddings::decoder; }));
}

BOOST_AUTO_TEST_CASE(tied_embeddings) {
  refuses("tied_embeddings all needs one vocabulary: the source has 11 tokens, the target 13",
          [](auto& c) { c.tied_embeddings = TiedEmbeddings::all; });
  refuses("tied_embeddings all needs one width, not width 8 and decoder_width 12", [](auto& c) {
    c.tied_embeddings = TiedEmbeddings::all;
    c.source_tokens = c.target_tokens;
    c.decoder_width = 12;
  });
}

BOOST_AUTO_TEST_CASE(a_program_gives_fields_its_own_names) {
  TransformerConfig config = small_config();
  config.heads = 3;
  BOOST_CHECK_EXCEPTION(config.check([](const std::string& field) { return "--" + field; }), Error,
                        says("--heads 3 does not divide --width 8"));
}

BOOST_AUTO_TEST_CASE(names_are_unique) {
  const auto check = [](const auto& choices) {
    for (const auto& [name, choice] : choices) BOOST_TEST(name_of(choice) == name);
  };
  check(choices<Positions>);
  check(choices<PositionMode>);
  check(choices<PositionPlace>);
  check(choices<NormPlacement>);
  check(choices<Normalization>);
  check(choices<Activation>);
  check(choices<Score>);
  check(choices<Bias>);
  check(choices<TiedEmbeddings>);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

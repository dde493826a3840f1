// Several targets of a source as references of one sentence.
#include "examples/seq2seq/commands/references.h"

#include <boost/test/unit_test.hpp>

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using data::Pair;
using data::Tokens;

BOOST_AUTO_TEST_SUITE(references)

BOOST_AUTO_TEST_CASE(all_targets_of_a_source_are_its_references) {
  const std::vector<Pair> pairs = {
      {{"go"}, {"va"}}, {{"hi"}, {"salut"}}, {{"go"}, {"allez"}}, {{"go"}, {"va"}}};
  // The second file knows no other way to say "hi".
  const ReferenceSets sets = {{{"va"}, {"salut"}, {"allez"}, {"va"}},
                              {{"pars"}, {}, {"va"}, {"vas-y"}}};
  const auto [grouped, references] = group_by_source(pairs, sets);
  BOOST_TEST((grouped == std::vector<Pair>{pairs[0], pairs[1]}));
  const ReferenceSets expected = {
      {{"va"}, {"salut"}}, {{"pars"}, {}}, {{"allez"}, {}}, {{"vas-y"}, {}}};
  BOOST_TEST((references == expected));
}

BOOST_AUTO_TEST_CASE(different_sources_stay_as_they_are) {
  const std::vector<Pair> pairs = {{{"b"}, {"x"}}, {{"a"}, {"x"}}};
  const auto [grouped, references] = group_by_source(pairs, {{{"x"}, {"x"}}});
  BOOST_TEST((grouped == pairs));
  BOOST_TEST((references == ReferenceSets{{{"x"}, {"x"}}}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// The classic mistakes in Transformers, each planted in the same small model and put to every
// check. Their gradients are right, so a gradient check passes nearly all of them.
#include "tests/nn/checks/classic_bugs.h"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "autograd/gradcheck.h"
#include "nn/batch/mask.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// What the checks are given: a batch whose examples differ in length, in source and target.
struct Setting {
  BookModel model;
  Tensor source_ids = ints({{3, 7, 4, 0, 0}, {5, 8, 6, 3, 4}, {6, 3, 0, 0, 0}});
  Tensor source_lengths = ints({3, 5, 2});
  Tensor labels = ints({{4, 6, 5, 7}, {8, 3, 0, 0}, {5, 7, 4, 0}});
  Tensor target_lengths = ints({4, 2, 3});
  BookModel::Source source;

  explicit Setting(Bug bug)
      : model(bug, Key(1)),
        source{detach(embedding(source_ids, model.source_table)), source_lengths} {}
};

Tensor random(const Shape& shape, const char* name) {
  return normal(shape, 0, 1, Key(2).child(name), DType::f64);
}

// ---- Every check, as a question about the model ------------------------------------------------

struct Outcome {
  bool holds;
  std::string text;
};

template <class Report>
Outcome outcome_of(const Report& report) {
  std::ostringstream text;
  text << report;
  return {static_cast<bool>(report), text.str()};
}

// The loss as a function of embedded sources and of one weight of each kind.
Outcome gradients(const Setting& s) {
  const Tensors inputs = {s.source.vectors,      s.model.target_table, s.model.encoder.query,
                          s.model.decoder.value, s.model.cross.key,    s.model.output};
  const Function f = [&](const Tensors& x) {
    BookModel model = s.model;
    model.target_table = x[1];
    model.encoder.query = x[2];
    model.decoder.value = x[3];
    model.cross.key = x[4];
    model.output = x[5];
    const Tensor logits = model.logits(s.labels, s.target_lengths, {x[0], s.source_lengths});
    return Tensors{model.loss(logits, s.labels, s.target_lengths)};
  };
  return outcome_of(gradcheck(f, inputs, {.jacobian_up_to = 0, .elements_up_to = 0}));
}

Outcome batch(const Setting& s) {
  const Function f = [&](const Tensors& x) {
    return Tensors{s.model.logits(x[2], x[3], {x[0], x[1]})};
  };
  return outcome_of(
      batch_independence(f, {s.source.vectors, s.source_lengths, s.labels, s.target_lengths},
                         {.names = {"source", "source lengths", "labels", "target lengths"}}));
}

Outcome causal(const Setting& s) {
  const Function f = [&](const Tensors& x) {
    return Tensors{s.model.decode(x[0], s.target_lengths, s.source)};
  };
  return outcome_of(causality(f, {random({3, 4, BookModel::width}, "decoder inputs")}));
}

Outcome strictly_causal(const Setting& s) {
  const Function f = [&](const Tensors& x) {
    return Tensors{s.model.logits(x[0], s.target_lengths, s.source)};
  };
  return outcome_of(causality(f, {s.labels}, Sees::past, 1, {.names = {"labels"}}));
}

Outcome padded(const Setting& s) {
  const Function f = [&](const Tensors& x) {
    const Tensor logits = s.model.logits(x[1], s.target_lengths, {x[0], s.source_lengths});
    return Tensors{logits, s.model.loss(logits, x[1], s.target_lengths)};
  };
  return outcome_of(padding_invariance(
      f, {s.source.vectors, s.labels},
      {.inputs = {s.source_lengths, s.target_lengths}, .outputs = {s.target_lengths, {}}},
      {.names = {"source", "labels"}}));
}

Outcome row_of_padding(const Setting& s) {
  const Function f = [&](const Tensors& x) {
    const Tensor logits = s.model.logits(s.labels, s.target_lengths,
                                         {embedding(s.source_ids, x[0]), s.source_lengths});
    return Tensors{s.model.loss(logits, s.labels, s.target_lengths)};
  };
  return outcome_of(padding_row(f, s.model.source_table, BookModel::padding));
}

Outcome cached(const Setting& s) {
  const auto full_run = [&](const Tensor& ids) {
    return s.model.decode(embedding(ids, s.model.target_table), s.target_lengths, s.source);
  };
  const auto start = [&] { return s.model.start(s.source, s.target_lengths); };
  return outcome_of(cached_decoding(full_run, start, s.labels));
}

Outcome equivariant(const Setting& s) {
  const Function f = [&](const Tensors& x) {
    return Tensors{s.model.encoder_block(x[0], ints({5, 5, 5}))};
  };
  return outcome_of(permutation_equivariance(f, {random({3, 5, BookModel::width}, "x")}));
}

Outcome invariant(const Setting& s) {
  const Tensor query = random({3, 4, BookModel::width}, "query");
  const Function f = [&](const Tensors& x) {
    return Tensors{s.model.multi_head(s.model.cross, query, x[0], ints({5, 5, 5}), false)};
  };
  return outcome_of(permutation_invariance(f, {random({3, 5, BookModel::width}, "memory")}));
}

Outcome masked(const Setting& s) {
  const Tensor query = random({3, 4, BookModel::width}, "query");
  const Function f = [&](const Tensors& x) {
    return Tensors{s.model.attend(query, x[0], x[1], s.source_lengths, false)};
  };
  const Tensor allowed = Mask::full(3, 4, 5).with_lengths(s.source_lengths).dense();
  const Shape rows = {3, 5, BookModel::width};
  return outcome_of(mask_polarity(f, {random(rows, "key"), random(rows, "value")}, allowed,
                                  {.names = {"key", "value"}}));
}

Outcome average(const Setting& s) {
  const Tensor query = random({3, 4, BookModel::width}, "query");
  const Tensor key = random({3, 5, BookModel::width}, "key");
  const Function f = [&](const Tensors& x) {
    return Tensors{s.model.attend(query, key, x[0], s.source_lengths, false)};
  };
  return outcome_of(values_average(f, random({3, 5, BookModel::width}, "value")));
}

Outcome scale(const Setting& s) {
  const Tensor query = s.model.split(random({3, 4, BookModel::width}, "query"));
  const Tensor key = s.model.split(random({3, 5, BookModel::width}, "key"));
  const Tensor allowed = s.model.mask(s.source_lengths, 4, 5, false);
  return outcome_of(score_scale(s.model.weights(query, key, allowed), query, key));
}

Outcome repeatable(const Setting& s) {
  const Function f = [&](const Tensors& x) {
    return Tensors{s.model.logits(s.labels, s.target_lengths, {x[0], s.source_lengths})};
  };
  return outcome_of(determinism(f, {s.source.vectors}));
}

struct Check {
  const char *name, *column;
  Outcome (*run)(const Setting&);
};
constexpr std::size_t name_columns = 36;  // of the table
constexpr Check checks[] = {
    {"gradcheck", "grad", gradients},
    {"batch independence", "batch", batch},
    {"causality", "caus", causal},
    {"strict causality", "strict", strictly_causal},
    {"padding invariance", "pad", padded},
    {"padding row", "row", row_of_padding},
    {"cached decoding", "cache", cached},
    {"permutation equivariance", "equi", equivariant},
    {"permutation invariance", "inv", invariant},
    {"mask polarity", "mask", masked},
    {"values average", "avg", average},
    {"score scale", "scale", scale},
    {"determinism", "det", repeatable},
};

// The check that should catch it, and a part of what its report must say.
struct Expectation {
  const char *check, *says;
};
Expectation expected_of(Bug bug) {
  switch (bug) {
    case Bug::tiled_lengths:
      return {"batch independence", "after replacing the other examples of source lengths"};
    case Bug::heads_not_transposed:
      return {"permutation equivariance", "heads split by a reshape alone"};
    case Bug::mask_inverted:
      return {"mask polarity", "the mask is inverted"};
    case Bug::not_causal_in_evaluation:
      return {"causality", "no causal mask"};
    case Bug::position_0_at_each_step:
      return {"cached decoding", "step t must add row t, not row 0"};
    case Bug::positions_along_the_batch:
      return {"batch independence", "positions added along the batch axis"};
    case Bug::label_not_shifted:
      return {"strict causality", "reads the label that it should predict"};
    case Bug::loss_over_padding:
      return {"padding invariance", "output 1 differs by"};
    case Bug::softmax_over_queries:
      return {"values average", "a softmax over another axis"};
    case Bug::scale_missing:
      return {"score scale", "not divided by √d"};
    case Bug::scale_squared:
      return {"score scale", "divided by d instead of √d"};
    case Bug::padding_as_a_word:
      return {"padding row", "row 0"};
    case Bug::dropout_in_evaluation:
      return {"determinism", "dropout is still on"};
    case Bug::cross_masked_by_target:
      return {"padding invariance", "the padding"};
    case Bug::norm_over_steps:
      return {"causality", "a mean over the steps"};
    case Bug::norm_over_batch:
      return {"batch independence", "has a derivative of"};
    case Bug::cache_one_row_late:
      return {"cached decoding", "row of the cache"};
    case Bug::none:
      break;
  }
  return {"", ""};
}

// ---- The table ---------------------------------------------------------------------------------

void print_header(std::ostream& stream) {
  stream << std::string(name_columns, ' ');
  for (const Check& check : checks) stream << ' ' << check.column;
  stream << '\n';
}

// Columns count characters, some of which have several bytes.
std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

void print_row(std::ostream& stream, Bug bug, const std::vector<Outcome>& outcomes) {
  const std::string name = name_of(bug);
  stream << name;
  std::size_t blanks = name_columns - columns(name);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    stream << std::string(blanks + 1, ' ') << (outcomes[i].holds ? "·" : "✓");
    blanks = std::string_view(checks[i].column).size() - 1;
  }
  stream << '\n';
}

void judge(Bug bug, const Check& check, const Outcome& outcome) {
  const Expectation expected = expected_of(bug);
  const std::string about = std::string(name_of(bug)) + ", " + check.name;
  if (bug == Bug::none) BOOST_TEST(outcome.holds, about << ": " << outcome.text);
  // If random numbers change from call to call, it is no longer a function, and gradcheck sees
  // that.
  if (check.run == gradients)
    BOOST_TEST(outcome.holds == (bug != Bug::dropout_in_evaluation), about << ": " << outcome.text);
  if (std::string_view(check.name) == expected.check) {
    BOOST_TEST(!outcome.holds, about << " lets it pass");
    BOOST_TEST(outcome.text.find(expected.says) != std::string::npos,
               about << " should say '" << expected.says << "': " << outcome.text);
  }
}

BOOST_AUTO_TEST_SUITE(classic_bugs)

BOOST_AUTO_TEST_CASE(each_is_caught_by_its_check_and_not_by_its_gradient) {
  std::ostringstream table;
  print_header(table);
  for (const Bug bug : all_bugs()) {
    std::vector<Outcome> outcomes;
    for (const Check& check : checks) {
      outcomes.push_back(check.run(Setting(bug)));
      judge(bug, check, outcomes.back());
    }
    print_row(table, bug, outcomes);
  }
  std::cout << "classic mistakes and the checks that catch them (✓ caught, · passes):\n"
            << table.str() << std::flush;
  std::ifstream readme("nn/checks/README.md");
  const std::string page{std::istreambuf_iterator<char>(readme), {}};
  BOOST_TEST(page.find(table.str()) != std::string::npos, "nn/checks/README.md has another table");
  const std::string report = batch(Setting(Bug::tiled_lengths)).text;
  BOOST_TEST(page.find(report) != std::string::npos,
             "nn/checks/README.md has another report: " << report);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

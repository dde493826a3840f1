#include "nn/checks/properties.h"

#include <algorithm>

#include "autograd/ops.h"

namespace adjoint::nn {
namespace {

constexpr int orders = 3;  // random ones that are tried

std::string numbered(const char* name, Index number) { return name + std::to_string(number); }

// All tensors have the axis, and the same size there: what it is.
Index common_size(const PropertyReport& report, const Tensors& xs, const Tensors& ys, Index axis) {
  const auto size_of = [&](const Tensor& x, const char* what, std::size_t i) {
    require(x.rank() > 0 && axis >= -x.rank() && axis < x.rank(), report.property(), ": ", what,
            ' ', i, ' ', x.shape(), " has no axis ", axis);
    return x.size(axis);
  };
  const Index size = size_of(xs[0], "input", 0);
  require(size >= 2, report.property(), ": input 0 ", xs[0].shape(), " has only ", size,
          " along axis ", axis, ": at least 2 are needed to show anything");
  const auto agree = [&](const Tensors& tensors, const char* what) {
    for (std::size_t i = 0; i < tensors.size(); ++i)
      require(size_of(tensors[i], what, i) == size, report.property(), ": ", what, ' ', i, ' ',
              tensors[i].shape(), " has not ", size, " along axis ", axis, " as input 0 has");
  };
  agree(xs, "input");
  agree(ys, "output");
  return size;
}

Tensors batch_of_one(const Tensors& xs, Index example) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(slice(detach(x), 0, example, example + 1));
  return result;
}

}  // namespace

// ---- Batch -------------------------------------------------------------------------------------

PropertyReport batch_independence(const Function& f, const Tensors& inputs,
                                  const PropertyOptions& options) {
  PropertyReport report(
      "batch independence",
      "valid lengths that follow the heads by tile, 1 2 1 2, instead of repeat, 1 1 2 2; another "
      "reshape that mixes examples up; a mean or a softmax over the batch axis");
  Independence asked(f, inputs, options, report);
  const Index batch = common_size(report, asked.inputs(), asked.outputs(), 0);
  std::vector<Tensors> alone(asked.outputs().size());
  for (Index example = 0; example < batch; ++example) {
    const auto own = [=](Index i) { return i == example; };
    const auto other = [=](Index i) { return i != example; };
    asked.require_none(
        part_along(numbered("the output of example ", example), asked.outputs(), 0, own),
        part_along("the other examples", asked.inputs(), 0, other));
    const Tensors ys = asked.evaluate(batch_of_one(asked.inputs(), example));
    for (std::size_t j = 0; j < alone.size(); ++j) alone[j].push_back(ys[j]);
  }
  const bool others_matter = !report;
  Tensors together;
  for (const Tensors& examples : alone) together.push_back(concat(examples, 0));
  asked.require_equal(together, whole(asked.outputs()), "when its example is a batch of its own");
  if (!report && !others_matter)
    report.set_cause(
        "not the other examples' contents but the place in the batch: positions added along the "
        "batch axis, or dropout that is still on");
  return report;
}

// ---- Time --------------------------------------------------------------------------------------

PropertyReport causality(const Function& f, const Tensors& inputs, Sees sees, Index axis,
                         const PropertyOptions& options) {
  const bool strict = sees == Sees::past;
  PropertyReport report(
      strict ? "strict causality" : "causality",
      strict
          ? "the decoder reads the label that it is to predict: its input is the labels shifted "
            "by one step, with a begin symbol in front"
          : "no causal mask (in evaluation, too, there has to be one), a mask that is off by one, "
            "or a mean over the steps");
  Independence asked(f, inputs, options, report);
  const Index steps = common_size(report, asked.inputs(), asked.outputs(), axis);
  for (Index t = strict ? 0 : 1; t < steps; ++t) {
    const Index end = strict ? t + 1 : t;  // of the steps in which step t must not show
    asked.require_none(part_along(numbered("the output of the steps up to ", end - 1),
                                  asked.outputs(), axis, [=](Index i) { return i < end; }),
                       part_along(numbered("the steps from ", t) + " on", asked.inputs(), axis,
                                  [=](Index i) { return i >= t; }));
  }
  return report;
}

namespace {

// The usual cause, by the steps that were wrong.
std::string cause_of(const std::vector<Index>& wrong, Index steps) {
  if (wrong.empty()) return "";
  if (wrong.back() < steps - 1)
    return "the full run sees later steps than its own (no causal mask): only the last step, which "
           "has none, agrees";
  if (wrong.front() > 0)
    return "the position of a step (step t adds the row of t, not of 0), or a row of the cache "
           "that "
           "is not the one to write or to read: the first step agrees";
  return "not the cache alone, for the first step differs: the full run sees later steps or takes "
         "a "
         "mean over them, or dropout is on in one of both";
}

}  // namespace

PropertyReport cached_decoding(const std::function<Tensor(const Tensor&)>& full,
                               const std::function<Step()>& start, const Tensor& x,
                               const PropertyOptions& options) {
  PropertyReport report("cached decoding", "");
  const NoRecording guard;
  const Tensor input = detach(x), expected = full(input);
  const Index steps = common_size(report, {input}, {expected}, 1);
  const auto at_step = [](const Tensor& all, Index t) {
    return reshape(slice(all, 1, t, t + 1), all.shape().without(1));
  };
  const Step step = start();
  std::vector<Index> wrong;
  for (Index t = 0; t < steps; ++t) {
    const std::size_t before = report.violations().size();
    compare("step " + std::to_string(t) + ": output", step(at_step(input, t)), at_step(expected, t),
            Tensor(), "when decoded step by step", options.tolerance, report);
    if (report.violations().size() > before) wrong.push_back(t);
  }
  report.set_cause(cause_of(wrong, steps));
  return report;
}

// ---- Padding -----------------------------------------------------------------------------------

namespace {

void require_lengths(const PropertyReport& report, const Tensors& xs, const Tensors& lengths,
                     const char* what) {
  require(xs.size() == lengths.size(), report.property(), ": ", lengths.size(), " lengths for ",
          xs.size(), ' ', what, 's');
  for (std::size_t i = 0; i < xs.size(); ++i)
    require(!lengths[i].defined() ||
                (xs[i].rank() >= 2 && lengths[i].form() == Form{{xs[i].size(0)}, DType::i64}),
            report.property(), ": ", what, ' ', i, ' ', xs[i].shape(),
            " needs to be [batch, steps, …] with lengths i64 [batch]");
}

// The padding of each, or what is valid: all of it, where there are no lengths.
Part padding_of(const Tensors& xs, const Tensors& lengths) {
  Part result{"the padding", {}};
  for (std::size_t i = 0; i < xs.size(); ++i)
    result.members.push_back(
        !lengths[i].defined() ? Tensor() : members_in_rows(xs[i].shape(), [&](Index b, Index t) {
          return static_cast<double>(t) >= lengths[i].at({b});
        }));
  return result;
}

Part valid_part(const Tensors& ys, const Tensors& lengths) {
  Part result = padding_of(ys, lengths);
  result.name = "the valid output";
  for (std::size_t j = 0; j < ys.size(); ++j) {
    const Tensor all = ones(ys[j].shape(), DType::b8);
    Tensor& members = result.members[j];
    members = members.defined() ? where(members, zeros(ys[j].shape(), DType::b8), all) : all;
  }
  return result;
}

// More steps at the end: the value that stands for padding, or contents from elsewhere.
Tensor lengthened(const Tensor& x, Index by, const std::optional<double>& value, Key key) {
  Tensor added = full(x.shape().with(1, by), value.value_or(0), x.dtype());
  if (!value) added = gather(x, random_integers({by}, 0, x.size(1), key), 1);
  return concat({x, added}, 1);
}

}  // namespace

PropertyReport padding_invariance(const Function& f, const Tensors& inputs, const Padding& padding,
                                  const PropertyOptions& options) {
  PropertyReport report("padding invariance",
                        "attention without valid lengths, or with those of something else, a "
                        "padding id that is taken for a word, or a mean over padding (a loss "
                        "divides by the number of real tokens)");
  Independence asked(f, inputs, options, report);
  require_lengths(report, asked.inputs(), padding.inputs, "input");
  require_lengths(report, asked.outputs(), padding.outputs, "output");
  const Part guarded = valid_part(asked.outputs(), padding.outputs);
  if (!padding.value) asked.require_none(guarded, padding_of(asked.inputs(), padding.inputs));

  for (const Index more : {1, 3}) {
    Tensors longer;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Tensor x = detach(inputs[i]);
      const Key key = options.key.child("longer").child(i);
      const bool padded = padding.inputs[i].defined();
      longer.push_back(padded ? lengthened(x, more, padding.value, key) : x);
    }
    Tensors shown = asked.evaluate(longer);
    for (std::size_t j = 0; j < shown.size(); ++j)
      if (padding.outputs[j].defined())
        shown[j] = slice(shown[j], 1, 0, asked.outputs()[j].size(1));
    asked.require_equal(shown, guarded, "with padding longer by " + std::to_string(more));
  }
  return report;
}

PropertyReport padding_row(const Function& f, const Tensor& table, Index row,
                           const PropertyOptions& options) {
  PropertyReport report("padding row",
                        "padding is embedded as if it were a word, and something looks at it: "
                        "attention without valid lengths, or a loss that counts padding");
  require(table.rank() == 2 && row >= 0 && row < table.size(0), report.property(),
          ": there is no row ", row, " in a table ", table.shape());
  Independence asked(f, {table}, options, report);
  Part guarded = whole(asked.outputs());
  guarded.name = "the output";
  asked.require_none(guarded, part_along(numbered("row ", row), asked.inputs(), 0,
                                         [=](Index i) { return i == row; }));
  return report;
}

// ---- Chance and order --------------------------------------------------------------------------

PropertyReport determinism(const Function& f, const Tensors& inputs,
                           const PropertyOptions& options) {
  PropertyReport report("determinism",
                        "dropout is still on in evaluation, or something is written that the next "
                        "call reads");
  Independence asked(f, inputs, options, report);
  for (const char* run : {"in a second run", "in a third run"}) {
    const Tensors again = asked.evaluate(asked.inputs());
    for (std::size_t j = 0; j < again.size(); ++j)  // a tolerance below any difference
      compare("output " + std::to_string(j), again[j], asked.outputs()[j], Tensor(), run, 1e-300,
              report);
  }
  return report;
}

namespace {

// A random order that is not the given one.
Tensor new_order(Index count, Key key) {
  Tensor order = permutation(count, key);
  while (std::ranges::is_sorted(order.values<Index>())) {
    key = key.child("again");
    order = permutation(count, key);
  }
  return order;
}

Tensors reordered(const Tensors& xs, const Tensor& order, Index axis) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(gather(detach(x), order, x.shape().resolve(axis)));
  return result;
}

}  // namespace

PropertyReport permutation_equivariance(const Function& f, const Tensors& inputs, Index axis,
                                        const PropertyOptions& options) {
  PropertyReport report(
      "permutation equivariance",
      "heads split by a reshape alone (steps and heads have to be exchanged, too), "
      "positions or a causal mask where there should be none");
  Independence asked(f, inputs, options, report);
  const Index steps = common_size(report, asked.inputs(), asked.outputs(), axis);
  for (int i = 0; i < orders; ++i) {
    const Tensor order = new_order(steps, options.key.child(static_cast<std::uint64_t>(i)));
    const Tensors actual = asked.evaluate(reordered(asked.inputs(), order, axis));
    const Tensors expected = reordered(asked.outputs(), order, axis);
    for (std::size_t j = 0; j < expected.size(); ++j)
      compare("output " + std::to_string(j), actual[j], expected[j], Tensor(),
              "from the reordered output when the input is reordered", options.tolerance, report);
  }
  return report;
}

PropertyReport permutation_invariance(const Function& f, const Tensors& inputs, Index axis,
                                      const PropertyOptions& options) {
  PropertyReport report(
      "permutation invariance",
      "heads split by a reshape alone, keys that are paired with other values, or "
      "positions where there should be none");
  Independence asked(f, inputs, options, report);
  const Index steps = common_size(report, asked.inputs(), {}, axis);
  for (int i = 0; i < orders; ++i) {
    const Tensor order = new_order(steps, options.key.child(static_cast<std::uint64_t>(i)));
    asked.require_equal(asked.evaluate(reordered(asked.inputs(), order, axis)),
                        whole(asked.outputs()), "when the input is reordered");
  }
  return report;
}

}  // namespace adjoint::nn

#include "nn/checks/properties.h"

#include <algorithm>

#include "autograd/ops.h"

namespace adjoint::nn {
namespace {

// The size of an axis that all tensors share. Error if one lacks it or has another size.
Index common_size(const PropertyReport& report, const Tensors& xs, const Tensors& ys, Index axis) {
  Index size = 0;
  const auto check = [&](const Tensors& tensors, const char* role) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const Shape& shape = tensors[i].shape();
      require(axis >= -shape.rank() && axis < shape.rank(), report.property, ": ", role, ' ', i,
              ' ', shape, " has no axis ", axis);
      if (size == 0) size = shape[axis];
      require(size >= 2, report.property, ": input 0 ", shape, " has size ", size, " along axis ",
              axis, ": at least 2 are needed to show anything");
      require(shape[axis] == size, report.property, ": ", role, ' ', i, ' ', shape,
              " must have size ", size, " along axis ", axis, ", as input 0");
    }
  };
  check(xs, "input");
  check(ys, "output");
  return size;
}

// The cause for cached decoding.
std::string cause_of(const std::vector<Index>& wrong_steps, Index steps) {
  if (wrong_steps.empty()) return "";
  if (wrong_steps.back() < steps - 1)
    return "the full run sees later steps (no causal mask): only the last step, which has none, "
           "agrees";
  if (wrong_steps.front() > 0)
    return "the position of a step (step t must add row t, not row 0), or the wrong row of the "
           "cache is written or read: the first step agrees";
  return "not the cache alone, since the first step differs: the full run sees later steps or "
         "averages over them, or dropout is on in one of the two";
}

void require_lengths(const PropertyReport& report, const Tensors& xs, const Tensors& lengths,
                     const char* role) {
  require(xs.size() == lengths.size(), report.property, ": ", lengths.size(), " lengths for ",
          xs.size(), ' ', role, 's');
  for (std::size_t i = 0; i < xs.size(); ++i)
    require(!lengths[i].defined() ||
                (xs[i].rank() >= 2 && lengths[i].form() == Form{{xs[i].size(0)}, DType::i64}),
            report.property, ": ", role, ' ', i, ' ', xs[i].shape(),
            " must be [batch, steps, …] with lengths i64 [batch]");
}

// The padding of each tensor, or its valid part. Without lengths, all of a tensor is valid.
Region rows_of(const Tensors& xs, const Tensors& lengths, bool padding) {
  Region region{padding ? "the padding" : "the valid output", {}};
  for (std::size_t i = 0; i < xs.size(); ++i)
    if (lengths[i].defined())
      region.masks.push_back(mask_of_rows(xs[i].shape(), [&](Index b, Index t) {
        return (static_cast<double>(t) >= lengths[i].at({b})) == padding;
      }));
    else
      region.masks.push_back(padding ? Tensor() : ones(xs[i].shape(), DType::b8));
  return region;
}

// Appends steps: the value that marks padding, or contents from elsewhere.
Tensor lengthened(const Tensor& x, Index by, const std::optional<double>& value, Key key) {
  Tensor added = full(x.shape().with(1, by), value.value_or(0), x.dtype());
  if (!value) added = gather(x, random_integers({by}, 0, x.size(1), key), 1);
  return concat({x, added}, 1);  // [batch, steps + by, …]
}

// A random order other than the sorted one.
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

// f(Px) against P f(x) if `equivariant`, else against f(x).
PropertyReport permuted(PropertyReport report, bool equivariant, const Function& f,
                        const Tensors& inputs, Index axis, const PropertyOptions& options) {
  Independence asked(f, inputs, options, report);
  const Tensors& ys = asked.outputs();
  const Index steps = common_size(report, asked.inputs(), equivariant ? ys : Tensors(), axis);
  for (std::uint64_t i = 0; i < 3; ++i) {
    const Tensor order = new_order(steps, options.key.child(i));
    asked.require_equal(asked.evaluate(reordered(asked.inputs(), order, axis)),
                        equivariant ? reordered(ys, order, axis) : ys, everything(ys),
                        equivariant ? "from the reordered output when the input is reordered"
                                    : "when the input is reordered");
  }
  return report;
}

}  // namespace

PropertyReport batch_independence(const Function& f, const Tensors& inputs,
                                  const PropertyOptions& options) {
  PropertyReport report{
      "batch independence",
      "valid lengths that follow the heads by tile, 1 2 1 2, instead of repeat, 1 1 2 2; another "
      "reshape that mixes up examples; a mean or a softmax over the batch axis"};
  Independence asked(f, inputs, options, report);
  const Index batch = common_size(report, asked.inputs(), asked.outputs(), 0);
  std::vector<Tensors> alone(asked.outputs().size());  // [output][example]
  for (Index example = 0; example < batch; ++example) {
    asked.require_none(region_along("the output of example " + std::to_string(example),
                                    asked.outputs(), 0, [=](Index i) { return i == example; }),
                       region_along("the other examples", asked.inputs(), 0,
                                    [=](Index i) { return i != example; }));
    Tensors xs;
    for (const Tensor& x : asked.inputs())
      xs.push_back(slice(detach(x), 0, example, example + 1));  // [1, …]
    const Tensors ys = asked.evaluate(xs);
    for (std::size_t j = 0; j < alone.size(); ++j) alone[j].push_back(ys[j]);
  }
  const bool contents_matter = !report;
  Tensors together;
  for (const Tensors& examples : alone) together.push_back(concat(examples, 0));  // [batch, …]
  asked.require_equal(together, asked.outputs(), everything(asked.outputs()),
                      "when its example is a batch of its own");
  if (!report && !contents_matter)
    report.cause =
        "not the contents of other examples but the place in the batch: positions added along the "
        "batch axis, or dropout that is still on";
  return report;
}

PropertyReport causality(const Function& f, const Tensors& inputs, Sees sees, Index axis,
                         const PropertyOptions& options) {
  const bool strict = sees == Sees::past;
  PropertyReport report{
      strict ? "strict causality" : "causality",
      strict ? "the decoder reads the label that it should predict: its input must be the labels "
               "shifted by one step, with a begin symbol in front"
             : "no causal mask (evaluation needs one too), a mask that is off by one, or a mean "
               "over the steps"};
  Independence asked(f, inputs, options, report);
  const Index steps = common_size(report, asked.inputs(), asked.outputs(), axis);
  for (Index t = strict ? 0 : 1; t < steps; ++t) {
    const Index end = strict ? t + 1 : t;  // of the output steps that must not depend on step t
    asked.require_none(region_along("the output of the steps up to " + std::to_string(end - 1),
                                    asked.outputs(), axis, [=](Index i) { return i < end; }),
                       region_along("the steps from " + std::to_string(t) + " on", asked.inputs(),
                                    axis, [=](Index i) { return i >= t; }));
  }
  return report;
}

PropertyReport cached_decoding(const std::function<Tensor(const Tensor&)>& full,
                               const std::function<Step()>& start, const Tensor& x,
                               const PropertyOptions& options) {
  PropertyReport report{"cached decoding", ""};
  const NoRecording guard;
  const Tensor input = detach(x), expected = full(input);
  const Index steps = common_size(report, {input}, {expected}, 1);
  const auto at_step = [](const Tensor& all, Index t) {  // [batch, steps, …] → [batch, …]
    return reshape(slice(all, 1, t, t + 1), all.shape().without(1));
  };
  const Step step = start();
  std::vector<Index> wrong_steps;
  for (Index t = 0; t < steps; ++t) {
    const std::size_t before = report.violations.size();
    report.compare("step " + std::to_string(t) + ": output", step(at_step(input, t)),
                   at_step(expected, t), "when decoded step by step", options.tolerance);
    if (report.violations.size() > before) wrong_steps.push_back(t);
  }
  report.cause = cause_of(wrong_steps, steps);
  return report;
}

PropertyReport padding_invariance(const Function& f, const Tensors& inputs, const Padding& padding,
                                  const PropertyOptions& options) {
  PropertyReport report{"padding invariance",
                        "attention without valid lengths, or with those of something else, a "
                        "padding id that is taken for a word, or a mean over padding (a loss "
                        "must divide by the number of real tokens)"};
  Independence asked(f, inputs, options, report);
  require_lengths(report, asked.inputs(), padding.inputs, "input");
  require_lengths(report, asked.outputs(), padding.outputs, "output");
  const Region valid = rows_of(asked.outputs(), padding.outputs, false);
  if (!padding.value) asked.require_none(valid, rows_of(asked.inputs(), padding.inputs, true));

  for (const Index more : {1, 3}) {
    Tensors longer;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Tensor x = detach(inputs[i]);
      const Key key = options.key.child("longer").child(i);
      longer.push_back(padding.inputs[i].defined() ? lengthened(x, more, padding.value, key) : x);
    }
    Tensors ys = asked.evaluate(longer);
    for (std::size_t j = 0; j < ys.size(); ++j)
      if (padding.outputs[j].defined()) ys[j] = slice(ys[j], 1, 0, asked.outputs()[j].size(1));
    asked.require_equal(ys, asked.outputs(), valid,
                        "with padding longer by " + std::to_string(more));
  }
  return report;
}

PropertyReport padding_row(const Function& f, const Tensor& table, Index row,
                           const PropertyOptions& options) {
  PropertyReport report{"padding row",
                        "padding is embedded like a word, and something reads it: attention "
                        "without valid lengths, or a loss that counts padding"};
  require(table.rank() == 2 && row >= 0 && row < table.size(0), report.property,
          ": there is no row ", row, " in a table ", table.shape());
  Independence asked(f, {table}, options, report);
  asked.require_none({"the output", everything(asked.outputs()).masks},
                     region_along("row " + std::to_string(row), asked.inputs(), 0,
                                  [=](Index i) { return i == row; }));
  return report;
}

PropertyReport determinism(const Function& f, const Tensors& inputs,
                           const PropertyOptions& options) {
  PropertyReport report{
      "determinism",
      "dropout is still on in evaluation, or a call writes something that the next one reads"};
  PropertyOptions exact = options;
  exact.tolerance = 1e-300;  // below any difference
  Independence asked(f, inputs, exact, report);
  for (const char* run : {"in a second run", "in a third run"})
    asked.require_equal(asked.evaluate(asked.inputs()), asked.outputs(),
                        everything(asked.outputs()), run);
  return report;
}

PropertyReport permutation_equivariance(const Function& f, const Tensors& inputs, Index axis,
                                        const PropertyOptions& options) {
  return permuted({"permutation equivariance",
                   "heads split by a reshape alone (steps and heads must be transposed too), or "
                   "unintended positions or causal mask"},
                  true, f, inputs, axis, options);
}

PropertyReport permutation_invariance(const Function& f, const Tensors& inputs, Index axis,
                                      const PropertyOptions& options) {
  return permuted({"permutation invariance",
                   "heads split by a reshape alone, keys paired with the wrong values, or "
                   "unintended positions"},
                  false, f, inputs, axis, options);
}

}  // namespace adjoint::nn

// A report as JSON.
#include <algorithm>
#include <cmath>

#include "autograd/gradcheck.h"
#include "autograd/support/json.h"

namespace adjoint {
namespace {

constexpr int schema = 1;  // changes when a field changes its name or its meaning

using adjoint::json;  // of texts and numbers, beside those of the types below

std::string json(const std::vector<std::string>& texts) {
  return json_list(texts, [](const std::string& text) { return json(text); });
}
std::string json(const Shape& shape) {
  std::string result = "[";
  for (Index axis = 0; axis < shape.rank(); ++axis)
    result += (axis > 0 ? "," : "") + json(shape[axis]);
  return result + "]";
}
std::string json(const std::vector<Shape>& shapes) {
  return json_list(shapes, [](const Shape& shape) { return json(shape); });
}
// [rows, columns] as a list of rows.
std::string json(const Tensor& matrix) {
  const std::span<const double> values = matrix.values<double>();
  const auto columns = static_cast<std::size_t>(matrix.size(1));
  std::string result = "[";
  for (std::size_t row = 0; row < static_cast<std::size_t>(matrix.size(0)); ++row)
    result += (row > 0 ? "," : "") + json_list(values.subspan(row * columns, columns),
                                               [](double value) { return json(value); });
  return result + "]";
}

// The name of a kind or a verdict as an identifier: "not_finite", "failed".
std::string identifier(std::string name) {
  for (char& c : name) c = c == ' ' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return json(name);
}

// An index, or null for −1.
std::string index(Index i) { return i < 0 ? "null" : json(i); }

// ---- The parts of a report ----------------------------------------------------------------------

std::string json(const Finding& f) {
  return json_object({{"kind", identifier(name_of(f.kind))},
                      {"failed", json(f.failed())},
                      {"order", json(f.order)},
                      {"where", json(f.where)},
                      {"cotangent", json(f.cotangent)},
                      {"input", index(f.input)},
                      {"element", index(f.element)},
                      {"analytic", json(f.analytic)},
                      {"numeric", json(f.numeric)},
                      {"error", json(f.error)},
                      {"relative", json(f.relative)},
                      {"note", json(f.note)}});
}

std::string json(const Diagnosis& d) {
  return json_object({{"kind", identifier(name_of(d.kind))},
                      {"order", json(d.order)},
                      {"input", index(d.input)},
                      {"name", json(d.name)},
                      {"factor", json(d.factor)},
                      {"text", json(d.text)}});
}

std::string json(const Coverage& c) {
  return json_object({{"order", json(c.order)},
                      {"inputs", json(c.inputs)},
                      {"outputs", json(c.outputs)},
                      {"measured", json(c.measured)},
                      {"jacobian", json(c.jacobian)},
                      {"cotangents", json(c.cotangents)},
                      {"projections", json(c.projections)},
                      {"could_be_missed", json(c.could_be_missed)}});
}

// How many derivatives were measured, and the largest numbers among them.
std::string json(const Measurement& m, bool full) {
  const auto analytic = m.analytic.values<double>(), numeric = m.numeric.values<double>();
  const auto error = m.error.values<double>();
  Index measured = 0;
  double largest = 0, difference = 0, uncertainty = 0;
  for (std::size_t k = 0; k < numeric.size(); ++k) {
    if (std::isnan(numeric[k])) continue;
    ++measured;
    largest = std::max(largest, std::abs(numeric[k]));
    difference = std::max(difference, std::abs(analytic[k] - numeric[k]));
    uncertainty = std::max(uncertainty, error[k]);
  }
  JsonFields fields = {{"order", json(m.order)},
                       {"input", json(m.input)},
                       {"name", json(m.name)},
                       {"shape", json(m.shape)},
                       {"outputs", json(m.outputs)},
                       {"jacobian", json(m.jacobian)},
                       {"measured", json(measured)},
                       {"largest_derivative", json(largest)},
                       {"largest_difference", json(difference)},
                       {"largest_error", json(uncertainty)}};
  if (full) {
    fields.emplace_back("cotangents", json(m.cotangents));
    fields.emplace_back("analytic", json(m.analytic));
    fields.emplace_back("numeric", json(m.numeric));
    fields.emplace_back("error", json(m.error));
  }
  return json_object(fields);
}

JsonFields fields_of(const GradcheckReport& report, bool full);

std::string json(const Culprit& c, bool full) {
  return json_object({{"operation", json(c.operation)},
                      {"scope", json(c.scope)},
                      {"number", json(c.number)},
                      {"inputs", json(c.inputs)},
                      {"outputs", json(c.outputs)},
                      {"report", c.report ? json_object(fields_of(*c.report, full)) : "null"}});
}

std::string json(const TapeWalk& walk, bool full) {
  return json_object({{"operations", json(walk.operations)},
                      {"wrong", json(walk.wrong)},
                      {"culprit", walk.culprit ? json(*walk.culprit, full) : "null"},
                      {"kink", walk.kink ? json(*walk.kink, full) : "null"}});
}

std::string json(const TaylorRate::Step& step) {
  return json_object({{"h", json(step.h)},
                      {"change", json(step.change)},
                      {"remainder", json(step.remainder)},
                      {"rate", json(step.rate)}});
}

std::string json(const TaylorRate& t) {
  return json_object(
      {{"kind", identifier(name_of(t.kind))},
       {"order", json(t.order)},
       {"where", json(t.where)},
       {"rate", json(t.rate)},
       {"slope", json(t.slope)},
       {"slope_error", json(t.slope_error)},
       {"uncertainty", json(t.uncertainty)},
       {"note", json(t.note)},
       {"steps", json_list(t.steps, [](const TaylorRate::Step& step) { return json(step); })}});
}

std::string json(const DotProduct& d) {
  return json_object({{"where", json(d.where)},
                      {"cotangent", json(d.cotangent)},
                      {"agrees", json(d.agrees())},
                      {"jvp", json(d.jvp)},
                      {"vjp", json(d.vjp)},
                      {"numeric", json(d.numeric)},
                      {"error", json(d.error)}});
}

std::string json(const SinglePrecision& s) {
  return json_object({{"values", json(s.values)},
                      {"gradients", json(s.gradients)},
                      {"unjudged", json(s.unjudged)},
                      {"only", json(s.only)},
                      {"first", json(s.first)}});
}

std::string json(const Allocations& a) {
  return json_object({{"forward", json(static_cast<Index>(a.forward))},
                      {"vjp", json(static_cast<Index>(a.vjp))},
                      {"vjp_bytes", json(static_cast<Index>(a.vjp_bytes))}});
}

JsonFields fields_of(const GradcheckReport& report, bool full) {
  const auto plain = [](const auto& part) { return json(part); };
  const auto measurement = [&](const Measurement& m) { return json(m, full); };
  return {{"verdict", identifier(name_of(report.verdict()))},
          {"worst_error", json(report.worst_error)},
          {"findings", json_list(report.findings, plain)},
          {"diagnoses", json_list(report.diagnoses, plain)},
          {"coverage", json_list(report.coverage, plain)},
          {"unused", json(report.unused)},
          {"notes", json(report.notes)},
          {"single", report.single ? json(*report.single) : "null"},
          {"allocations", report.allocations ? json(*report.allocations) : "null"},
          {"taylor", json_list(report.taylor, plain)},
          {"dot_products", json_list(report.dot_products, plain)},
          {"walk", report.walk ? json(*report.walk, full) : "null"},
          {"measurements", json_list(report.measurements, measurement)}};
}

}  // namespace

std::string to_json(const GradcheckReport& report, bool full) {
  JsonFields fields = fields_of(report, full);
  fields.emplace(fields.begin(), "schema", json(schema));
  fields.emplace_back("text", json(text_from(report)));
  return json_object(fields);
}

}  // namespace adjoint

// A report as JSON, written by hand: the engine depends on no JSON library, and it reads none.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <string_view>

#include "autograd/gradcheck.h"
#include "autograd/support/printable.h"

namespace adjoint {
namespace {

constexpr int schema = 1;  // changes when a field changes its name or its meaning

// ---- JSON values --------------------------------------------------------------------------------

// What JSON cannot hold, control characters and bytes that are not UTF-8, is escaped as in reports.
std::string json(std::string_view text) {
  std::string result = "\"";
  for (const char c : printable(text, 0)) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n')
      result += "\\n";
    else if (c == '\t')
      result += "\\t";
    else
      result += c;
  }
  return result + '"';
}
std::string json(const std::string& text) { return json(std::string_view(text)); }
std::string json(const char* text) { return json(std::string_view(text)); }

std::string json(std::integral auto value) {
  if constexpr (std::same_as<decltype(value), bool>)
    return value ? "true" : "false";
  else
    return std::to_string(value);
}

// The shortest digits that read back as the same number. JSON has no other numbers than finite
// ones: the rest are strings that Python's float() and JavaScript's Number() read.
std::string json(double value) {
  if (std::isnan(value)) return R"("NaN")";
  if (std::isinf(value)) return value > 0 ? R"("Infinity")" : R"("-Infinity")";
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

template <class Items>
std::string list(const Items& items, const auto& item) {
  std::string result = "[";
  for (const auto& each : items) result += (result.size() > 1 ? "," : "") + item(each);
  return result + "]";
}
std::string json(const std::vector<std::string>& texts) {
  return list(texts, [](const std::string& text) { return json(text); });
}
std::string json(const Shape& shape) {
  std::string result = "[";
  for (Index axis = 0; axis < shape.rank(); ++axis)
    result += (axis > 0 ? "," : "") + json(shape[axis]);
  return result + "]";
}
std::string json(const std::vector<Shape>& shapes) {
  return list(shapes, [](const Shape& shape) { return json(shape); });
}
// [rows, columns] as a list of rows.
std::string json(const Tensor& matrix) {
  const std::span<const double> values = matrix.values<double>();
  const auto columns = static_cast<std::size_t>(matrix.size(1));
  std::string result = "[";
  for (std::size_t row = 0; row < static_cast<std::size_t>(matrix.size(0)); ++row)
    result += (row > 0 ? "," : "") + list(values.subspan(row * columns, columns),
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

using Field = std::pair<const char*, std::string>;  // a name, and its value as JSON

std::string object(const std::vector<Field>& fields) {
  std::string result = "{";
  for (const auto& [name, value] : fields)
    result += (result.size() > 1 ? "," : "") + json(name) + ":" + value;
  return result + "}";
}

// ---- The parts of a report ----------------------------------------------------------------------

std::string json(const Finding& f) {
  return object({{"kind", identifier(name_of(f.kind))},
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
  return object({{"kind", identifier(name_of(d.kind))},
                 {"order", json(d.order)},
                 {"input", index(d.input)},
                 {"name", json(d.name)},
                 {"factor", json(d.factor)},
                 {"text", json(d.text)}});
}

std::string json(const Coverage& c) {
  return object({{"order", json(c.order)},
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
  std::vector<Field> fields = {{"order", json(m.order)},
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
  return object(fields);
}

std::vector<Field> fields_of(const GradcheckReport& report, bool full);

std::string json(const Culprit& c, bool full) {
  return object({{"operation", json(c.operation)},
                 {"scope", json(c.scope)},
                 {"number", json(c.number)},
                 {"inputs", json(c.inputs)},
                 {"outputs", json(c.outputs)},
                 {"report", c.report ? object(fields_of(*c.report, full)) : "null"}});
}

std::string json(const TapeWalk& walk, bool full) {
  return object({{"operations", json(walk.operations)},
                 {"wrong", json(walk.wrong)},
                 {"culprit", walk.culprit ? json(*walk.culprit, full) : "null"},
                 {"kink", walk.kink ? json(*walk.kink, full) : "null"}});
}

std::string json(const TaylorRate::Step& step) {
  return object({{"h", json(step.h)},
                 {"change", json(step.change)},
                 {"remainder", json(step.remainder)},
                 {"rate", json(step.rate)}});
}

std::string json(const TaylorRate& t) {
  return object(
      {{"kind", identifier(name_of(t.kind))},
       {"order", json(t.order)},
       {"where", json(t.where)},
       {"rate", json(t.rate)},
       {"slope", json(t.slope)},
       {"slope_error", json(t.slope_error)},
       {"uncertainty", json(t.uncertainty)},
       {"note", json(t.note)},
       {"steps", list(t.steps, [](const TaylorRate::Step& step) { return json(step); })}});
}

std::string json(const DotProduct& d) {
  return object({{"where", json(d.where)},
                 {"cotangent", json(d.cotangent)},
                 {"agrees", json(d.agrees())},
                 {"jvp", json(d.jvp)},
                 {"vjp", json(d.vjp)},
                 {"numeric", json(d.numeric)},
                 {"error", json(d.error)}});
}

std::string json(const SinglePrecision& s) {
  return object({{"values", json(s.values)},
                 {"gradients", json(s.gradients)},
                 {"unjudged", json(s.unjudged)},
                 {"only", json(s.only)},
                 {"first", json(s.first)}});
}

std::string json(const Allocations& a) {
  return object({{"forward", json(static_cast<Index>(a.forward))},
                 {"vjp", json(static_cast<Index>(a.vjp))},
                 {"vjp_bytes", json(static_cast<Index>(a.vjp_bytes))}});
}

std::vector<Field> fields_of(const GradcheckReport& report, bool full) {
  const auto plain = [](const auto& part) { return json(part); };
  const auto measurement = [&](const Measurement& m) { return json(m, full); };
  return {{"verdict", identifier(name_of(report.verdict()))},
          {"worst_error", json(report.worst_error)},
          {"findings", list(report.findings, plain)},
          {"diagnoses", list(report.diagnoses, plain)},
          {"coverage", list(report.coverage, plain)},
          {"unused", json(report.unused)},
          {"notes", json(report.notes)},
          {"single", report.single ? json(*report.single) : "null"},
          {"allocations", report.allocations ? json(*report.allocations) : "null"},
          {"taylor", list(report.taylor, plain)},
          {"dot_products", list(report.dot_products, plain)},
          {"walk", report.walk ? json(*report.walk, full) : "null"},
          {"measurements", list(report.measurements, measurement)}};
}

}  // namespace

std::string to_json(const GradcheckReport& report, bool full) {
  std::vector<Field> fields = fields_of(report, full);
  fields.emplace(fields.begin(), "schema", json(schema));
  fields.emplace_back("text", json(text_from(report)));
  return object(fields);
}

}  // namespace adjoint

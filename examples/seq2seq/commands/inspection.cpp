#include "examples/seq2seq/commands/inspection.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "autograd/support/error.h"
#include "examples/seq2seq/model/model_folder.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

std::vector<std::pair<std::string, std::string>> settings_of(const fs::path& folder) {
  std::vector<std::pair<std::string, std::string>> settings;
  std::istringstream text(to_text(read_settings(folder / settings_file)));
  for (std::string line; std::getline(text, line);)
    if (const std::size_t equals = line.find('='); equals != std::string::npos)
      settings.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  return settings;
}

// A value of a setting: what is no number, truth value or list in JSON's notation is a text.
nlohmann::ordered_json value_of(const std::string& text) {
  auto value = nlohmann::ordered_json::parse(text, nullptr, false);
  return value.is_discarded() ? nlohmann::ordered_json(text) : value;
}

// The kinds of model came later than the first ones, which do not name theirs.
std::string kind_of(const std::vector<std::pair<std::string, std::string>>& settings) {
  for (const auto& [name, value] : settings)
    if (name == "model") return value_of(value).get<std::string>();
  return "transformer";
}

// ---- The table ----------------------------------------------------------------------------------

using Row = std::vector<std::string>;

// On one line, whatever a file calls its tensors.
std::string printable(std::string name) {
  std::ranges::replace_if(
      name, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return name;
}

template <class Value>
std::string text_of(const Value& value) {
  std::ostringstream text;
  text << std::setprecision(4) << value;
  return text.str();
}

std::string flags_of(const Statistics& s) {
  std::string text;
  if (s.nan > 0) text = std::to_string(s.nan) + " NaN";
  if (s.infinite > 0) text += (s.nan > 0 ? ", " : "") + std::to_string(s.infinite) + " infinite";
  return text;
}

Row row_of(const InspectedTensor& tensor) {
  const Statistics& s = tensor.statistics;
  const auto number = [&](double value) {
    return s.nan + s.infinite == s.count ? "-" : text_of(value);  // of no finite element
  };
  return {printable(tensor.name),
          text_of(tensor.form.dtype),
          text_of(tensor.form.shape),
          text_of(s.count),
          number(s.mean),
          number(s.deviation),
          number(s.least),
          number(s.largest),
          number(s.norm),
          flags_of(s)};
}

// The first column to the left, the others to the right, but for the last, which is mostly empty.
void print_table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      std::cout << (i == 0 ? std::left : std::right) << std::setw(static_cast<int>(widths[i]))
                << row[i] << (i + 2 < row.size() ? "  " : "");
    std::cout << (row.back().empty() ? "" : "  ") << row.back() << '\n';
  }
}

nlohmann::ordered_json to_json(const InspectedTensor& tensor) {
  const Statistics& s = tensor.statistics;
  nlohmann::ordered_json json;
  json["name"] = tensor.name;
  json["dtype"] = name_of(tensor.form.dtype);
  json["shape"] = tensor.form.shape.sizes();
  json["count"] = s.count;
  json["nan"] = s.nan;
  json["infinite"] = s.infinite;
  json["mean"] = s.mean;
  json["deviation"] = s.deviation;
  json["min"] = s.least;
  json["max"] = s.largest;
  json["norm"] = s.norm;
  return json;
}

}  // namespace

Index Inspection::numbers() const {
  Index sum = 0;
  for (const InspectedTensor& tensor : tensors) sum += tensor.statistics.count;
  return sum;
}

Index Inspection::not_finite() const {
  return std::ranges::count_if(
      tensors, [](const InspectedTensor& tensor) { return !tensor.statistics.finite(); });
}

Inspection inspect(const fs::path& path) {
  require(fs::exists(path), path.string(), ": no such file or folder");
  Inspection result;
  fs::path file = path;
  if (fs::is_directory(path)) {
    require(fs::exists(path / settings_file), path.string(), ": holds no model (no ", settings_file,
            ")");
    result.settings = settings_of(path);
    result.kind = kind_of(result.settings);
    file = path / weights_file;
  }
  nn::SafeTensors content = nn::read_safetensors(file);
  for (const auto& [name, tensor] : content.tensors)
    result.tensors.push_back({name, tensor.form(), statistics(tensor)});
  result.metadata = std::move(content.metadata);
  return result;
}

void print(const Inspection& inspection) {
  if (!inspection.kind.empty()) std::cout << inspection.kind << "\n\n";
  for (const auto& [name, value] : inspection.settings) std::cout << name << '=' << value << '\n';
  for (const auto& [name, value] : inspection.metadata)
    std::cout << printable(name) << ": " << printable(value) << '\n';
  if (!inspection.settings.empty() || !inspection.metadata.empty()) std::cout << '\n';

  std::vector<Row> rows = {
      {"tensor", "dtype", "shape", "count", "mean", "deviation", "min", "max", "norm", ""}};
  std::ranges::transform(inspection.tensors, std::back_inserter(rows), row_of);
  print_table(rows);
  std::cout << '\n'
            << inspection.numbers() << (inspection.kind.empty() ? " numbers" : " parameters")
            << " in " << inspection.tensors.size() << " tensors";
  if (const Index count = inspection.not_finite(); count > 0)
    std::cout << "; NaN or infinity in " << count << " of them";
  std::cout << std::endl;
}

void print_json(const Inspection& inspection) {
  nlohmann::ordered_json json;
  if (!inspection.kind.empty()) {
    json["kind"] = inspection.kind;
    for (const auto& [name, value] : inspection.settings) json["settings"][name] = value_of(value);
  }
  json["metadata"] = inspection.metadata;
  json["numbers"] = inspection.numbers();
  json["not_finite"] = inspection.not_finite();
  json["tensors"] = nlohmann::ordered_json::array();
  for (const InspectedTensor& tensor : inspection.tensors)
    json["tensors"].push_back(to_json(tensor));
  std::cout << json.dump() << std::endl;
}

}  // namespace adjoint::seq2seq

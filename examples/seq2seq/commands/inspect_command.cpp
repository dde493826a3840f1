#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "autograd/support/printable.h"
#include "autograd/tools/inspect.h"
#include "examples/seq2seq/commands/commands.h"
#include "nn/saving/checkpoint.h"
#include "nn/translation/settings_file.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Settings are stored as TOML. Its numbers, booleans and lists are JSON too; anything else is text.
Json value_of(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

// A type that only files have, such as F16, is shown by its name in the file.
Json describe(const std::string& name, const Tensor& tensor,
              const nn::SafeTensorsFile::Entry& entry) {
  const Statistics s = statistics(tensor);
  return {{"name", name},
          {"dtype", entry.widened() ? entry.type : name_of(tensor.dtype())},
          {"shape", tensor.shape().sizes()},
          {"count", s.count},
          {"nan", s.nan},
          {"infinite", s.infinite},
          {"mean", s.mean},
          {"deviation", s.deviation},
          {"min", s.least},
          {"max", s.largest},
          {"norm", s.norm}};
}

// The folder of a model, or any safetensors file.
Json inspect(const fs::path& path) {
  require(fs::exists(path), path.string(), ": no such file or folder");
  Json json;
  const bool is_model = fs::is_directory(path);
  if (is_model) {
    json["kind"] = load_settings(path).model.model;
    for (const auto& [name, value] : stored_settings(path))
      json["settings"][name] = value_of(value);
  }
  const nn::SafeTensorsFile file(is_model ? weights_of(path) : path);
  const nn::SafeTensors content = file.read();
  Index numbers = 0, not_finite = 0;
  Json tensors = Json::array();
  for (const auto& [name, tensor] : content.tensors) {
    tensors.push_back(describe(name, tensor, file.entries().at(name)));
    numbers += tensors.back()["count"].get<Index>();
    not_finite += tensors.back()["nan"] != 0 || tensors.back()["infinite"] != 0;
  }
  json["metadata"] = content.metadata;
  json["numbers"] = numbers;
  json["not_finite"] = not_finite;
  json["tensors"] = std::move(tensors);
  return json;
}

// ---- The table ----------------------------------------------------------------------------------

using Row = std::vector<std::string>;

Row row_of(const Json& tensor) {
  const Index count = tensor["count"], nan = tensor["nan"], infinite = tensor["infinite"];
  Row row = {printable_line(tensor["name"].get<std::string>(), 0), tensor["dtype"], "[",
             std::to_string(count)};
  for (const Json& size : tensor["shape"]) row[2] += (row[2] == "[" ? "" : ", ") + size.dump();
  row[2] += "]";
  for (const char* statistic : {"mean", "deviation", "min", "max", "norm"}) {
    const std::string text = text_from(std::setprecision(4), tensor[statistic].get<double>());
    row.push_back(nan + infinite == count ? "-" : text);  // no finite element
  }
  row.emplace_back();
  if (nan > 0) row.back() = std::to_string(nan) + " NaN";
  if (infinite > 0) row.back() += (nan > 0 ? ", " : "") + std::to_string(infinite) + " infinite";
  return row;
}

// The first column is aligned to the left, the others to the right; the last is usually empty.
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

std::string settings_text(const fs::path& folder) {
  std::string text;
  for (const auto& [name, value] : stored_settings(folder)) text += nn::settings_line(name, value);
  return text;
}

void print(const Json& json, const fs::path& path) {
  const bool is_model = json.contains("kind");
  if (is_model)
    std::cout << json["kind"].get<std::string>() << "\n\n" << printable(settings_text(path), 0);
  for (const auto& [name, value] : json["metadata"].items())
    if (name == nn::settings_key && !is_model)
      std::cout << "settings:\n" << printable(value.get<std::string>(), 0) << '\n';
    else if (name != nn::settings_key)  // else they have just been printed
      std::cout << printable_line(name, 0) << ": " << printable_line(value.get<std::string>(), 0)
                << '\n';
  if (is_model || !json["metadata"].empty()) std::cout << '\n';

  std::vector<Row> rows = {
      {"tensor", "dtype", "shape", "count", "mean", "deviation", "min", "max", "norm", ""}};
  std::ranges::transform(json["tensors"], std::back_inserter(rows), row_of);
  print_table(rows);
  std::cout << '\n'
            << json["numbers"] << (is_model ? " parameters" : " numbers") << " in "
            << json["tensors"].size() << " tensors";
  if (json["not_finite"] != 0)
    std::cout << "; NaN or infinity in " << json["not_finite"] << " of them";
  std::cout << std::endl;
}

constexpr auto inspect_footer = R"(
The columns are statistics of the finite elements: deviation is the standard deviation, norm the
Euclidean norm. NaN and infinite elements are counted at the end of the line.

  seq2seq inspect my-model
  seq2seq inspect my-model/weights.safetensors
  seq2seq inspect my-model --json | python3 -m json.tool)";

struct InspectCommand : Command {
  std::string path;
  bool as_json = false;

  InspectCommand()
      : Command({"inspect", "print the settings and parameters of a model", inspect_footer}) {
    options
        .add("model", path,
             "folder of a trained model, or a safetensors file: weights, or the state of a run")
        .required();
    options.add_flag("--json", as_json, "print a JSON object instead");
  }

  int run() override {
    const Json json = inspect(path);
    if (as_json)
      // In ASCII, so that names from a stranger's file cannot control a terminal.
      std::cout << json.dump(-1, ' ', true, Json::error_handler_t::replace) << std::endl;
    else
      print(json, path);
    return status::done;
  }
};

}  // namespace

std::unique_ptr<Command> inspect_command() { return std::make_unique<InspectCommand>(); }

}  // namespace adjoint::seq2seq

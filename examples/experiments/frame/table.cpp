#include "examples/experiments/frame/table.h"

#include <algorithm>

#include "autograd/support/error.h"
#include "examples/experiments/frame/results.h"
#include "examples/experiments/frame/statistics.h"

namespace adjoint::experiments {
namespace {

// A | inside a cell would end it.
std::string line_of(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) {
    line += ' ';
    for (const char c : cell) line += c == '|' ? std::string("\\|") : std::string(1, c);
    line += " |";
  }
  return line + '\n';
}

bool has(const Results& results, const std::string& quantity, const std::string& arm,
         std::optional<double> x) {
  for (const Measurement& one : results.measurements())
    if (one.quantity == quantity && one.arm == arm && one.x == x) return true;
  return false;
}

// A dash where nothing was measured.
std::string cell_of(const Results& results, const std::string& quantity, const std::string& arm,
                    std::optional<double> x = std::nullopt) {
  if (!has(results, quantity, arm, x)) return "–";
  return words(interval(results.values(quantity, arm, x)));
}

void add_new(std::vector<std::string>& names, const std::vector<std::string>& more) {
  for (const std::string& name : more)
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

}  // namespace

std::string Table::markdown() const {
  std::string text = line_of(heading) + line_of(std::vector<std::string>(heading.size(), "---"));
  for (const auto& row : rows) {
    require(row.size() == heading.size(), "a table's row of ", row.size(), " cells under ",
            heading.size(), " headings");
    text += line_of(row);
  }
  return text;
}

Table table_of(const Results& results, const std::string& arms,
               std::vector<std::string> quantities) {
  if (quantities.empty()) quantities = results.quantities();
  Table table;
  table.heading = {arms};
  table.heading.insert(table.heading.end(), quantities.begin(), quantities.end());
  std::vector<std::string> all_arms;
  for (const std::string& quantity : quantities) add_new(all_arms, results.arms(quantity));
  for (const std::string& arm : all_arms) {
    std::vector<std::string>& row = table.rows.emplace_back(1, arm);
    for (const std::string& quantity : quantities) row.push_back(cell_of(results, quantity, arm));
  }
  return table;
}

Table curves_of(const Results& results, const std::string& x, const std::string& quantity) {
  const std::vector<std::string> arms = results.arms(quantity);
  Table table;
  table.heading = {x};
  table.heading.insert(table.heading.end(), arms.begin(), arms.end());
  std::vector<double> places;
  for (const std::string& arm : arms)
    for (const double place : results.places(quantity, arm))
      if (std::ranges::find(places, place) == places.end()) places.push_back(place);
  for (const double place : places) {
    std::vector<std::string>& row = table.rows.emplace_back(1, text_from(place));
    for (const std::string& arm : arms) row.push_back(cell_of(results, quantity, arm, place));
  }
  return table;
}

}  // namespace adjoint::experiments

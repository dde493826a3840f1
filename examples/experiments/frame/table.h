// Tables in Markdown.
#pragma once

#include <string>
#include <vector>

namespace adjoint::experiments {

class Results;

/// A heading, and rows with as many cells.
struct Table {
  std::vector<std::string> heading;
  std::vector<std::vector<std::string>> rows;

  /// Lines that begin and end with |. Error for a row of another length.
  std::string markdown() const;
};

/// A row for each arm and a column for each quantity, with means and intervals over the seeds. The
/// first heading names what the arms are. Without quantities: all of them.
Table table_of(const Results& results, const std::string& arms,
               std::vector<std::string> quantities = {});
/// A row for each x of one quantity and a column for each arm. The first heading names x.
Table curves_of(const Results& results, const std::string& x, const std::string& quantity);

}  // namespace adjoint::experiments

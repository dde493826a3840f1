// What an experiment measured: numbers, kept one by one, so that tables, pictures and answers can
// be made again from the file without another run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint::experiments {

/// One number that one run gave.
struct Measurement {
  std::string quantity;          ///< with its unit: "reversed without a mistake (%)"
  std::string arm;               ///< what is compared with others: "learned"
  std::optional<double> x = {};  ///< where on the picture's axis, if there is one: a dimension
  std::optional<std::int64_t> seed = {};  ///< of the run; none for what is computed exactly
  double value = 0;

  bool operator==(const Measurement&) const = default;
};

/// All numbers of an experiment, and how they came about.
class Results {
 public:
  /// Error for a name with a comma, a quote or a line break, which the file could not hold.
  void add(Measurement measurement);
  const std::vector<Measurement>& measurements() const { return measurements_; }
  bool empty() const { return measurements_.empty(); }

  /// Names and places in the order in which they were first added.
  std::vector<std::string> quantities() const;
  std::vector<std::string> arms(std::string_view quantity) const;
  std::vector<double> places(std::string_view quantity, std::string_view arm) const;
  /// The values in the order of their seeds. Error if there are none.
  std::vector<double> values(std::string_view quantity, std::string_view arm,
                             std::optional<double> x = std::nullopt) const;
  /// The only value. Error if there is not exactly one.
  double value(std::string_view quantity, std::string_view arm,
               std::optional<double> x = std::nullopt) const;

  bool quick = false;     ///< the short form, for the tests
  double seconds = 0;     ///< that the runs took together
  std::string processor;  ///< its name and the number of threads

  /// A line for each measurement, behind lines that begin with # and tell how they came about.
  std::string csv() const;
  /// Reads it again. Errors name the path and the line.
  static Results from_csv(std::string_view text, const std::filesystem::path& path);

 private:
  std::vector<Measurement> measurements_;
};

}  // namespace adjoint::experiments

#include "examples/seq2seq/settings/validators.h"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace adjoint::seq2seq {
namespace {

// A real number for which `good` holds; NaN and infinity never are.
CLI::Validator number(const std::string& demand, bool (*good)(double)) {
  return CLI::Validator(
      [demand, good](const std::string& text) {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        const bool is_number = !text.empty() && *end == '\0' && std::isfinite(value);
        return is_number && good(value) ? "" : demand + ", is " + text;
      },
      "");
}

// The shortest text that reads as exactly this number.
std::string exactly(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

}  // namespace

CLI::Validator counting() {
  return number("must be a whole number from 1 to 1000000000",
                [](double x) { return x >= 1 && x <= 1e9 && x == std::floor(x); });
}

CLI::Validator whole_number() {
  return number("must be a whole number from 0 to 1000000000",
                [](double x) { return x >= 0 && x <= 1e9 && x == std::floor(x); });
}

// By its digits: as a real number a seed would lose some, and as CLI11 reads it -1 would be one.
CLI::Validator seed() {
  return CLI::Validator(
      [](const std::string& text) {
        std::uint64_t value = 0;
        const char* const end = text.data() + text.size();
        const auto [rest, error] = std::from_chars(text.data(), end, value);
        return error == std::errc() && rest == end
                   ? ""
                   : "must be a whole number from 0 to 18446744073709551615, is " + text;
      },
      "");
}

CLI::Validator positive() {
  return number("must be more than 0", [](double x) { return x > 0; });
}

CLI::Validator not_negative() {
  return number("must not be negative", [](double x) { return x >= 0; });
}

CLI::Validator fraction() {
  return number("must lie in [0, 1)", [](double x) { return x >= 0 && x < 1; });
}

CLI::Option* add_number(CLI::App& app, const std::string& name, double& value,
                        const std::string& help) {
  return app.add_option(name, value, help)->default_function([&value] { return exactly(value); });
}

CLI::Option* add_number(CLI::App& app, const std::string& name, std::optional<double>& value,
                        const std::string& help) {
  return app.add_option(name, value, help)->default_function([&value] {
    return value ? exactly(*value) : "";
  });
}

CLI::Validator share() {
  return number("must lie in (0, 1]", [](double x) { return x > 0 && x <= 1; });
}

}  // namespace adjoint::seq2seq

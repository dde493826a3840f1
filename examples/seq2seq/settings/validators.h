// What an option's value has to be, and options whose values are real numbers.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

namespace adjoint::seq2seq {

CLI::Validator counting();      ///< a whole number from 1 to 1000000000
CLI::Validator whole_number();  ///< a whole number from 0 to 1000000000
CLI::Validator seed();          ///< what a Key is made from: any number of 64 bits
CLI::Validator positive();      ///< a real number above 0
CLI::Validator not_negative();  ///< a real number of at least 0
CLI::Validator fraction();      ///< a real number in [0, 1)
CLI::Validator share();         ///< a real number in (0, 1]

/// An option that is stored with every bit of its number; CLI11's own keeps six digits, with which
/// a run could not go on.
CLI::Option* add_number(CLI::App& app, const std::string& name, double& value,
                        const std::string& help);
/// The same; left open unless it is given.
CLI::Option* add_number(CLI::App& app, const std::string& name, std::optional<double>& value,
                        const std::string& help);

}  // namespace adjoint::seq2seq

// What an option's value has to be.
#pragma once

#include <CLI/CLI.hpp>

namespace adjoint::seq2seq {

CLI::Validator counting();      ///< a whole number of at least 1
CLI::Validator positive();      ///< a real number above 0
CLI::Validator not_negative();  ///< a real number of at least 0
CLI::Validator fraction();      ///< a real number in [0, 1)

}  // namespace adjoint::seq2seq

// Explains what is wrong with a command line, in terms of its options.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
class Validator;
}  // namespace CLI

namespace adjoint::seq2seq {

/// One line about an error that CLI11 found. For an unknown option or command it suggests the most
/// similar one.
std::string problem(const CLI::App& program, const CLI::ParseError& error);

/// "; did you mean --width?" if a known name resembles the given one; else "".
std::string suggestion(const std::string& given, const std::vector<std::string>& known);

/// The check of an option that takes one of these values.
CLI::Validator one_of(const std::vector<std::string>& choices);

}  // namespace adjoint::seq2seq

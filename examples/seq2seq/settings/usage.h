// What is wrong with a command line, in words that name the option.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace adjoint::seq2seq {

/// One line about what CLI11 could not understand. An unknown option or command gets the most
/// similar one that exists.
std::string problem(const CLI::App& program, const CLI::ParseError& error);

/// "; did you mean --width?", if one of the known names is like the given one; else "".
std::string suggestion(const std::string& given, const std::vector<std::string>& known);

}  // namespace adjoint::seq2seq

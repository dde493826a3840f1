// What all lessons share: how they speak, how they check what they say, and how they end.
#pragma once

#include <functional>
#include <string>

namespace adjoint::lesson {

/// Prints a heading.
void part(const std::string& title);
/// Prints sentences, after an empty line if a claim was printed last and the text is not indented.
/// Lines of more than 90 columns are broken.
void say(const std::string& text);
/// Prints a question that the reader should answer before going on, between empty lines. At a
/// terminal it waits for Enter.
void predict(const std::string& question);

/// Prints what is claimed, and whether it holds. A lesson with a claim that does not hold fails.
void claim(const std::string& what, bool holds);
/// Claims that two numbers are equal, up to tolerance · (1 + |expected|), and prints both.
void claim(const std::string& what, double value, double expected, double tolerance = 1e-12);

/// The text of the Error that f throws; empty if it throws none.
std::string error_of(const std::function<void()>& f);

/// Whether the lesson was started with --quick: trainings are to be short, as in the tests.
bool quick();

/// Runs a lesson as a program: its exit code is 0 if every claim holds. `--quick` is the only
/// argument.
int run(int argc, char** argv, void (*lesson)());

}  // namespace adjoint::lesson

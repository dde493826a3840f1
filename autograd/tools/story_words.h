// What explain() and print_dot() call things: numbers, tensors, values of the tape.
#pragma once

#include <string>
#include <vector>

#include "autograd/tools/tape_story.h"

namespace adjoint::telling {

constexpr std::size_t line_width = 100;

/// Six significant digits.
std::string number_text(double value);
std::string norm_text(double value);  ///< four
/// The tensor on one line: all elements in nested brackets if there are at most `most`, else the
/// shape, the norm of the finite elements, and the first few numbers. A single number has six
/// significant digits, others have four. Empty for the empty tensor.
std::string tensor_text(const Tensor& x, Index most);
/// The same from a column on. What does not fit on the line is broken at the first axis, like a
/// matrix.
std::string tensor_block(const Tensor& x, Index most, std::size_t column,
                         std::size_t width = line_width);
/// The words of a text on lines that each begin with the indent.
std::string wrapped(const std::string& text, const std::string& indent,
                    std::size_t width = line_width);
std::string with_commas(Index count);  ///< "10,000"
/// "1 consumer", "2 consumers"
std::string counted(Index count, const std::string& noun);
/// "%3 and %4", "a, b and c"
std::string list_text(const std::vector<std::string>& items);
/// How many terminal columns a text takes: its characters without the combining ones.
std::size_t columns(const std::string& text);
/// The text, filled up with spaces.
std::string padded(const std::string& text, std::size_t width);

/// "%3", or "%3.1" where the node has several outputs.
std::string value_name(const TapeStory& story, int node, int output);
/// With the label if it is a leaf that has one: "%1 'x'".
std::string full_name(const TapeStory& story, int node, int output);
/// "power(%1, p = 2)"
std::string call_text(const TapeStory& story, const TapeStory::Node& node);

/// The formula of the values, "y = a b"; empty if the operation states none.
std::string value_formula(const TapeStory::Node& node);
/// The formula of an input's gradient, "ā = ȳ b"; empty if the operation states none.
std::string gradient_formula(const TapeStory::Node& node, std::size_t input);
/// What the formulas call the input: "a", from the left side of "ā = ȳ b". Empty if it has no name
/// of its own there.
std::string letter_of(const TapeStory::Node& node, std::size_t input);

}  // namespace adjoint::telling

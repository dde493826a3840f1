// Tokens to statements.
//
//   text       = statement { ";" statement } [ ";" ]
//   statement  = [ name "=" ] expression
//   expression = sum [ ( "<" | ">" | "<=" | ">=" | "==" | "!=" ) sum ]
//   sum        = product { ( "+" | "-" ) product }
//   product    = signed { ( "*" | "/" | "@" ) signed }
//   signed     = ( "-" | "+" ) signed | power
//   power      = primary [ "^" signed ]
//   primary    = ( number | name | name "(" arguments ")" | "(" expression ")" | list ) { "'" }
//   list       = "[" [ expression { "," expression } ] "]"
//   arguments  = [ [ name "=" ] expression { "," [ name "=" ] expression } ]
#pragma once

#include <string>
#include <string_view>

#include "examples/explain/syntax.h"

namespace adjoint::expression {

/// How deep brackets, signs and powers may be nested.
constexpr int most_nested = 200;

/// Parses a text and adds its statements to the program. `name` is what messages call it. Problem
/// if it is not in the language: that includes an unknown function, and arguments that it does not
/// take.
void parse_into(Program& program, std::string_view text, const std::string& name = {});

/// Parses an input, x=2: the statement x = 2, before the expression. Messages call it "input x".
/// Problem if it is anything else.
void parse_input_into(Program& program, std::string_view text);

/// The function that an operator stands for: "mul" for *; empty if there is no such operator.
std::string_view function_of_operator(std::string_view symbol);

/// The program of one text.
Program parse(std::string_view text);

}  // namespace adjoint::expression

// What people write out of habit from elsewhere, and what to write here.
#pragma once

#include <string>
#include <string_view>

namespace adjoint::expression {

// Each is empty where there is nothing to say.

/// What an expression writes for a character that has no meaning here.
std::string_view advice_on_character(char32_t character);
/// What a name that has no value may be meant as: "for e^x, write exp(x)".
std::string_view advice_on_name(std::string_view name);
/// The name that a parameter has here.
std::string_view advice_on_parameter(std::string_view name);
/// What a second tensor or number after the first may be meant as: "of two tensors, …".
std::string_view advice_on_second_argument(std::string_view function);

/// "there is no function 'sine'; did you mean 'sin'?"
std::string no_such_function(std::string_view name);

}  // namespace adjoint::expression

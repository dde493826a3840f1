// The page: its files, which the assembler has put into the program.
#pragma once

#include <string>
#include <string_view>

namespace adjoint::exploring {

/// page.html with its style and scripts in it, a title, and the data. `packed`: whether the data
/// went through packed(). `live`: the page may ask the server that it came from.
std::string page(std::string_view title, std::string_view data, bool packed, bool live = false);

}  // namespace adjoint::exploring

// Text from files and users, made fit for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace adjoint {

/// The text, with everything escaped that would control a terminal. Control characters other than
/// tab and line feed (U+0000–1F, U+007F–9F) and those that change the direction of the text
/// (U+202A–E, U+2066–9) become \u001b and the like; bytes that are not UTF-8 become \xff. A text
/// longer than `limit` characters, escapes included, is cut and ends in "…"; a limit of 0 cuts
/// nothing.
std::string printable(std::string_view text, std::size_t limit = 80);

/// The same on one line: tabs and line breaks become \t, \n and \r.
std::string printable_line(std::string_view text, std::size_t limit = 80);

}  // namespace adjoint

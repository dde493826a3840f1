// Text from files and users, made fit for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace adjoint {

/// The text without what a terminal would obey instead of show: control characters other than tab
/// and line feed (U+0000–1F, U+007F–9F) and those that change the direction of the text (U+202A–E,
/// U+2066–9) are shown as \u001b, bytes that are not UTF-8 as \xff. What would be longer than
/// `limit` characters, escapes included, is cut and ends in "…"; with a limit of 0 nothing is cut.
std::string printable(std::string_view text, std::size_t limit = 80);

/// The same on one line: tabs and line breaks are shown as \t, \n and \r.
std::string printable_line(std::string_view text, std::size_t limit = 80);

}  // namespace adjoint

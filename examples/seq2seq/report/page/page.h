// The page: its files, which the assembler has put into the program.
#pragma once

#include <string>
#include <string_view>

namespace adjoint::seq2seq {

/// page.html with its style, its scripts and this JSON in it.
std::string page_with(std::string_view data);

}  // namespace adjoint::seq2seq

// HTML pages that a program writes. A page lies in the tree as page.html, with its style and its
// scripts in files of their own; the assembler takes them into the program, so that a program needs
// none of them when it runs.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

// NOLINTBEGIN(hicpp-no-assembler): C++20 has no other way to take in a file.
/// Declares the text `name` of the file `path`, from the top of the tree. The Makefile compiles a
/// page.cpp again when a page's file in its folder has changed.
#define ADJOINT_TEXT(name, path)                                                      \
  asm(".pushsection .rodata\n" #name ": .incbin \"" path "\"\n.byte 0\n.popsection"); \
  extern "C" [[gnu::visibility("hidden")]] const char name[]
// NOLINTEND(hicpp-no-assembler)

namespace adjoint {

/// `frame` with a text in the place of each {{name}}. They are named in the order of the frame.
/// Error if one is missing.
std::string filled_page(std::string_view frame,
                        std::initializer_list<std::pair<std::string_view, std::string_view>> texts);

/// As HTML shows it: & and < are no markup.
std::string html_text(std::string_view text);

/// JSON inside a <script>: `<` becomes \u003c, so that no text in it ends the element.
std::string json_in_html(std::string_view json);

}  // namespace adjoint

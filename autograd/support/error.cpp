#include "autograd/support/error.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

namespace adjoint {

void throw_error(const std::string& text) { throw Error(text); }

// ---- Errors that nothing catches ----------------------------------------------------------------

namespace {

std::terminate_handler next_handler = nullptr;

// By default std::terminate discards what the program has printed into a pipe or a file, and shows
// the name of the exception's type. Other exceptions go on to the handler that was set before.
[[noreturn]] void end_program() {
  std::cout.flush();
  std::fflush(stdout);
  if (const std::exception_ptr uncaught = std::current_exception()) {
    try {
      std::rethrow_exception(uncaught);
    } catch (const Error& error) {
      std::fprintf(stderr, "error: %s\n", error.what());
      std::_Exit(EXIT_FAILURE);
    } catch (...) {
    }
  }
  if (next_handler) next_handler();
  std::abort();
}

// throw_error() is in this file, so every program that can throw an Error links it.
[[maybe_unused]] const bool installed = [] {
  next_handler = std::set_terminate(end_program);
  return true;
}();

}  // namespace

}  // namespace adjoint

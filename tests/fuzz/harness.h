// What the harnesses share. A harness gives one input, of arbitrary bytes, to a part of the library
// and ends the program if the library breaks a promise. A reader returns a value or throws an
// Error, and what it has read, it can write and read again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "autograd/support/error.h"

namespace adjoint::fuzz {

using Bytes = std::span<const std::uint8_t>;

struct Harness {
  const char* name;
  void (*run)(Bytes input);
};
/// All harnesses, and the one with this name; null if there is none.
std::span<const Harness> harnesses();
const Harness* find_harness(std::string_view name);

// One for each part of the library.
void safetensors(Bytes input);
void training_state(Bytes input);
void pairs(Bytes input);
void vocabulary(Bytes input);
void settings(Bytes input);
void tokenizers(Bytes input);
void metrics(Bytes input);
void subwords(Bytes input);
void programs(Bytes input);
void answers(Bytes input);
void expressions(Bytes input);
void requests(Bytes input);
void records(Bytes input);
void word_vectors(Bytes input);

/// Ends the program with this message unless the promise is kept.
void promise(bool kept, std::string_view broken);

/// Checks that an Error's message is fit to be shown: not empty, of bounded length, UTF-8, without
/// control characters other than line breaks.
void check_message(const Error& error);

/// Whether f returns. An Error means no; any other exception ends the program.
template <class F>
bool accepted(F f) {
  try {
    f();
    return true;
  } catch (const Error& error) {
    check_message(error);
    return false;
  }
}

/// Writes these bytes to a file of this process, the same file at each call.
std::filesystem::path file_with(Bytes content);
std::filesystem::path file_with(std::string_view content);
/// Another file, for output.
std::filesystem::path second_file();

inline std::string_view text_of(Bytes input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

/// Choices made by the bytes of the input. After its end every choice is the first one.
class Choices {
 public:
  explicit Choices(Bytes input) : rest_(input) {}

  std::size_t below(std::size_t count);  ///< 0 … count − 1; count is from 1 to 256
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::size_t>(high - low + 1)));
  }
  bool coin() { return below(2) == 1; }
  bool ended() const { return rest_.empty(); }
  Bytes rest() const { return rest_; }

 private:
  Bytes rest_;
};

}  // namespace adjoint::fuzz

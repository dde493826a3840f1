// Files with element types that tensors do not have: every value that they can hold.
#include "nn/saving/element_types.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "autograd/support/checksum.h"
#include "nn/saving/checkpoint.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// Every pattern of the bits of T.
template <class T>
std::vector<T> all_patterns() {
  std::vector<T> all;
  for (std::uint32_t i = 0; i <= std::numeric_limits<T>::max(); ++i)
    all.push_back(static_cast<T>(i));
  return all;
}

/// One tensor as it stands in a file.
struct Stored {
  std::string code;
  std::vector<Index> sizes;
  std::string bytes;
};

std::string file_of(const Stored& x, const std::string& metadata = "") {
  std::string shape;
  for (const Index size : x.sizes) shape += (shape.empty() ? "" : ",") + std::to_string(size);
  std::string header = "{" + metadata + R"("x":{"dtype":")" + x.code + R"(","shape":[)" + shape +
                       R"(],"data_offsets":[0,)" + std::to_string(x.bytes.size()) + "]}}";
  const std::uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + x.bytes;
}

Tensor read(const Stored& x) {
  const Folder folder;
  put(folder / "file", file_of(x));
  return read_safetensors(folder / "file").tensors.at("x");
}

/// By the definition: (−1)^s · 2^(e − bias) · 1.m, or 2^(1 − bias) · 0.m where e is 0.
double by_definition(unsigned bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const double fraction = std::ldexp(bits & ((1u << mantissa_bits) - 1), -mantissa_bits);
  const double size =
      exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias);
  return bits >> (exponent_bits + mantissa_bits) ? -size : size;
}

/// Compares each pattern with the definition, signs of zeros included.
template <class T>
void check_reals(const std::string& code, int exponent_bits, int mantissa_bits, auto is_special,
                 auto special) {
  const std::vector<T> all = all_patterns<T>();
  const Tensor read_back = read({code, {std::ssize(all)}, bytes_of(all)});
  BOOST_TEST_REQUIRE((read_back.form() == Form{{std::ssize(all)}, DType::f32}));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const float actual = read_back.values<float>()[i];
    const unsigned bits = static_cast<unsigned>(i);
    const double expected =
        is_special(bits) ? special(bits) : by_definition(bits, exponent_bits, mantissa_bits);
    const bool equal = std::isnan(expected) ? std::isnan(actual) : actual == expected;
    BOOST_TEST_REQUIRE((equal && std::signbit(actual) == std::signbit(expected)),
                       code << " pattern " << i << " is " << actual << ", not " << expected);
  }
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// All bits of the exponent are 1.
auto ieee_special(int exponent_bits, int mantissa_bits) {
  return std::pair(
      [=](unsigned bits) {
        const unsigned ones = (1u << exponent_bits) - 1;
        return (bits >> mantissa_bits & ones) == ones;
      },
      [=](unsigned bits) {
        const bool negative = bits >> (exponent_bits + mantissa_bits);
        const double size = bits & ((1u << mantissa_bits) - 1) ? not_a_number : infinity;
        return std::copysign(size, negative ? -1 : 1);
      });
}

struct Weights : Module {
  Tensor x;
  explicit Weights(Tensor initial) : x(variable(std::move(initial))) {}
  void fields(Fields& visit) override { visit("x", x); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(element_types)

BOOST_AUTO_TEST_CASE(all_halves_are_read_exactly) {
  const auto [is_special, special] = ieee_special(5, 10);
  check_reals<std::uint16_t>("F16", 5, 10, is_special, special);
  const std::vector<std::uint16_t> some = {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x8000, 0x3555};
  BOOST_TEST(numbers(read({"F16", {6}, bytes_of(some)})) ==
                 (std::vector<double>{1, -2, 65504, 0x1p-24, -0.0, 0.333251953125}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(all_brain_floats_are_read_exactly) {
  const auto [is_special, special] = ieee_special(8, 7);
  check_reals<std::uint16_t>("BF16", 8, 7, is_special, special);
}

BOOST_AUTO_TEST_CASE(all_numbers_of_eight_bits_are_read_exactly) {
  const auto [is_special, special] = ieee_special(5, 2);
  check_reals<std::uint8_t>("F8_E5M2", 5, 2, is_special, special);
  check_reals<std::uint8_t>(
      "F8_E4M3", 4, 3, [](unsigned bits) { return (bits & 127) == 127; },
      [](unsigned bits) { return std::copysign(not_a_number, bits >> 7 ? -1 : 1); });
  const Tensor scales = read({"F8_E8M0", {256}, bytes_of(all_patterns<std::uint8_t>())});
  for (int i = 0; i < 255; ++i) BOOST_TEST(scales.at({i}) == std::ldexp(1, i - 127));
  BOOST_TEST(std::isnan(scales.at({255})));
}

BOOST_AUTO_TEST_CASE(integers_of_every_width_are_read_exactly) {
  const auto check = [](const std::string& code, const auto& values) {
    const Tensor x = read({code, {std::ssize(values)}, bytes_of(values)});
    BOOST_TEST_REQUIRE((x.form() == Form{{std::ssize(values)}, DType::i64}));
    for (std::size_t i = 0; i < values.size(); ++i)
      BOOST_TEST(x.values<Index>()[i] == static_cast<Index>(values[i]), code);
  };
  const auto ends = []<class T>(T) {
    using Limits = std::numeric_limits<T>;
    return std::vector<T>{Limits::min(), Limits::max(), 0, 1, static_cast<T>(-1), 77};
  };
  check("I32", ends(std::int32_t{}));
  check("I16", ends(std::int16_t{}));
  check("I8", ends(std::int8_t{}));
  check("U32", ends(std::uint32_t{}));
  check("U16", ends(std::uint16_t{}));
  check("U8", ends(std::uint8_t{}));
  check("U64", std::vector<std::uint64_t>{0, 1, (std::uint64_t{1} << 63) - 1});
  const std::vector<std::uint64_t> beyond = {1, std::uint64_t{1} << 63};
  BOOST_CHECK_EXCEPTION(read({"U64", {2}, bytes_of(beyond)}), Error, [](const Error& error) {
    return std::string(error.what())
        .ends_with(
            "/file: tensor x: an element is 9223372036854775808, more than the 2^63 - 1 that an "
            "i64 "
            "holds");
  });
}

BOOST_AUTO_TEST_CASE(shapes_of_any_rank_and_empty_ones_are_kept) {
  BOOST_TEST((read({"F16", {}, std::string(2, '\0')}).form() == Form{{}, DType::f32}));
  BOOST_TEST((read({"BF16", {2, 0, 3}, ""}).form() == Form{{2, 0, 3}, DType::f32}));
  BOOST_TEST((read({"U8", {2, 3}, "abcdef"}).at({1, 0})) == 'd');
}

BOOST_AUTO_TEST_CASE(sizes_are_those_of_the_type_in_the_file) {
  const Folder folder;
  put(folder / "file", file_of({"F16", {3}, std::string(4, '\0')}));
  BOOST_CHECK_EXCEPTION(read_safetensors(folder / "file"), Error,
                        says((folder / "file").string() +
                             ": tensor x: F16 of shape [3] takes 6 bytes, data_offsets span 4"));
}

BOOST_AUTO_TEST_CASE(weights_of_narrow_types_are_loaded) {
  const Folder folder;
  const std::vector<std::uint16_t> halves = {0x3C00, 0xC000};
  put(folder / "file", file_of({"F16", {2}, bytes_of(halves)}));
  Weights model(zeros({2}));
  load_parameters(model, folder / "file");
  BOOST_TEST(numbers(model.x) == (std::vector<double>{1, -2}), boost::test_tools::per_element());

  Weights wide(zeros({2}, DType::f64));
  BOOST_CHECK_EXCEPTION(
      load_parameters(wide, folder / "file"), Error,
      says((folder / "file").string() +
           ": does not fit this model: x is f32 [2] (F16 in the file), the model has f64 [2]; load "
           "the file in its own dtype, then cast the model"));
}

BOOST_AUTO_TEST_CASE(the_checksum_is_that_of_the_bytes_in_the_file) {
  const Folder folder;
  const std::string bytes = bytes_of(std::vector<std::uint16_t>{0x3C00, 0xC000});
  const std::uint32_t sum = crc32(bytes, crc32(std::string("x\0F16\0"
                                                           "2\0",
                                                           8)));
  char text[9];
  std::snprintf(text, sizeof text, "%08x", sum);
  const auto metadata = [](const std::string& crc) {
    return R"("__metadata__":{"adjoint.crc32":")" + crc + R"("},)";
  };
  put(folder / "file", file_of({"F16", {2}, bytes}, metadata(text)));
  BOOST_CHECK_NO_THROW(read_safetensors(folder / "file"));
  put(folder / "file", file_of({"F16", {2}, bytes}, metadata("00000000")));
  BOOST_CHECK_THROW(read_safetensors(folder / "file"), Error);
}

// Reading a header takes memory for the header, not for the tensors that it describes.
BOOST_AUTO_TEST_CASE(a_file_of_another_model_takes_no_memory) {
  const Folder folder;
  std::string file = file_of({"U8", {0}, ""});
  const std::string from = "[0],\"data_offsets\":[0,0]";
  const std::string to = "[8589934592],\"data_offsets\":[0,8589934592]";
  file.replace(file.find(from), from.size(), to);
  const std::uint64_t length = file.size() - 8;
  std::memcpy(file.data(), &length, 8);
  put(folder / "file", file);
  std::filesystem::resize_file(folder / "file",
                               file.size() + (std::uintmax_t{1} << 33));  // sparse: takes no room
  Weights model(zeros({2}, DType::f64));
  memory::reset_peak();
  const std::size_t before = memory::peak();
  BOOST_CHECK_THROW(load_parameters(model, folder / "file"), Error);
  BOOST_TEST(memory::peak() - before < 10'000u);
}

BOOST_AUTO_TEST_SUITE_END()

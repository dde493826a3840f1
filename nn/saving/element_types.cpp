#include "nn/saving/element_types.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "autograd/support/printable.h"

namespace adjoint::nn {
namespace {

constexpr ElementType types[] = {
    {"F64", DType::f64, 8},     {"F32", DType::f32, 4},     {"F16", DType::f32, 2},
    {"BF16", DType::f32, 2},    {"F8_E4M3", DType::f32, 1}, {"F8_E5M2", DType::f32, 1},
    {"F8_E8M0", DType::f32, 1}, {"I64", DType::i64, 8},     {"I32", DType::i64, 4},
    {"I16", DType::i64, 2},     {"I8", DType::i64, 1},      {"U64", DType::i64, 8},
    {"U32", DType::i64, 4},     {"U16", DType::i64, 2},     {"U8", DType::i64, 1},
    {"BOOL", DType::b8, 1}};

// Types of the format that no tensor can hold, or that take less than a byte.
constexpr std::string_view unreadable[] = {"C64", "F4", "F6_E2M3", "F6_E3M2"};

// A number with `mantissa_bits` bits after the point and a sign before its exponent: subnormal
// where the exponent is 0, and infinite or NaN where all its bits are 1.
float ieee(unsigned bits, int exponent_bits, int mantissa_bits) {
  const unsigned ones = (1u << exponent_bits) - 1;
  const std::uint32_t sign = bits >> (exponent_bits + mantissa_bits) << 31;
  const unsigned exponent = bits >> mantissa_bits & ones;
  const std::uint32_t mantissa = bits << (23 - mantissa_bits) & 0x7FFFFF;
  const std::uint32_t bias = 127 - ones / 2;
  if (exponent == ones) return std::bit_cast<float>(sign | 0x7F800000 | mantissa);
  if (exponent > 0) return std::bit_cast<float>(sign | (exponent + bias) << 23 | mantissa);
  // Subnormal: adds the smallest normal number by setting its exponent, then subtracts it.
  const std::uint32_t scale = (1 + bias) << 23;
  const float size = std::bit_cast<float>(scale | mantissa) - std::bit_cast<float>(scale);
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(size));
}

float from_f16(std::uint16_t bits) { return ieee(bits, 5, 10); }
float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
float from_e5m2(std::uint8_t bits) { return ieee(bits, 5, 2); }

// There are no infinities: the pattern that would be the first of them is 256, and only the last
// one is NaN. (Micikevicius et al. 2022, "FP8 formats for deep learning", table 1.)
float from_e4m3(std::uint8_t bits) {
  const unsigned exponent = bits >> 3 & 15, mantissa = bits & 7;
  if (exponent < 15) return ieee(bits, 4, 3);
  const float sign = bits >> 7 ? -1.0f : 1.0f;
  if (mantissa == 7) return std::copysign(std::numeric_limits<float>::quiet_NaN(), sign);
  return sign * static_cast<float>((8 + mantissa) * 32);
}

// A power of two from 2^−127 to 2^127. (Open Compute Project, Microscaling Formats 1.0, 5.4.1.)
float from_e8m0(std::uint8_t bits) {
  if (bits == 255) return std::numeric_limits<float>::quiet_NaN();
  if (bits == 0) return std::bit_cast<float>(std::uint32_t{0x400000});  // subnormal
  return std::bit_cast<float>(std::uint32_t{bits} << 23);
}

/// Reads elements of type From and converts each.
template <class From, class To, class Convert>
Tensor converted(DType dtype, const Shape& shape, std::string_view bytes, const Convert& convert) {
  Tensor result(Form{shape, dtype});
  const std::span<To> values = result.edit<To>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    From element;
    std::memcpy(&element, bytes.data() + i * sizeof element, sizeof element);
    values[i] = convert(element);
  }
  return result;
}

template <class From>
Tensor reals(float (*convert)(From), const Shape& shape, std::string_view bytes) {
  return converted<From, float>(DType::f32, shape, bytes, convert);
}

template <class From>
Tensor integers(const Shape& shape, std::string_view bytes) {
  return converted<From, Index>(DType::i64, shape, bytes, [](From element) {
    require(std::in_range<Index>(element), "an element is ", element,
            ", more than the 2^63 - 1 that an i64 holds");
    return static_cast<Index>(element);
  });
}

Tensor same_bytes(const ElementType& type, const Shape& shape, std::string_view bytes) {
  if (type.dtype == DType::b8)
    require(std::ranges::all_of(bytes, [](char byte) { return byte == 0 || byte == 1; }),
            "a byte of a BOOL tensor is neither 0 nor 1");
  Tensor result(Form{shape, type.dtype});
  dispatch(type.dtype, [&]<class T>() {
    if (!bytes.empty()) std::memcpy(result.edit<T>().data(), bytes.data(), bytes.size());
  });
  return result;
}

}  // namespace

const ElementType& element_type(const std::string& code) {
  const auto* const found = std::ranges::find(types, code, &ElementType::code);
  if (found != std::end(types)) return *found;
  std::string all;
  for (const ElementType& type : types)
    all += (all.empty()                    ? ""
            : &type == std::end(types) - 1 ? " and "
                                           : ", ") +
           std::string(type.code);
  const bool known = std::ranges::find(unreadable, code) != std::end(unreadable);
  fail(known ? "elements of dtype " : "unknown dtype ", printable_line(code),
       known ? " cannot be read" : "", "; this program reads ", all);
}

const ElementType& element_type(DType dtype) {
  constexpr std::string_view codes[] = {"F32", "F64", "I64", "BOOL"};  // by DType
  return *std::ranges::find(types, codes[static_cast<std::size_t>(dtype)], &ElementType::code);
}

Tensor tensor_of(const ElementType& type, const Shape& shape, std::string_view bytes) {
  const std::string_view code = type.code;
  if (code == "F16") return reals<std::uint16_t>(from_f16, shape, bytes);
  if (code == "BF16") return reals<std::uint16_t>(from_bf16, shape, bytes);
  if (code == "F8_E4M3") return reals<std::uint8_t>(from_e4m3, shape, bytes);
  if (code == "F8_E5M2") return reals<std::uint8_t>(from_e5m2, shape, bytes);
  if (code == "F8_E8M0") return reals<std::uint8_t>(from_e8m0, shape, bytes);
  if (code == "I32") return integers<std::int32_t>(shape, bytes);
  if (code == "I16") return integers<std::int16_t>(shape, bytes);
  if (code == "I8") return integers<std::int8_t>(shape, bytes);
  if (code == "U64") return integers<std::uint64_t>(shape, bytes);
  if (code == "U32") return integers<std::uint32_t>(shape, bytes);
  if (code == "U16") return integers<std::uint16_t>(shape, bytes);
  if (code == "U8") return integers<std::uint8_t>(shape, bytes);
  return same_bytes(type, shape, bytes);
}

}  // namespace adjoint::nn

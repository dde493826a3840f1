#include "examples/explain/advice.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "autograd/support/printable.h"
#include "data/metrics/nearest_name.h"
#include "examples/explain/functions.h"

namespace adjoint::expression {
namespace {

// ---- Tables -------------------------------------------------------------------------------------

template <class Key>
struct Advice {
  Key written;
  std::string_view advice;
};

constexpr auto no_quotes = "words are written without quotes, as in gelu(x, form=tanh)";
constexpr Advice<char32_t> characters[] = {
    {U'|', "write abs(x) for |x|"},
    {U'√', "write sqrt(x)"},
    {U'∑', "write sum(x)"},
    {U'∏', "write prod(x)"},
    {U'∞', "write inf"},
    {U'{', "a list is written [1, 2]"},
    {U'}', "a list is written [1, 2]"},
    {U'%', "there is no remainder"},
    {U'&', "write (a < b) * (b < c) for 'and'"},
    {U'?', "write where(condition, a, b)"},
    {U':', "write slice(x, axis, begin, end)"},
    {U'.', "write x' for x.T, and sum(x) for x.sum()"},
    {U'"', no_quotes},
    {U'“', no_quotes},
    {U'”', no_quotes},
    {U'!', "'not equal' is !="},
};

constexpr Advice<std::string_view> names[] = {{"e", "for e^x, write exp(x)"},
                                              {"PI", "write pi"},
                                              {"Pi", "write pi"},
                                              {"True", "write true"},
                                              {"False", "write false"}};

// Functions that are missing here. Empty: nothing replaces it, whatever name is similar.
constexpr Advice<std::string_view> missing[] = {
    {"ln", "log(x)"},
    {"log10", "log(x) / log(10)"},
    {"log2", "log(x) / log(2)"},
    {"exp2", "2^x"},
    {"square", "x^2"},
    {"sqr", "x^2"},
    {"power", "a^b"},
    {"tan", "sin(x) / cos(x)"},
    {"cot", "cos(x) / sin(x)"},
    {"sinh", "(exp(x) - exp(-x)) / 2"},
    {"cosh", "(exp(x) + exp(-x)) / 2"},
    {"min", "-max(-x), or minimum(a, b) of two tensors"},
    {"argmin", "argmax(-x)"},
    {"std", "sqrt(variance(x))"},
    {"dot", "sum(a * b)"},
    {"silu", "x * sigmoid(x)"},
    {"swish", "x * sigmoid(x)"},
    {"rand", "uniform(shape)"},
    {"randn", "normal(shape)"},
    {"cat", "concat(a, b)"},
    {"logit", "log(x / (1 - x))"},
    {"asin", ""},
    {"acos", ""},
    {"atan", ""},
    {"det", ""},
    {"sort", ""},
};

constexpr Advice<std::string_view> parameters[] = {{"mask", "allowed"}, {"eps", "epsilon"}};

constexpr Advice<std::string_view> second_arguments[] = {
    {"max", "of two tensors, maximum(a, b)"},
    {"sum", "of two tensors, a + b"},
    {"prod", "of two tensors, a * b"},
    {"mean", "of two tensors, (a + b) / 2"},
    {"logsumexp", "of two tensors, logsumexp([a, b], axis=0)"},
    {"norm", "it is always the Euclidean norm"},
};

template <class Key>
const Advice<Key>* find(std::span<const Advice<Key>> table, Key written) {
  const auto found = std::ranges::find(table, written, &Advice<Key>::written);
  return found == table.end() ? nullptr : &*found;
}
template <class Key, std::size_t n>
std::string_view in(const Advice<Key> (&table)[n], Key written) {
  const Advice<Key>* const found = find(std::span<const Advice<Key>>(table), written);
  return found ? found->advice : std::string_view();
}

std::string nearest_function(std::string_view name) {
  std::vector<std::string> known;
  for (const Function& function : functions()) known.emplace_back(function.name);
  return data::nearest_name(std::string(name), known);
}

}  // namespace

std::string_view advice_on_character(char32_t character) { return in(characters, character); }
std::string_view advice_on_name(std::string_view name) { return in(names, name); }
std::string_view advice_on_parameter(std::string_view name) { return in(parameters, name); }
std::string_view advice_on_second_argument(std::string_view name) {
  return in(second_arguments, name);
}

std::string no_such_function(std::string_view name) {
  const auto* const known = find(std::span<const Advice<std::string_view>>(missing), name);
  const std::string nearest = known ? std::string() : nearest_function(name);
  return text_from("there is no function '", printable_line(name, 40), "'",
                   known && !known->advice.empty() ? text_from("; write ", known->advice)
                   : nearest.empty()               ? "; help lists all"
                                                   : text_from("; did you mean '", nearest, "'?"));
}

}  // namespace adjoint::expression

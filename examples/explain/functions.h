// The functions of the expression language: one table, one line for each.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/tensor.h"
#include "examples/explain/syntax.h"

namespace adjoint::expression {

class Call;

struct Function {
  const char* name;
  /// "x, axes|dim|axis=all, keep=0": an optional parameter has a default, and perhaps other names.
  /// "xs...": any number of arguments, at least one. What follows "*" is given by name only.
  const char* parameters;
  Tensor (*run)(const Call&);
  const char* help;     ///< what it computes, in a few words
  const char* example;  ///< statements that use it; the last one is the result
};

/// All functions, in the order of autograd/ops.h.
std::span<const Function> functions();
/// Null if there is none of that name.
const Function* find_function(std::string_view name);
/// What a constant is: pi, inf, nan, true or false; empty for any other name.
std::string_view constant_help(std::string_view name);
inline bool is_constant(std::string_view name) { return !constant_help(name).empty(); }

struct Parameter {
  std::string name;
  std::vector<std::string> other_names = {};
  std::optional<std::string> standard = {};  ///< the default, as text
  bool is_list = false;                      ///< takes any number of arguments
  bool by_name = false;                      ///< never by its position
};
const std::vector<Parameter>& parameters_of(const Function& function);
/// "sum(x, axes=all, keep=0)".
std::string signature_of(const Function& function);

/// An argument as it was written.
struct Argument {
  std::string name = {};  ///< empty: its position says which parameter it is for
  std::size_t node = 0;
  Place place = {};
};
/// The nodes for the parameters in order, `Program::absent` for those that are not given; those of
/// a list come last. Problem if the function does not take these arguments.
std::vector<std::size_t> bind(const Function& function, const std::vector<Argument>& arguments,
                              Place place);

}  // namespace adjoint::expression

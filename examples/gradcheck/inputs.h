// The point at which a program is checked: from --inputs, and from what the program describes.
#pragma once

#include <string>
#include <vector>

#include "examples/gradcheck/protocol.h"

namespace adjoint::program {

struct Point {
  std::vector<std::string> names;
  Tensors values;
  std::vector<Domain> domains;
};

/// `text` names inputs, separated by spaces:
///
///   x=[3,4]               a shape, filled with random numbers of the input's domain; [] is a
///   scalar x=0.5   x=1,2.5,-3    a number; a vector of these numbers x=file.safetensors    the
///   tensor x of a file ids:i64=[5]           with a type: f64, which needs not be said, f32, i64
///   or b8
///
/// It takes precedence over what the program describes. Error, naming the input, if that leaves
/// open which inputs there are, a shape, or the range of integers; if values are outside of the
/// domain; or if the program describes inputs and none of them has that name.
Point choose_point(const std::string& text, const std::vector<ArrayDescription>& described,
                   Key key);

}  // namespace adjoint::program

// What the checker asks a program and what it answers: one JSON object a line, in both directions.
// README.md describes the protocol. Nothing here starts a program: these functions only write and
// read lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/gradcheck.h"

namespace adjoint::program {

/// An input or an output, as the program describes it.
struct ArrayDescription {
  std::string name;
  std::optional<Shape> shape = {};
  std::optional<DType> dtype = {};
  Domain domain = {};
  Tensor values = {};  ///< of an input, in f64; empty if the checker chooses them
};

struct Description {
  std::vector<ArrayDescription> inputs, outputs;  ///< either may be left out
  bool has_jvp = false;
};

/// Thrown where the program answers {"error": "its words"}: it is well, but refuses these inputs.
class Refused : public Error {
 public:
  using Error::Error;
};

/// Who answers: a process, or in a test whatever the test makes up. An Error of ask() means that
/// there will be no more answers.
class Peer {
 public:
  virtual ~Peer() = default;
  /// Sends a line, without its end, and returns the line that comes back.
  virtual std::string ask(const std::string& line) = 0;
  /// The peer is not asked any more. Returns `why`, with its last words if it has any to add.
  virtual std::string end(const std::string& why) = 0;
};

/// Arrays by name, in their order.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Where requests and answers put arrays that are too large for a line.
struct Files {
  std::string request, answer;  ///< paths; both empty if all arrays are written in the line
};

/// A request, without the end of the line: request("vjp", 7, {{"inputs", …}, {"cotangents", …}}).
/// With files, the arrays of each field are written to `files.request` with the field's initial
/// and a point in front of their names, such as "inputs.x".
std::string request(const std::string& kind, std::int64_t id,
                    const std::vector<std::pair<std::string, NamedTensors>>& fields,
                    const Files& files = {});

/// The answer to "describe". Errors as for read_arrays.
Description read_description(std::string_view line, std::int64_t id);

/// The arrays in a field of an answer, "outputs" or "gradients" or "tangents", as f64, in the order
/// of `expected`. Where a shape is expected, a flat list of so many numbers has that shape, too. If
/// nothing is expected, all arrays of the answer in their order. Refused with the program's words;
/// Error, saying what is wrong with the line, if it is not such an answer, or answers another
/// request.
NamedTensors read_arrays(std::string_view line, std::int64_t id, const std::string& field,
                         const std::vector<ArrayDescription>& expected);

}  // namespace adjoint::program

// A tape and its reverse sweep as JSON: for pages and programs that draw them.
//
// The schema, version 1. A reader should refuse other versions; fields may be added within one.
//
//   {"schema": 1,
//    "result": {"node": 6, "output": 0},     y
//    "ones": true,                           y's cotangent was chosen, ones; false: the caller's
//    "nodes": [NODE, …],                     in the order of computation; node n is nodes[n − 1]
//    "events": [EVENT, …],                   the sweep, in order
//    "tensors": [TENSOR, …]}                 every number; elsewhere a TENSOR stands as its index
//
// NODE     {"number": 3, "operation": "mul", "label": "", "scope": "encoder.0", "leaf": false,
//           "rule": ["y = a b", "ā = ȳ b", "b̄ = ȳ a"],   [] if the operation states none
//           "attributes": {"p": 2, "axes": [0, 1]},        numbers, lists of them, booleans, types
//           "inputs": [INPUT, …], "outputs": [OUTPUT, …]}
// INPUT    {"node": 1, "output": 0,         node 0 is a constant, which has no output: null
//           "shape": [2], "dtype": "f32",
//           "values": 0,                    null if the tape does not keep them
//           "repeated": [0]}                axes of the result along which it was broadcast
// OUTPUT   {"shape": [2], "dtype": "f32", "values": 4, "edited": false,
//           "consumers": 2,                 operands that read it; one operation may have two
//           "cotangent": 9}                 all of it; null for zero
// EVENT    {"event": "seed", "node": 6, "output": 0, "cotangent": 5}
//          {"event": "vjp", "node": 6,
//           "cotangents": [5],              of each output, null for zero
//           "gradients": [6, null]}         for each input, null for zero or a constant
//          {"event": "accumulate", "node": 5, "output": 0, "from": 6, "input": 0,
//           "before": null, "term": 6, "after": 6,           before + term = after
//           "arrived": 1, "consumers": 2}
//          {"event": "leaf", "node": 1, "gradient": 12}      null for zero
// TENSOR   {"shape": [2], "dtype": "f32", "values": [1, 2],  in row-major order
//           "sampled": false}
//          {"shape": [64, 64], "dtype": "f32", "values": [1, 2, …], "sampled": true,
//           "positions": [0, 37, …],        of these values in row-major order
//           "norm": 3, "least": -1, "largest": 2, "mean": 0.5, "nan": 0, "infinite": 0}
//
// Numbers have the shortest digits that read back as the same double. NaN and infinities are the
// strings "NaN", "Infinity" and "-Infinity"; elements of b8 are true and false. The statistics are
// of the finite elements.
#pragma once

#include <string>

#include "autograd/tensor.h"

namespace adjoint {

struct TapeStory;

/// What tape_as_json() writes, and how much of it.
struct TapeJsonOptions {
  Tensor cotangent{};   ///< of y, in y's form; if empty, ones
  Index elements = 64;  ///< a tensor with more is sampled: so many of its elements, evenly spread
};

/// The story of y as one line of JSON. Errors as for tape_story().
std::string tape_as_json(const Tensor& y, const TapeJsonOptions& options = {});

/// The same for a story that was gathered before; `options.cotangent` has no effect.
std::string tape_as_json(const TapeStory& story, const TapeJsonOptions& options = {});

}  // namespace adjoint

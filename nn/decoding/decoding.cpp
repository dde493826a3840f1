#include "nn/decoding/decoding.h"

namespace adjoint::nn {

void DecodingOptions::check(std::size_t sources) const {
  require(max_length >= 0, "decoding: max_length must not be negative, is ", max_length);
  require(min_length >= 0 && min_length <= max_length,
          "decoding: min_length must be between 0 and max_length = ", max_length, ", is ",
          min_length);
  require(prefixes.empty() || prefixes.size() == sources, "decoding: ", prefixes.size(),
          " prefixes for ", sources, " sources; give one for each source, or none");
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    require(std::ssize(prefixes[i]) <= max_length, "decoding: the prefix of source ", i, " has ",
            prefixes[i].size(), " tokens, max_length is ", max_length);
    for (const Index id : prefixes[i])
      require(id >= 0 && id != end, "decoding: the prefix of source ", i, " contains ", id,
              id == end ? ", the end" : ", which is not a token");
  }
}

void DecodingOptions::check_vocabulary(Index tokens) const {
  require(end < tokens, "decoding: the end is token ", end, ", the model has ", tokens, " tokens");
  for (std::size_t i = 0; i < prefixes.size(); ++i)
    for (const Index id : prefixes[i])
      require(id < tokens, "decoding: the prefix of source ", i, " contains ", id,
              ", the model has ", tokens, " tokens");
}

}  // namespace adjoint::nn

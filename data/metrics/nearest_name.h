// What somebody meant who mistyped a name.
#pragma once

#include <string>
#include <vector>

namespace adjoint::data {

/// The known name that is nearest to the given one by edit distance, where two neighbours in the
/// wrong order are one edit, if no more than a third of its letters differ; else the first that
/// begins with the given one; else empty. For "did you mean".
std::string nearest_name(const std::string& given, const std::vector<std::string>& known);

}  // namespace adjoint::data

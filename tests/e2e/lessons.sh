#!/usr/bin/env bash
# The lessons check their own claims: they have to run and to exit with 0. The first program in
# README.md has to compile and to print what README.md says. So do the gradient checks of layers in
# nn's.
. "$(dirname "$0")/checks.sh"

lessons=("$repository"/examples/[0-9]*.cpp)
check "there are lessons" [ ${#lessons[@]} -ge 3 ]
for lesson in "${lessons[@]}"; do
  name=$(basename "$lesson" .cpp)
  succeeds "$name" "$build/$name"
done

sed -n '/^```cpp$/,/^```$/{/^```/!p}' "$repository/README.md" >mine.cpp
shared=("$build"/libadjoint.so.*)
check "README.md's program compiles" "${CXX:-g++}" -std=c++20 -fopenmp-simd -Wall -Wextra -Werror \
  -I"$repository" -I"$repository/examples" mine.cpp "${shared[@]}" -Wl,-rpath,"$build" -o mine
succeeds "  runs" ./mine
check "  prints what README.md says" grep -qxF "    $(cat out)" "$repository/README.md"

blocks() { sed -n '/^```cpp$/,/^```$/{/^```/!p}' "$1"; }
# gradients NAME DEFINITIONS STATEMENTS: a program of these, which must find nothing wrong
gradients() {
  printf '#include <iostream>\n#include "adjoint.h"\nusing namespace adjoint;\nusing namespace adjoint::nn;\n%s
int main() {\n%s\n}\n' "$2" "$3" >gradients.cpp
  check "$1 compiles" "${CXX:-g++}" -std=c++20 -fopenmp-simd -Wall -Wextra -Werror \
    -I"$repository" -I"$repository/examples" gradients.cpp "${shared[@]}" -Wl,-rpath,"$build" -o gradients
  succeeds "  runs" ./gradients
  check "  its gradients are right" grep -q '^gradcheck: ok' out
}
gate=$(blocks "$repository/nn/README.md" | sed '/^const Gate/,$d')
check_of_gate=$(blocks "$repository/nn/README.md" | sed -n '/^const Gate/,/gradcheck/p')
gradients "nn/README.md's gate" "$gate" "$check_of_gate"
gradients "nn/layers/README.md's check" "" "$(blocks "$repository/nn/layers/README.md")"
finish

#!/usr/bin/env bash
# The lessons check their own claims: they have to run and to exit with 0. The first program in
# README.md has to compile and to print what README.md says.
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
finish

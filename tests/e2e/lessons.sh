#!/usr/bin/env bash
# The lessons assert their own claims: they have to run and to exit with 0.
. "$(dirname "$0")/checks.sh"

lessons=("$repository"/examples/[0-9]*.cpp)
check "there are lessons" [ ${#lessons[@]} -ge 2 ]
for lesson in "${lessons[@]}"; do
  name=$(basename "$lesson" .cpp)
  succeeds "$name" "$build/$name"
done
finish

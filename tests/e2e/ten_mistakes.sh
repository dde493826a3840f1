#!/usr/bin/env bash
# Ten mistakes are found and named alike as operations, as arrays and as NumPy programs, where NumPy is
# installed; and the page that compares PyTorch's words with ours is what its command writes.
. "$(dirname "$0")/checks.sh"

in_root() { (cd "$repository" && "$@"); }

if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
  check "ten mistakes in three forms" in_root "$build/ten_mistakes"
  succeeds "a report of one of them" in_root "$build/ten_mistakes" report subtract
  check "… names the kind" grep -q 'b: the sign is wrong' out
  if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    check "the page beside PyTorch" in_root /usr/bin/python3 tests/autograd/gradcheck/beside_pytorch.py "$build" --check
  fi
fi
finish

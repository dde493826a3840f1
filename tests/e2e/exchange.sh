#!/usr/bin/env bash
# Models go to PyTorch and come back, where PyTorch is installed; what is stored is checked anyway.
. "$(dirname "$0")/checks.sh"

exchange=$build/exchange
theirs=("/usr/bin/python3" "$repository/tests/parity/exchange.py")
stored=$repository/tests/parity/exchange

succeeds "what is stored of PyTorch's" "$exchange" check "$stored/torch"
succeeds "what is stored of ours" "$exchange" check "$stored/adjoint"
succeeds "our models are written" "$exchange" write ours
succeeds "… and read" "$exchange" check ours
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
  succeeds "PyTorch reads them" "${theirs[@]}" check ours
  succeeds "PyTorch writes its own" "${theirs[@]}" write theirs
  succeeds "… and we read them" "$exchange" check theirs
  cp ours/post.safetensors theirs/
  run "${theirs[@]}" check theirs
  check "PyTorch notices weights of another model" [ "$status" = 1 ]
fi
cp ours/post.safetensors ours/pre.safetensors
refuses "a model of another kind" 1 'pre.safetensors|missing encoder.final_norm.gain' "$exchange" check ours
refuses "no command" 2 'exchange write FOLDER' "$exchange"
finish

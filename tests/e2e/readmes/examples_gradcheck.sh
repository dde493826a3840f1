# A copy of the kernel's program, not changed.
ln -s gradcheck_kernel build/mine
# Linking with an installed library: tests/e2e/install.sh.
g++() { :; }
pkg-config() { :; }
ln -s build/mine mine

# Recorded values, by PyTorch and by NumPy.
export PYTHONPATH=$root/examples/gradcheck/adapters
if python3 -c 'import torch' 2>/dev/null; then
  cat - python1 >torch_values.py <<'PYTHON'
import torch
module, x = torch.nn.Linear(3, 2), torch.ones(4, 3)
PYTHON
  python3 torch_values.py
  build/gradcheck --file values.safetensors
fi
if has_numpy; then
  cat - python2 >numpy_values.py <<'PYTHON'
import numpy as np
x, w = np.ones((2, 3)), np.ones((3, 4))
forward, vjp = lambda x, w: x @ w, lambda x, w, dy: (dy @ w.T, x.T @ dy)
PYTHON
  python3 numpy_values.py
  build/gradcheck --file values.safetensors
fi

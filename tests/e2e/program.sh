#!/usr/bin/env bash
# Derivatives outside the library: gradcheck --program with the adapters, and kernels. What needs
# NumPy or PyTorch is left out where they are not installed.
. "$(dirname "$0")/checks.sh"

gradcheck=$build/gradcheck
adapters=$repository/examples/gradcheck/adapters
python=/usr/bin/python3
export PYTHONPATH=$adapters PYTHONDONTWRITEBYTECODE=1
has() { "$python" -c "import $1" 2>/dev/null; }

# NAME "PART|PART…" ARGUMENT…: the check fails, and the report has all the parts
finds() {
  local name=$1 part why=
  local -a parts
  IFS='|' read -ra parts <<<"$2"
  shift 2
  run "$gradcheck" "$@" </dev/null
  [ $status = 1 ] || why+="exit code $status, expected 1: $(head -n 2 err); "
  for part in "${parts[@]}"; do
    grep -qF -e "$part" out || why+="does not say '$part'; "
  done
  if [ -z "$why" ]; then ok "$name"; else failed "$name" "$why"$'\n'"$(head -n 5 out)"; fi
}

# ---- Kernels -------------------------------------------------------------------------------------
shared=("$build"/libadjoint.so.*)
compile() {  # SOURCE OUT OBJECT…
  "${CXX:-g++}" -std=c++20 -Wall -Wextra -Werror -I"$repository" "$1" "${@:3}" "${shared[@]}" \
    -Wl,-rpath,"$build" -o "$2"
}

succeeds "the kernel of gradcheck_kernel is right" "$build/gradcheck_kernel"
check "  in f32" grep -q 'computed in f32' out
kernel=$repository/examples/gradcheck_kernel
spoils() {  # NAME SED_COMMAND PART: the kernel with this mistake fails the check
  sed "$2" "$kernel/rms_norm.c" >wrong.c
  check "$1: is a change" not cmp -s wrong.c "$kernel/rms_norm.c"
  check "  compiles" "${CXX:-g++}" -x c -std=c11 -O1 -c wrong.c -o wrong.o
  check "  links" compile "$kernel.cpp" wrong wrong.o
  run ./wrong
  check "  fails" [ "$status" = 1 ]
  check "  says so" grep -qF -e "$3" out
}
spoils "a term left out" 's/ - x\[j\] \* r \* r \* mean//' 'x: a term is missing'
spoils "a gradient that is not set to zero" '/dgain\[j\] = 0/d' \
  'the gradient of gain: element [0] was added to what was there, not stored, by the backward'
spoils "one element too many" 's/j < columns; ++j) dgain\[j\] = 0/j <= columns; ++j) dgain[j] = 0/' \
  'the gradient of gain: the backward wrote outside of it: 1 element behind its end'

# ---- Programs, without Python --------------------------------------------------------------------
cat >identity.sh <<'PROGRAM'
sed -u -e '/describe/s/.*/{"inputs":[{"name":"x","shape":[3]}]}/' \
  -e 's/.*"forward","inputs":{"x":\(.*\)}}/{"outputs":{"y":\1}}/' \
  -e 's/.*"cotangents":{"y":\(.*\)}}/{"gradients":{"x":\1}}/'
PROGRAM
succeeds "a program in sed" "$gradcheck" --program 'sh identity.sh'
finds "a crash" 'it crashed (signal 9, Killed)' \
  --program 'sh identity.sh | (sed -u 4q; kill -9 $$)'
finds "garbage" 'its answer is not a JSON object: garbage' --program 'sh identity.sh | sed -u 7s/.*/garbage/'
run timeout 60 "$gradcheck" --program 'exec sleep 1000' --inputs 'x=[3]' --seconds 0.2
check "silence ends after the time limit" grep -qF 'it gave no answer within 0.2 s' err
check "  and is no verdict" [ "$status" = 2 ]
run "$gradcheck" --program 'yes'
check "a program that is none" grep -qF 'its answer is not a JSON object: y;' err

# ---- NumPy ---------------------------------------------------------------------------------------
if has numpy; then
  sed -n '/^```python$/,/^```$/{/^```/!p}' "$adapters/README.md" >mine.py
  mine=(--program "$python mine.py" --inputs 'x=[3,4] w=[4,2]')
  succeeds "the README's program in NumPy" "$gradcheck" "${mine[@]}"

  sed 's/1 - np.tanh(x @ w) \*\* 2/1 - np.tanh(x @ w)/' mine.py >wrong.py
  finds "a wrong factor" 'FAILED|mismatch  x[|mismatch  w[' --program "$python wrong.py" "${mine[@]:2}"
  sed 's/return dz @ w.T, x.T @ dz/return dz @ w.T, -(x.T @ dz)/' mine.py >wrong.py
  finds "a wrong sign" 'w: the sign is wrong' --program "$python wrong.py" "${mine[@]:2}"
  finds "shapes that do not fit" 'error: forward: it says: ValueError: matmul|(mine.py, line 5)' \
    "${mine[@]:0:2}" --inputs 'x=[3,4] w=[3,2]'
  sed 's/^def vjp.*/&\n    dy *= 2/' mine.py >wrong.py
  finds "a cotangent changed in place" 'error: vjp: it says: ValueError: vjp changed its argument 2 in place' \
    --program "$python wrong.py" "${mine[@]:2}"
  cat >layer.py <<'PROGRAM'
import numpy as np
from adjoint_check import serve

class Layer:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, x, dy):
        return dy * (1 - self.y ** 2)

layer = Layer()
serve(layer.forward, layer.backward)
PROGRAM
  succeeds "an object that keeps its output" "$gradcheck" --program "$python layer.py" --inputs 'x=[3]'
  sed 's/^def forward.*/&\n    print("a line that is no answer")/' mine.py >chatty.py
  succeeds "a program that prints" "$gradcheck" --program "$python chatty.py" "${mine[@]:2}"
  sed 's/^import numpy/import no_such_module/' mine.py >broken.py
  run "$gradcheck" --program "$python broken.py" "${mine[@]:2}"
  check "a program that does not start" grep -qF "No module named 'no_such_module'" err

  cat >lookup.py <<'PROGRAM'
import numpy as np
from adjoint_check import serve

def forward(table, ids):
    return np.log(table)[ids], table.sum()

def vjp(table, ids, dy, dsum):
    gradient = np.full_like(table, dsum)
    np.add.at(gradient, ids, dy / table[ids])
    return gradient

serve(forward, vjp, outputs=["rows", "sum"], inputs=[
    dict(name="table", shape=[5, 3], low=0),
    dict(name="ids", shape=[4], dtype="i64", low=0, high=4)])
PROGRAM
  succeeds "integers, bounds and two outputs" "$gradcheck" --program "$python lookup.py"
  sed 's/np.add.at(gradient, ids, \(.*\))$/gradient[ids] += \1/' lookup.py >wrong.py
  finds "a repeated index" 'mismatch  table[' --program "$python wrong.py" --inputs 'ids:i64=1,1,1,2'

  cat >large.py <<'PROGRAM'
import numpy as np
from adjoint_check import serve

serve(lambda x: (np.sin(x), np.cos(x).sum()), lambda x, dz, da: dz * np.cos(x) - da * np.sin(x),
      inputs=[dict(name="x", shape=[100, 200])], outputs=["z", "a"])
PROGRAM
  succeeds "large arrays, in files" "$gradcheck" --program "$python large.py"
  sed 's/- da/+ da/' large.py >wrong.py
  finds "  a mistake in one of them" 'mismatch' --program "$python wrong.py"

  cat >narrow.py <<'PROGRAM'
import numpy as np
from adjoint_check import serve

serve(lambda x: np.exp(x), lambda x, dy: dy.astype(np.float32) * np.exp(x),
      inputs=[dict(name="x", shape=[6], dtype="f32")])
PROGRAM
  succeeds "single precision" "$gradcheck" --program "$python narrow.py"
  check "  as the report says" grep -qF 'computed in f32' out
  sed 's/\* np.exp(x),$/* np.exp(x) * np.float32(1.01),/' narrow.py >wrong.py
  finds "  a mistake of 1%" '1.01 × what it should be' --program "$python wrong.py"
else
  echo "skipped: NumPy is not installed"
fi

# ---- PyTorch -------------------------------------------------------------------------------------
if has torch; then
  cat >function.py <<'PROGRAM'
import torch
from adjoint_check import serve_torch

class Square(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x ** 2

    @staticmethod
    def backward(context, dy):
        x, = context.saved_tensors
        return 2 * x * dy

serve_torch(lambda x, w: Square.apply(x) @ w)
PROGRAM
  both=(--inputs 'x=[3,4] w=[4,2]' --seconds 60)
  succeeds "a function of PyTorch's" "$gradcheck" --program "$python function.py" "${both[@]}"
  sed 's/return 2 \* x \* dy/return x * dy/' function.py >wrong.py
  finds "  a factor" 'x: 0.5 × what it should be' --program "$python wrong.py" "${both[@]}"
  cat >module.py <<'PROGRAM'
import torch
from adjoint_check import serve_torch

torch.manual_seed(1)
layers = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
serve_torch(layers, inputs=[dict(name="x", shape=[5, 4])])
PROGRAM
  succeeds "a module, with its parameters" "$gradcheck" --program "$python module.py" --seconds 60
  check "  43 inputs in all" grep -qF '43 inputs' out
else
  echo "skipped: PyTorch is not installed"
fi
finish

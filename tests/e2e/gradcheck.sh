#!/usr/bin/env bash
# The program gradcheck: recorded values, reports for machines, exit codes. The values are recorded
# by the adapters for NumPy and PyTorch, where those are installed.
. "$(dirname "$0")/checks.sh"

gradcheck=$build/gradcheck
adapters=$repository/examples/gradcheck/adapters
export PYTHONDONTWRITEBYTECODE=1

exits() {  # NAME CODE COMMAND…: that exit code, and nothing on standard error
  local name=$1 code=$2
  shift 2
  run "$@" </dev/null
  if [ $status = "$code" ] && [ ! -s err ]; then ok "$name"; else
    failed "$name" "exit code $status, expected $code: $(head -n 3 err)"
  fi
}

# ---- Wrong use -----------------------------------------------------------------------------------
succeeds "help" "$gradcheck" --help
for word in --file --json --junit undecidable 'make gradcheck'; do
  check "  mentions $word" grep -q -e "$word" out
done
refuses "nothing to check" 2 "--file" "$gradcheck"
refuses "a name of the library" 2 "make gradcheck GRADCHECK_ARGS=softmax" "$gradcheck" softmax
refuses "an unknown option" 2 "--bogus" "$gradcheck" --bogus
refuses "an option without its value" 2 "--file needs a value" "$gradcheck" --file
refuses "two files" 2 "--file is given more than once" "$gradcheck" --file a --file b
refuses "a missing file" 2 "none.safetensors|No such file" "$gradcheck" --file none.safetensors
echo garbage >garbage.safetensors
refuses "a file that is none" 2 "garbage.safetensors" "$gradcheck" --file garbage.safetensors

# A file for which Python alone suffices: y = 3 x at x = 2, with the gradient $2.
by_hand() {  # FILE GRADIENT [NAME]
  python3 - "$@" <<'PYTHON'
import json, struct, sys
path, gradient, name = sys.argv[1], float(sys.argv[2]), (sys.argv[3:] or ["x"])[0]
steps = [2.0 ** -k for k in range(3, 18)]
tensors = {f"input.{name}": ([1], [2.0]), "output.y": ([1], [6.0]), "cotangent.y": ([1, 1], [1.0]),
           f"gradient.{name}": ([1, 1], [gradient]), f"direction.{name}": ([1, 1], [1.0]), "step": ([15], steps),
           "up.y": ([1, 15, 1], [6 + 3 * h for h in steps]), "down.y": ([1, 15, 1], [6 - 3 * h for h in steps])}
header, data = {}, b""
for key, (shape, values) in sorted(tensors.items()):
    part = struct.pack(f"<{len(values)}d", *values)
    header[key] = {"dtype": "F64", "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
    data += part
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)
PYTHON
}
by_hand right.safetensors 3
by_hand wrong.safetensors 6
by_hand strange.safetensors 6 $'<x> & "\x01\x7f\u202e]]>'
exits "a right gradient" 0 "$gradcheck" --file right.safetensors
check "  is ok" grep -q '^gradcheck: ok' out
exits "a wrong gradient" 1 "$gradcheck" --file wrong.safetensors
check "  is named" grep -qE 'mismatch +x\[0\] .* 6 +3 ' out
check "  and diagnosed" grep -q 'x: 2 × what it should be' out

# ---- For machines --------------------------------------------------------------------------------
json_says() { python3 -c "import json, sys; j = json.load(open('out')); sys.exit(not ($1))"; }
exits "JSON of a right gradient" 0 "$gradcheck" --file right.safetensors --json
check "  says ok" json_says "j['schema'] == 1 and j['verdict'] == 'ok'"
check "  in one line" [ "$(wc -l <out)" = 1 ]
exits "JSON of a wrong one" 1 "$gradcheck" --file wrong.safetensors --json
check "  says what is wrong" json_says "j['findings'][0]['where'] == 'x[0]' and j['diagnoses'][0]['factor'] == 2"
check "  without all numbers" json_says "'analytic' not in j['measurements'][0]"
exits "JSON of all numbers" 1 "$gradcheck" --file wrong.safetensors --json=full
check "  has them" json_says "j['measurements'][0]['analytic'] == [[6.0]]"
refuses "another kind of JSON" 2 "--json" "$gradcheck" --file wrong.safetensors --json=xml
for kind in right wrong strange; do
  run "$gradcheck" --file $kind.safetensors --junit $kind.xml
  check "JUnit XML, $kind" python3 -c "
import xml.etree.ElementTree as tree
suite = tree.parse('$kind.xml').getroot().find('testsuite')
failures = suite.findall('testcase/failure')
assert len(failures) == int(suite.get('failures')) == ('$kind' != 'right'), failures
assert all('mismatch' in failure.text for failure in failures)"
done
run "$gradcheck" --file strange.safetensors --json
check "JSON of a strange name" json_says "j['findings'][0]['where'].startswith('<x> & \"\\\\u0001')"

# ---- Values recorded by the adapters -------------------------------------------------------------
cat >numpy_values.py <<'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from recording import record
x, w = np.arange(6.0).reshape(2, 3) / 7, np.linspace(-1, 1, 12).reshape(4, 3)
def forward(x, w):
    return np.tanh(x @ w.T)
def vjp(x, w, dy):
    g = dy * (1 - np.tanh(x @ w.T) ** 2)
    return g @ w, g.T @ x
def with_ids(x, ids, w):
    return np.tanh(x @ w.T), ids
record("numpy.safetensors", with_ids, lambda x, ids, w, dy, dids: vjp(x, w, dy), {"x": x, "ids": np.arange(3), "w": w})
record("blind.safetensors", forward, lambda *both: (vjp(*both)[0], None), {"x": x, "w": w})
record("numpy32.safetensors", forward, vjp, {"x": x.astype(np.float32), "w": w.astype(np.float32)})
record("many.safetensors", np.sin, lambda x, dy: np.cos(x) * dy, {"x": np.linspace(0, 9, 500)}, elements=8)
big = np.linspace(1, 2, 80)
def scales(x):
    return 1e14 * np.sin(x), np.cos(x)
record("scales.safetensors", scales, lambda x, d0, d1: 1e14 * np.cos(x) * d0 - np.sin(x) * d1, {"x": big})
record("small.safetensors", scales, lambda x, d0, d1: 1e14 * np.cos(x) * d0 + np.sin(x) * d1, {"x": big})
def strict(x):
    if (x <= 0).any():
        raise ValueError("x must be positive")
    return np.log(x)
record("domain.safetensors", strict, lambda x, dy: dy / x, {"x": np.array([0.01, 3.0])})
record("few.safetensors", lambda x: np.sin(99 * x), lambda x, dy: 99 * np.cos(99 * x) * dy, {"x": x[:1]}, steps=3)
PYTHON
python=python3
if ! python3 -c 'import numpy' 2>/dev/null; then python=/usr/bin/python3; fi
if "$python" -c 'import numpy' 2>/dev/null; then
  check "NumPy's values are recorded" "$python" numpy_values.py "$adapters"
  exits "  right ones" 0 "$gradcheck" --file numpy.safetensors
  check "  with the whole Jacobian" grep -q '18 inputs × 2 random cotangents and 8 outputs' out
  exits "  a missing gradient" 1 "$gradcheck" --file blind.safetensors
  check "  is zero" grep -q 'w: zero' out
  exits "  in f32" 0 "$gradcheck" --file numpy32.safetensors
  check "  says its precision" grep -q 'of the gradient do not show' out
  exits "  of many elements" 0 "$gradcheck" --file many.safetensors
  check "  says what escapes" grep -q 'along 4 random lines and 8 by themselves' out
  exits "  of outputs of very different sizes" 0 "$gradcheck" --file scales.safetensors
  exits "  where the smaller one is wrong" 1 "$gradcheck" --file small.safetensors
  exits "  of a function that throws beside the point" 0 "$gradcheck" --file domain.safetensors
  exits "  with too few steps" 3 "$gradcheck" --file few.safetensors --json
  check "  is undecidable" json_says "j['verdict'] == 'undecidable'"
else
  echo "skipped NumPy's values: NumPy is not installed"
fi

cat >torch_values.py <<'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import torch
from record_torch import record
torch.manual_seed(0)
x = torch.randn(2, 3)
record("torch.safetensors", torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Dropout(0.3),
                                               torch.nn.LayerNorm(4)), x)
record("relu.safetensors", torch.nn.ReLU(), torch.tensor([0.0, 1.0, -1.0]))
record("embedding.safetensors", torch.nn.Embedding(4, 3), torch.tensor([1, 2, 1]))
class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w.T
    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w, x.T @ g  # instead of g.T @ x
class Wrong(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(3, 3))
    def forward(self, x):
        return Product.apply(x, self.weight)
record("wrong_torch.safetensors", Wrong(), torch.randn(3, 3))
record("function.safetensors", lambda a, b: (a @ b, a.sum()), torch.randn(2, 3), torch.randn(3, 2))
PYTHON
if ! "$python" -c 'import torch' 2>/dev/null; then python=/usr/bin/python3; fi
if "$python" -c 'import torch' 2>/dev/null; then
  check "PyTorch's values are recorded" "$python" torch_values.py "$adapters"
  exits "  a right module" 0 "$gradcheck" --file torch.safetensors
  exits "  a kink" 0 "$gradcheck" --file relu.safetensors
  check "  is no failure" grep -q '1 kink: input\[0\]' out
  exits "  integers" 0 "$gradcheck" --file embedding.safetensors
  exits "  a function of two outputs" 0 "$gradcheck" --file function.safetensors
  exits "  a wrong backward" 1 "$gradcheck" --file wrong_torch.safetensors
  check "  is diagnosed" grep -q 'weight: transposed' out
else
  echo "skipped PyTorch's values: PyTorch is not installed"
fi
finish

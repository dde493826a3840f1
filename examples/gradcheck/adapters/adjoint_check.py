"""Lets `build/gradcheck --program "python3 mine.py"` check derivatives written in Python.

With NumPy, mine.py is:

    import numpy as np
    from adjoint_check import serve

    def forward(x, w):
        return np.tanh(x @ w)

    def vjp(x, w, dy):                      # the inputs, then a cotangent for each output
        dz = dy * (1 - np.tanh(x @ w) ** 2)
        return dz @ w.T, x.T @ dz           # a gradient for each input

    serve(forward, vjp, inputs=[dict(name="x", shape=[3, 4]), dict(name="w", shape=[4, 2])])

With PyTorch the last line is serve_torch(f), where f is a function of tensors or a module. The
README.md one folder up lists what else an input may say about itself.
"""
import inspect
import json
import os
import sys
import traceback

import numpy as np

TYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "BOOL": np.bool_}
DTYPES = {"f32": np.float32, "f64": np.float64, "i64": np.int64, "b8": np.bool_}


def serve(forward, vjp, inputs=None, outputs=None, jvp=None):
    """Answers requests until there are no more.

    forward(*inputs) returns an array, or a tuple of them. vjp(*inputs, *cotangents) returns one
    gradient for each input; None means zero. forward runs just before each vjp, at the same inputs,
    so an object may keep what its vjp needs. jvp(*inputs, *tangents), which is optional, returns
    one tangent for each output. `inputs` describes the inputs in the order of the arguments;
    without it they are the arguments of forward, and --inputs gives their shapes. `outputs` are the
    outputs' names.
    """
    if inputs is None:
        inputs = [dict(name=name) for name in inspect.signature(forward).parameters]
    names = [x["name"] for x in inputs]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints to standard output must not mix with the answers

    output_names = outputs

    def named_outputs(arrays):
        nonlocal output_names
        if output_names is None:
            output_names = ["y"] if len(arrays) == 1 else [f"y{j}" for j in range(len(arrays))]
        if len(output_names) != len(arrays):
            raise ValueError(f"there are {len(arrays)} outputs and {len(output_names)} names")
        return dict(zip(output_names, arrays))

    def answer_to(request):
        if request["request"] == "describe":
            described = [{**x, "values": x["values"].tolist()} if "values" in x else x for x in inputs]
            return {"inputs": described, "jvp": jvp is not None}
        fields = fields_of(request)
        xs = [array(fields["inputs"][x["name"]], x.get("dtype")) for x in inputs]
        real = [x.dtype.kind == "f" for x in xs]
        if request["request"] == "forward":
            return written(request, "outputs", named_outputs(unchanged(forward, xs)))
        if request["request"] == "jvp":
            tangents = [array(fields["tangents"][name]) for name, x in zip(names, real) if x]
            return written(request, "tangents", named_outputs(unchanged(jvp, xs + tangents)))
        ys = named_outputs(unchanged(forward, xs))
        cotangents = [array(fields["cotangents"][name]) for name in ys]
        gradients = unchanged(vjp, xs + cotangents)
        if len(gradients) == sum(real) < len(xs):  # the integer inputs may be left out
            rest = iter(gradients)
            gradients = [next(rest) if is_real else None for is_real in real]
        if len(gradients) != len(xs):
            raise ValueError(f"vjp returned {len(gradients)} gradients, there are {len(xs)} inputs")
        gradients = [np.zeros(x.shape) if g is None else g for x, g in zip(xs, gradients)]
        return written(request, "gradients",
                       {name: g for name, g, is_real in zip(names, gradients, real) if is_real})

    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = answer_to(request)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{os.path.basename(place.filename)}, line {place.lineno}"
            answer = {"error": f"{type(error).__name__}: {error} ({where})"}
        print(json.dumps({"id": request["id"], **answer}), file=answers, flush=True)


def serve_torch(f, inputs=None, outputs=None):
    """The same for a function of PyTorch tensors, or a module, whose parameters are inputs too.

    The vjp is that of torch.autograd. All tensors are float64, unless `inputs` says dtype="f32".
    """
    import torch

    parameters = {}
    if isinstance(f, torch.nn.Module):
        parameters = {name: p.detach() for name, p in f.double().named_parameters()}
    if inputs is None:
        signature = inspect.signature(f.forward if parameters else f)
        inputs = [dict(name=name) for name in signature.parameters]
    arguments = len(inputs)
    inputs = inputs + [dict(name=name, shape=list(p.shape), values=p.numpy())
                       for name, p in parameters.items()]

    def call(tensors):
        if not parameters:
            return as_tuple(f(*tensors))
        try:
            from torch.func import functional_call
        except ImportError:  # before PyTorch 2.0
            from torch.nn.utils.stateless import functional_call
        own = dict(zip(parameters, tensors[arguments:]))
        return as_tuple(functional_call(f, own, tuple(tensors[:arguments])))

    def forward(*xs):
        with torch.no_grad():
            return tuple(y.numpy() for y in call([torch.tensor(x) for x in xs]))

    def vjp(*both):
        xs = [torch.tensor(x) for x in both[:len(inputs)]]
        real = [x.requires_grad_() for x in xs if x.is_floating_point()]
        cotangents = [torch.tensor(y) for y in both[len(inputs):]]
        pairs = [(y, c.to(y.dtype)) for y, c in zip(call(xs), cotangents) if y.requires_grad]
        if not pairs:
            return tuple(None for _ in xs)
        ys, cotangents = zip(*pairs)
        gradients = iter(torch.autograd.grad(ys, real, cotangents, allow_unused=True))
        found = [next(gradients) if x.is_floating_point() else None for x in xs]
        return tuple(None if g is None else g.numpy() for g in found)

    serve(forward, vjp, inputs, outputs)


def as_tuple(x):
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def unchanged(f, arrays):
    """f(*arrays), after which the arrays must be as before."""
    before = [x.copy() for x in arrays]
    results = as_tuple(f(*arrays))
    for position, (x, old) in enumerate(zip(arrays, before)):
        if not np.array_equal(x, old, equal_nan=True):
            raise ValueError(f"{f.__name__} changed its argument {position} in place")
    return results


def array(x, dtype=None):
    return np.array(x, DTYPES[dtype] if dtype else None)


def fields_of(request):
    """The arrays of a request, {"inputs": {name: array}, ...}, which may be in a file."""
    if "file" not in request:
        return request
    fields = {}
    for name, x in read_safetensors(request["file"]).items():
        field, _, rest = name.partition(".")
        fields.setdefault(field, {})[rest] = x
    return fields


def written(request, field, arrays):
    """The answer: the arrays in the line or, if the request came in a file, in a file too."""
    if "answer_file" in request:
        write_safetensors(request["answer_file"], arrays)
        return {field + "_file": request["answer_file"]}
    return {field: {name: np.asarray(x).tolist() for name, x in arrays.items()}}


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*x["data_offsets"])], TYPES[x["dtype"]]).reshape(x["shape"])
            for name, x in header.items()}


def write_safetensors(path, arrays):
    header, data = {}, b""
    for name, x in arrays.items():
        content = np.asarray(x, np.float64).tobytes()
        header[name] = {"dtype": "F64", "shape": list(np.shape(x)),
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)

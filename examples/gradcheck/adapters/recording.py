"""Records a function for `gradcheck --file`, where the two cannot run together. Needs NumPy only.

    from recording import record

    def forward(x, w):
        return np.tanh(x @ w)

    def vjp(x, w, dy):                      # the inputs, then a cotangent for each output
        dz = dy * (1 - np.tanh(x @ w) ** 2)
        return dz @ w.T, x.T @ dz           # a gradient for each input; None means zero

    record("values.safetensors", forward, vjp, {"x": x, "w": w})

Integer inputs are constants, and vjp may leave them out. The file then holds gradients for some
cotangents, and outputs at x + h u and x - h u along some directions u, for steps h that halve.
README.md, one folder up, describes its layout.
"""
import json
import struct

import numpy as np

TYPES = {"float32": "F32", "float64": "F64", "int64": "I64", "bool": "BOOL"}


def write_safetensors(path, tensors):
    """Writes a dict of arrays: float32, float64, int64 or bool."""
    header, parts, begin = {}, [], 0
    for name, array in sorted(tensors.items()):
        if array.dtype.name not in TYPES:
            raise TypeError(f"{name} is {array.dtype.name}; a file can hold {', '.join(TYPES)}")
        data = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": TYPES[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [begin, begin + len(data)]}
        parts.append(data)
        begin += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def is_real(array):
    return array.dtype.kind == "f"


def real_ones(arrays):
    return {name: array for name, array in arrays.items() if is_real(array)}


def units(x):
    """The unit of each element's steps: its own size, or the typical size in x if that is larger."""
    typical = np.sqrt(np.mean(np.square(x, dtype=np.float64))) if x.size else 0.0
    size = np.maximum(np.abs(x), typical).astype(np.float64)
    size = np.where((size > 0) & np.isfinite(size), size, 1.0)
    return np.exp2(np.round(np.log2(size)))  # powers of two, so that x + h u is rounded little


def split(flat, like):
    """Cuts rows [n, all elements] into {name: [n, axes of that array]}."""
    result, begin = {}, 0
    for name, array in like.items():
        result[name] = flat[:, begin:begin + array.size].reshape((len(flat),) + array.shape)
        begin += array.size
    return result


def choose_directions(inputs, elements, directions, random):
    """Every element by itself, or some if there are more than `elements`; then random directions."""
    unit = np.concatenate([units(x).ravel() for x in inputs.values()])
    chosen = np.arange(unit.size)
    if unit.size > elements:
        chosen = random.choice(unit.size, elements, replace=False)
    single = np.zeros((len(chosen), unit.size))
    single[np.arange(len(chosen)), chosen] = unit[chosen]
    several = random.standard_normal((directions, unit.size)) * unit
    return split(np.concatenate([single, several]), inputs)


def choose_cotangents(outputs, cotangents, singles, random):
    """Random ones, of all outputs and, if there are several, of each alone, since a large one would
    hide a small one; then every output element by itself, if there are at most `singles`."""
    count = sum(y.size for y in outputs.values())
    rows = [random.standard_normal((cotangents, count))]
    begin = 0
    for y in outputs.values():
        alone = np.zeros((cotangents, count))
        alone[:, begin:begin + y.size] = random.standard_normal((cotangents, y.size))
        begin += y.size
        if len(outputs) > 1 and count > singles:
            rows.append(alone)
    if count <= singles:
        rows.append(np.eye(count))
    return {name: part.astype(outputs[name].dtype)
            for name, part in split(np.concatenate(rows), outputs).items()}


def as_tuple(x):
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def gradients_of(vjp, inputs, cotangents):
    """{name: gradient} of the real inputs."""
    real = real_ones(inputs)
    found = as_tuple(vjp(*inputs.values(), *cotangents))
    names = list(real if len(found) == len(real) < len(inputs) else inputs)
    if len(found) != len(names):
        raise ValueError(f"vjp returned {len(found)} gradients, there are {len(inputs)} inputs")
    return {name: g for name, g in zip(names, found) if name in real and g is not None}


def record(path, forward, vjp, inputs, outputs=None, elements=64, directions=4, cotangents=2, singles=64,
           steps=30, seed=1):
    """Calls forward about 2 · steps · (elements + directions) times.

    inputs: {name: array} in the order of the arguments. outputs: names, by default y, or y0, y1, ...
    elements: so many inputs move by themselves; directions: so many random directions besides.
    cotangents: random ones; singles: every output is also one by itself if there are so many at most.
    """
    random = np.random.default_rng(seed)
    inputs = {name: np.asarray(x) for name, x in inputs.items()}
    xs = real_ones(inputs)

    def run(point):
        ys = [np.array(y) for y in as_tuple(forward(*{**inputs, **point}.values()))]
        names = outputs or (["y"] if len(ys) == 1 else [f"y{j}" for j in range(len(ys))])
        if len(names) != len(ys):
            raise ValueError(f"there are {len(ys)} outputs and {len(names)} names")
        return dict(zip(names, ys))

    values = run(xs)
    ys = real_ones(values)
    weights = choose_cotangents(ys, cotangents, singles, random)
    rows = len(next(iter(weights.values())))
    gradients = {name: np.zeros((rows,) + x.shape, x.dtype) for name, x in xs.items()}
    for row in range(rows):
        # An integer output has a cotangent too, zero.
        given = [np.asarray(weights[name][row]) if name in weights else np.zeros(y.shape)
                 for name, y in values.items()]
        for name, gradient in gradients_of(vjp, inputs, given).items():
            gradients[name][row] = gradient

    moves = choose_directions(xs, elements, directions, random)
    count = len(next(iter(moves.values())))
    step = 0.125 * 0.5 ** np.arange(steps)
    near = {sign: {name: np.full((count, steps) + y.shape, np.nan, y.dtype) for name, y in ys.items()}
            for sign in (1, -1)}
    for k in range(count):
        for s, h in enumerate(step):
            for sign, results in near.items():
                point = {name: (x + sign * h * moves[name][k]).astype(x.dtype) for name, x in xs.items()}
                try:
                    there = run(point)
                except Exception:  # outside the domain: NaN says so
                    continue
                for name, y in real_ones(there).items():
                    results[name][k, s] = y

    groups = {"input": inputs, "output": values, "cotangent": weights, "gradient": gradients,
              "direction": moves, "up": near[1], "down": near[-1]}
    write_safetensors(path, {"step": step, **{f"{prefix}.{name}": array for prefix, group in groups.items()
                                              for name, array in group.items()}})

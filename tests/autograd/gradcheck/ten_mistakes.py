#!/usr/bin/env python3
"""The ten mistakes of ten_mistakes.cpp as NumPy functions.

    python3 ten_mistakes.py NAME     answers the checker's requests, with the mistake NAME planted

Each function below is followed by its vjp, which has the mistake.
"""
import math
import os
import sys

import numpy as np

sys.dont_write_bytecode = True
ADAPTERS = "../../../examples/gradcheck/adapters"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ADAPTERS))


def subtract(a, b):
    return a - b


def subtract_vjp(a, b, dy):
    return dy, dy  # db = -dy


def mean_square(x):
    return np.mean(x * x, axis=1)


def mean_square_vjp(x, dy):
    return 2 * x * dy[:, None]  # divided by 3


def product(x, w):
    return x @ w


def product_vjp(x, w, dy):
    return dy @ w, x.T @ dy  # dx = dy @ w.T


def add_bias(x, b):
    return x + b


def add_bias_vjp(x, b, dy):
    return dy, dy[0]  # db = dy.sum(axis=0)


def middle(x):
    return x[2:5]


def middle_vjp(x, dy):
    dx = np.zeros_like(x)
    dx[1:4] = dy  # dx[2:5]
    return dx


def relu(x):
    return np.maximum(x, 0)


def relu_vjp(x, dy):
    return dy * (relu(x) >= 0)  # relu(x) > 0


def multiply(a, b):
    return a * b


def multiply_vjp(a, b, dy):
    return dy * a, dy * a  # da = dy * b


def softmax(x):
    e = np.exp(x)
    return e / e.sum(axis=1, keepdims=True)


def softmax_vjp(x, dy):
    y = softmax(x)
    return y * dy  # y * (dy - sum(y * dy))


IDS = np.array([1, 3, 1, 0])


def lookup(table):
    return table[IDS]


def lookup_vjp(table, dy):
    dtable = np.zeros_like(table)
    dtable[IDS] = dy  # np.add.at(dtable, IDS, dy)
    return dtable


def gelu(x):
    return x / 2 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def gelu_vjp(x, dy):
    c = math.sqrt(2 / math.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    slope = c * (1 + 3 * 0.044715 * x**2) * (1 - t**2)
    return dy * ((1 + t) / 2 + x / 2 * slope)  # (1 + erf(...)) / 2 + x * density(x)


MISTAKES = {  # name: the function, its vjp, the shapes of its inputs
    "subtract": (subtract, subtract_vjp, dict(a=(2, 3), b=(2, 3))),
    "mean_square": (mean_square, mean_square_vjp, dict(x=(2, 3))),
    "product": (product, product_vjp, dict(x=(2, 3), w=(3, 3))),
    "add_bias": (add_bias, add_bias_vjp, dict(x=(3, 2), b=(2,))),
    "middle": (middle, middle_vjp, dict(x=(6,))),
    "relu": (relu, relu_vjp, dict(x=(2, 4))),
    "multiply": (multiply, multiply_vjp, dict(a=(2, 3), b=(2, 3))),
    "softmax": (softmax, softmax_vjp, dict(x=(2, 3))),
    "lookup": (lookup, lookup_vjp, dict(table=(4, 2))),
    "gelu": (gelu, gelu_vjp, dict(x=(2, 4))),
}
OTHERS = {
    "slightly_off": (subtract, lambda a, b, dy: (dy, -1.0005 * dy), dict(a=(2, 3), b=(2, 3))),
}
ALL = {**MISTAKES, **OTHERS}


def inputs_of(name):
    """The inputs by name: the same random numbers for every checker."""
    random = np.random.RandomState(1)
    return {x: random.randn(*shape).round(3) for x, shape in ALL[name][2].items()}


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ALL:
        sys.exit(f"usage: ten_mistakes.py {' | '.join(ALL)}")
    from adjoint_check import serve

    forward, vjp, _ = ALL[sys.argv[1]]
    serve(forward, vjp, inputs=[dict(name=name, shape=list(x.shape), values=x)
                                for name, x in inputs_of(sys.argv[1]).items()])

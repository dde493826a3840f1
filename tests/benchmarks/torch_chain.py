"""The chains of operations of bench_ops.cpp in PyTorch: the same lines of JSON."""
import json

import torch

from torch_model import arguments, measure

LENGTH = 1000
options = arguments(__doc__)


def chain(x, w):
    y = x
    for i in range(LENGTH):
        y = y + w if i % 3 == 0 else y * w if i % 3 == 1 else torch.tanh(y)
    return y


def report(what, x, run):
    median, minimum = measure(options.seconds, run)
    print(json.dumps({"chain": what, "elements": x.numel(), "median_ns": median * 1e6 / LENGTH,
                      "min_ns": minimum * 1e6 / LENGTH}))


for shape in ((8,), ()):
    x = torch.full(shape, 0.1, requires_grad=True)
    w = torch.full(shape, 0.9, requires_grad=True)
    report("not recorded", x, torch.no_grad()(lambda: chain(x, w)))
    report("forward", x, lambda: chain(x, w))
    report("forward and backward", x, lambda: torch.autograd.grad(chain(x, w).sum(), (x, w)))

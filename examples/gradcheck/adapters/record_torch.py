"""Records a PyTorch function or module for `gradcheck --file`.

    from record_torch import record
    record("values.safetensors", module, x, y)         # what module(x, y) computes

The inputs have the names of the arguments. A module's parameters are inputs, too. It is copied and
computes in f64; with dtype=None everything keeps its own precision. Dropout draws the same bits in
each call. Further options are those of recording.record.
"""
import copy
import inspect

import torch

import recording


def argument_names(f, count):
    names = [p.name for p in inspect.signature(f).parameters.values() if p.kind != p.VAR_POSITIONAL]
    return names[:count] if len(names) >= count else [f"input{i}" for i in range(count)]


def record(path, f, *inputs, dtype=torch.float64, seed=1, **options):
    def prepared(x):
        x = x.detach().clone()
        return x.to(dtype) if dtype and x.is_floating_point() else x

    parameters = {}
    if isinstance(f, torch.nn.Module):
        f = copy.deepcopy(f)
        parameters = dict((f.to(dtype) if dtype else f).named_parameters())
    names = argument_names(f.forward if isinstance(f, torch.nn.Module) else f, len(inputs))
    if set(names) & set(parameters):
        names = [f"input{i}" for i in range(len(inputs))]
    arrays = {name: prepared(x).numpy() for name, x in zip(names, inputs)}
    arrays.update((name, p.detach().numpy().copy()) for name, p in parameters.items())

    def call(xs, tracked):
        """The outputs at the inputs, and those as tensors: arguments, then parameters."""
        tensors = [torch.from_numpy(x.copy()) for x in xs]
        for parameter, x in zip(parameters.values(), tensors[len(names):]):
            parameter.data = x
        leaves = tensors[:len(names)] + list(parameters.values())
        for x in leaves:
            x.requires_grad_(x.is_floating_point())
        torch.manual_seed(seed)
        with torch.set_grad_enabled(tracked):
            return recording.as_tuple(f(*leaves[:len(names)])), leaves

    def forward(*xs):
        return tuple(y.detach().numpy() for y in call(xs, False)[0])

    def vjp(*both):
        ys, leaves = call(both[:len(arrays)], True)
        pairs = [(y, torch.from_numpy(g.copy())) for y, g in zip(ys, both[len(arrays):]) if y.requires_grad]
        if not pairs:
            return tuple(None for _ in leaves)
        real = [x for x in leaves if x.requires_grad]
        gradients = iter(torch.autograd.grad([y for y, _ in pairs], real, [g for _, g in pairs],
                                             allow_unused=True))
        found = [next(gradients) if x.requires_grad else None for x in leaves]
        return tuple(None if g is None else g.numpy() for g in found)

    recording.record(path, forward, vjp, arrays, seed=seed, **options)

"""Writes recurrent.safetensors: the results and gradients of torch.nn.GRU and torch.nn.LSTM in float64, on
batches of sequences of different lengths. README.md beside this file explains the names, and
generate.py, whose recorder this uses, the format.

    python3 tests/parity/generate_recurrent.py [file]
"""
import pathlib
import sys

import torch
from torch import nn

from generate import Case, Recorder

INPUTS, HIDDEN = 3, 4
LENGTHS = (2, 5, 1, 5)  # neither sorted nor all different


def names(stack):
    """Our names for the parameters of a stack of cells."""
    for layer in range(stack.num_layers):
        for ours, theirs in (("input", "ih"), ("hidden", "hh")):
            for kind in ("weight", "bias"):
                parameter = getattr(stack, f"{kind}_{theirs}_l{layer}")
                yield f"layers/{layer}/{ours}/{kind}", parameter, slice(None)


def stack(recorder, kind, layers):
    """A stack over packed sequences, from given states: its outputs and its last states.

    The loss weighs them all, so that the gradients take every way there is.
    """
    case = Case(recorder, f"{kind.__name__.lower()}_{layers}")
    model = kind(INPUTS, HIDDEN, layers, batch_first=True).double()
    case.parameters(names(model))
    lengths = case.constant("lengths", LENGTHS)
    batch, steps = len(LENGTHS), max(LENGTHS)
    x = case.input("x", case.normal(batch, steps, INPUTS))
    states = ("hidden", "memory") if kind is nn.LSTM else ("hidden",)
    begin = [case.input(f"begin/{name}", case.normal(layers, batch, HIDDEN)) for name in states]

    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    output, end = model(packed, tuple(begin) if kind is nn.LSTM else begin[0])
    output, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
    loss = 0
    for name, value in zip(("output",) + tuple(f"end/{name}" for name in states),
                           (output,) + (end if kind is nn.LSTM else (end,))):
        case.constant(name, value)
        loss = loss + (value * case.constant(f"cotangent/{name}", case.normal(*value.shape))).sum()
    case.gradients(loss)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("recurrent.safetensors")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    recorder = Recorder()
    for kind in (nn.GRU, nn.LSTM):
        for layers in (1, 2):
            stack(recorder, kind, layers)
    recorder.write(path)


if __name__ == "__main__":
    main()

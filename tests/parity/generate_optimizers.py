"""Writes optimizers.safetensors: twenty steps in float64 of Adafactor and of each PyTorch optimizer that
adjoint has too, and two schedules. README.md beside this file explains the names.

    python3 tests/parity/generate_optimizers.py [file]

Needs torch and numpy only (made with 1.13.1, Debian's python3-torch).
"""
import pathlib
import sys

import numpy as np
import torch
from torch.optim import lr_scheduler

sys.dont_write_bytecode = True  # leaves no __pycache__ beside this file
from generate import Case, Recorder  # noqa: E402

STEPS = 20


def optimize(recorder, name, optimizer_class, **settings):
    """gradient/t leads from parameter/(t-1) to parameter/t; the learning rate halves on the way."""
    case = Case(recorder, name)
    parameters = {"a": case.normal(3, 4), "b": case.normal(5)}
    optimizer = optimizer_class(list(parameters.values()), **settings)
    betas = settings.pop("betas", None)
    if betas:
        settings["beta1"], settings["beta2"] = betas
    for key, value in settings.items():
        case.number(key, float(value))
    for key, parameter in parameters.items():
        case.constant(f"parameter/0/{key}", parameter)
    for step in range(1, STEPS + 1):
        for group in optimizer.param_groups:
            group["lr"] = settings["lr"] * (0.5 if step > STEPS // 2 else 1)
        for key, parameter in parameters.items():
            parameter.grad = case.normal(*parameter.shape, scale=0.05 * step)
            case.constant(f"gradient/{step}/{key}", parameter.grad)
        optimizer.step()
        for key, parameter in parameters.items():
            case.constant(f"parameter/{step}/{key}", parameter)


class Adafactor(torch.optim.Optimizer):
    """Shazeer and Stern 2018, which this version of torch has not: their algorithms 4 (matrices) and 5
    (vectors) in numpy, line by line, with the constants of algorithm 6."""

    def __init__(self, parameters, lr, eps):
        super().__init__(parameters, {"lr": lr, "eps": eps})
        self.t, self.memory = 0, {}

    def step(self):
        self.t += 1
        beta2 = 1 - self.t ** -0.8
        for x in self.param_groups[0]["params"]:
            g = x.grad.numpy()
            square = g ** 2 + self.param_groups[0]["eps"]
            if g.ndim == 2:
                n, m = g.shape
                r, c = self.memory.get(x, (np.zeros(n), np.zeros(m)))
                r = beta2 * r + (1 - beta2) * square @ np.ones(m)
                c = beta2 * c + (1 - beta2) * np.ones(n) @ square
                self.memory[x] = r, c
                v = np.outer(r, c) / (np.ones(n) @ r)
            else:
                v = self.memory[x] = beta2 * self.memory.get(x, 0) + (1 - beta2) * square
            u = g / np.sqrt(v)
            u = u / max(1, rms(u) / 1.0)
            x -= torch.from_numpy(max(1e-3, rms(x.numpy())) * self.param_groups[0]["lr"] * u)


def rms(x):
    return np.sqrt(np.mean(x ** 2))


def standing_still():
    return torch.optim.SGD([torch.zeros(1)], lr=1.0)


def plateau(recorder):
    """`factor` is what comes out after each of `losses`, which fall, stall and jump."""
    case = Case(recorder, "schedule_plateau")
    optimizer = standing_still()
    settings = {"factor": 0.5, "patience": 2, "threshold": 0.05, "min_lr": 0.1}
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, threshold_mode="abs", **settings)
    for key, value in settings.items():
        case.number(key, float(value))
    losses = 3 * 0.8 ** torch.arange(40, dtype=torch.float64) + case.normal(40, scale=0.05)
    factors = []
    for loss in losses:
        schedule.step(loss.item())
        factors.append(optimizer.param_groups[0]["lr"])
    assert len(set(factors)) == 5  # 1, 0.5, 0.25, 0.125 and the least, 0.1
    case.constant("losses", losses)
    case.constant("factors", torch.tensor(factors, dtype=torch.float64))


def cosine(recorder):
    """`factors` are those of the steps 0 ... total."""
    case = Case(recorder, "schedule_cosine")
    total, floor = 30, 0.1
    optimizer = standing_still()
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, T_max=total, eta_min=floor)
    factors = []
    for _ in range(total + 1):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    case.number("total", float(total))
    case.number("floor", floor)
    case.constant("factors", torch.tensor(factors, dtype=torch.float64))


def main():
    own = pathlib.Path(__file__).with_name("optimizers.safetensors")
    recorder = Recorder()
    optimize(recorder, "optimizer_sgd", torch.optim.SGD, lr=0.1)
    optimize(recorder, "optimizer_momentum", torch.optim.SGD, lr=0.1, momentum=0.9)
    optimize(recorder, "optimizer_nesterov", torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True)
    optimize(recorder, "optimizer_adam", torch.optim.Adam, lr=0.02, betas=(0.8, 0.99), eps=1e-6)
    optimize(recorder, "optimizer_adamw", torch.optim.AdamW, lr=0.02, betas=(0.9, 0.98), eps=1e-9,
             weight_decay=0.1)
    optimize(recorder, "optimizer_adafactor", Adafactor, lr=0.02, eps=1e-4)
    plateau(recorder)
    cosine(recorder)
    recorder.write(sys.argv[1] if len(sys.argv) > 1 else own)


if __name__ == "__main__":
    main()

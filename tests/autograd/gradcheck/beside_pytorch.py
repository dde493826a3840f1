#!/usr/bin/env python3
"""What adjoint's and PyTorch's gradient checkers say of the ten mistakes.

    /usr/bin/python3 tests/autograd/gradcheck/beside_pytorch.py build           both in full
    /usr/bin/python3 tests/autograd/gradcheck/beside_pytorch.py build --page    rewrites README.md
    /usr/bin/python3 tests/autograd/gradcheck/beside_pytorch.py build --check   README.md is up to date

It is run in the repository's root, with PyTorch installed, after `make build/ten_mistakes`. Both get
the same functions, the NumPy ones of ten_mistakes.py, at the same inputs.
"""
import os
import re
import subprocess
import sys
import warnings

import torch

sys.dont_write_bytecode = True
import ten_mistakes  # noqa: E402

FOLDER = os.path.dirname(os.path.abspath(__file__))
BEGIN, END = "<!-- beside_pytorch.py: begin -->\n", "<!-- end -->\n"
IN_FULL = ["middle"]


def as_torch_function(forward, vjp):
    """The NumPy function and its vjp as a torch.autograd.Function."""

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(context, *xs):
            context.save_for_backward(*xs)
            return torch.from_numpy(forward(*[x.detach().numpy() for x in xs]).copy())

        @staticmethod
        def backward(context, dy):
            gradients = vjp(*[x.detach().numpy() for x in context.saved_tensors], dy.numpy())
            gradients = gradients if isinstance(gradients, tuple) else (gradients,)
            return tuple(torch.from_numpy(g.copy()) for g in gradients)

    return Wrapped.apply


def pytorch_says(name):
    forward, vjp, _ = ten_mistakes.ALL[name]
    xs = [torch.tensor(x, requires_grad=True) for x in ten_mistakes.inputs_of(name).values()]
    try:
        torch.autograd.gradcheck(as_torch_function(forward, vjp), xs)
        return "True"
    except RuntimeError as error:
        return str(error).strip()


def adjoint_says(build, name):
    report = subprocess.run([os.path.join(build, "ten_mistakes"), "report", name], text=True,
                            stdout=subprocess.PIPE, check=True)
    return report.stdout.strip()


def lines(text):
    return text.count("\n") + 1


def diagnosis(report):
    """The line that says what kind of mistake it is, without "x: "."""
    found = re.search(r"^  (\w+: .*)$", report, re.MULTILINE)
    return found.group(1) if found else report.splitlines()[0]


def page(build):
    text = "Printed by `build/ten_mistakes`, which fails unless all are found and named alike:\n\n"
    table = subprocess.run([os.path.join(build, "ten_mistakes")], text=True, stdout=subprocess.PIPE)
    text += table.stdout + "\n"
    rows, found = [], 0
    for name in ten_mistakes.MISTAKES:
        ours, theirs = adjoint_says(build, name), pytorch_says(name)
        found += theirs != "True"
        said = "passes" if theirs == "True" else theirs.splitlines()[0].rstrip(",:")
        rows.append(f"| `{name}` | {diagnosis(ours)} | {lines(ours)} | {said} | {lines(theirs)} |")
    version = torch.__version__
    text += f"## Beside PyTorch\n`torch.autograd.gradcheck` of PyTorch {version}, with its defaults, " \
            f"finds {found} of the ten. What each prints, and in how many lines:\n\n"
    text += "| function | adjoint | lines | PyTorch | lines |\n|-|-|-|-|-|\n" + "\n".join(rows) + "\n"
    slightly = "slightly_off"
    said = "passes" if pytorch_says(slightly) == "True" else "fails"
    text += f"\nA gradient of b that is 1.0005 times what it should be {said} with PyTorch's default " \
            f"tolerances. adjoint: {diagnosis(adjoint_says(build, slightly))}\n"
    for name in IN_FULL:
        text += f"\nOf `{name}` in full, first adjoint:\n```text\n{adjoint_says(build, name)}\n```\n" \
                f"and PyTorch:\n```text\n{pytorch_says(name)}\n```\n"
    return text


def main():
    if len(sys.argv) < 2 or sys.argv[2:] not in ([], ["--page"], ["--check"]):
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    build = sys.argv[1]
    if len(sys.argv) == 2:
        for name in ten_mistakes.MISTAKES:
            print(f"== {name}\n-- adjoint\n{adjoint_says(build, name)}\n-- PyTorch\n{pytorch_says(name)}\n")
        return
    path = os.path.join(FOLDER, "README.md")
    readme = open(path, encoding="utf-8").read()
    before, rest = readme.split(BEGIN)
    now = before + BEGIN + page(build) + END + rest.split(END)[1]
    if sys.argv[2] == "--check":
        if f"PyTorch {torch.__version__}," not in readme:
            print(f"README.md was written with another version than {torch.__version__}")
        elif now != readme:
            sys.exit("README.md is not what beside_pytorch.py --page writes")
        return
    open(path, "w", encoding="utf-8").write(now)


main()

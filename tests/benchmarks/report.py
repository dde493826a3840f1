"""Runs the benchmarks and prints their tables: `make bench`. README.md says how to read them.

Programs to be compared take turns, round after round, so that other load on the machine affects all
of them alike. Each program reports one line of JSON. Times in the tables are minima over all rounds
unless a column says otherwise.
"""
import argparse
import json
import math
import os
import pathlib
import platform
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
THREADS = (1, 2)
# OpenBLAS's own choice (or that of OPENBLAS_CORETYPE), and kernels by name.
BLAS_KERNELS = ("", "Haswell", "SkylakeX") if platform.machine() == "x86_64" else ("",)


# ---- Running -------------------------------------------------------------------------------------

class Bench:
    """Where the programs are, and how long and how often to run each."""

    def __init__(self, options):
        self.build = pathlib.Path(options.build).resolve()
        self.seconds, self.rounds = options.seconds, options.rounds
        self.torch, self.blas_folder = options.torch, options.blas_folder
        known = self.run("step", "--list")
        names = options.configs.split() or [c["config"] for c in known]
        self.configs = {c["config"]: c for c in known if c["config"] in names}
        unknown = set(names) - set(self.configs)
        if unknown:
            raise SystemExit(f"benchmarks: no configuration {', '.join(sorted(unknown))}")

    def run(self, name, *arguments):
        """The lines that build/bench-NAME prints."""
        return lines_of([self.build / f"bench-{name}", *arguments])

    def timed(self, name, *arguments):
        return self.run(name, "--seconds", self.seconds, *arguments)[0]

    def in_torch(self, name, threads, config=None, seconds=None):
        """The lines that torch_NAME.py prints, on the BLAS library that our programs use."""
        command = ["/usr/bin/python3", HERE / f"torch_{name}.py", "--threads", threads,
                   "--seconds", self.seconds if seconds is None else seconds]
        if config:
            command += ["--config", json.dumps(config)]
        return lines_of(command, LD_LIBRARY_PATH=self.blas_folder)

    def choose_blas_kernels(self):
        """Makes the floor and PyTorch run at their best.

        OpenBLAS chooses its kernels by the environment or by the processor, which may be newer than
        the library. All programs get the kernels that are fastest here.
        """
        floor = [self.build / "bench-floor", "--config", "g2p-s", "--seconds", self.seconds / 4]
        runs = {name: lambda name=name: lines_of(floor, **environment_of(name))[0]
                for name in BLAS_KERNELS if self.can_run(name)}
        times = {name: found["min_ms"] for name, found in self.alternate(runs).items()}
        fastest = min(times, key=times.get)
        os.environ |= environment_of(fastest)
        print("BLAS with the kernels of " + (fastest or "its choice") + "; floor of g2p-s: "
              + ", ".join(f"{name or 'its choice'} {number(ms)} ms" for name, ms in times.items()),
              flush=True)

    def can_run(self, kernels):
        """Whether the processor can run OpenBLAS's kernels of this name."""
        command = [self.build / "bench-floor", "--seconds", "0"]
        return not kernels or subprocess.run(command, env=os.environ | environment_of(kernels),
                                             stdout=subprocess.DEVNULL).returncode == 0

    def alternate(self, runs):
        """{name: a function that returns one result} → {name: the best of all rounds}."""
        results = {name: [] for name in runs}
        for _ in range(self.rounds):
            for name, run in runs.items():
                results[name].append(run())
        return {name: best(of_one) for name, of_one in results.items()}


def environment_of(blas_kernels):
    return {"OPENBLAS_CORETYPE": blas_kernels} if blas_kernels else {}


def lines_of(command, **environment):
    text = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE,
                          text=True, env=os.environ | environment, cwd=REPOSITORY).stdout
    return [json.loads(line) for line in text.splitlines()]


def best(results):
    """The lowest times, the highest rates and peaks among several results of one program."""
    highest = ("per_s", "peak_mb")
    def of(key):
        known = [result[key] for result in results if result[key] is not None]
        return (max if key.endswith(highest) else min)(known, default=None)
    return {key: value if isinstance(value, str) else of(key)
            for key, value in results[0].items()}


# ---- Printing ------------------------------------------------------------------------------------

def number(value):
    """Three significant digits; whole numbers from 100 on."""
    if value is None or isinstance(value, str):
        return value or "–"
    if value == 0 or not math.isfinite(value):
        return str(value)
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def table(title, header, rows, note=""):
    print(f"\n## {title}\n")
    if note:
        print(note + "\n")
    cells = [header] + [[number(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    cells.insert(1, ["-" * width for width in widths])
    for row in cells:
        print("| " + " | ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                                for i, (cell, width) in enumerate(zip(row, widths))) + " |",
              flush=True)


def print_machine(bench):
    processor = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            processor = next(line.split(":")[1].strip() for line in info if "model name" in line)
    except (OSError, StopIteration):
        pass
    print(f"{processor}, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}; {bench.rounds} rounds "
          f"of {bench.seconds} s for each measurement", flush=True)
    if bench.torch:
        version = subprocess.run(["/usr/bin/python3", "-c", "import torch; print(torch.__version__)"],
                                 check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        print(f"PyTorch {version}", flush=True)


# ---- The tables ----------------------------------------------------------------------------------

def steps(bench):
    """A training step against its matrix products, and against PyTorch."""
    header = ["model", "threads", "step ms", "median", "floor ms", "step/floor", "target tokens/s",
              "peak MB"]
    if bench.torch:
        header += ["PyTorch ms", "PyTorch/step", "peak MB"]
    rows = []
    for name, config in bench.configs.items():
        runs = {"floor": lambda: bench.timed("floor", "--config", name)}
        for n in THREADS:
            runs["step", n] = lambda n=n: bench.timed("step", "--config", name, "--threads", n)
            if bench.torch:
                runs["torch", n] = lambda n=n: bench.in_torch("step", n, config)[0]
        found = bench.alternate(runs)
        for n in THREADS:
            step, floor = found["step", n], found["floor"]["min_ms"] / n
            row = [name, str(n), step["min_ms"], step["median_ms"], floor, step["min_ms"] / floor,
                   step["target_tokens_per_s"], step["peak_mb"]]
            if bench.torch:
                other = found["torch", n]
                row += [other["min_ms"], other["min_ms"] / step["min_ms"], other["peak_mb"]]
            rows.append(row)
    table("Training step", header, rows)


def profile(bench):
    """Where a step's time goes."""
    for name in bench.configs:
        found = bench.alternate({"floor": lambda: bench.timed("floor", "--config", name)})
        *operations, step = bench.run("step", "--seconds", bench.seconds, "--config", name, "--profile")
        whole = step["mean_ms"]
        rows = [[line["operation"], str(line["forwards"]), line["forward_ms"], str(line["vjps"]),
                 line["vjp_ms"], 100 * (line["forward_ms"] + line["vjp_ms"]) / whole]
                for line in operations]
        shown = [row for row in rows if row[-1] >= 1]
        rest = whole - sum(row[2] + row[4] for row in shown)
        shown.append(["everything else", "", rest, "", "", 100 * rest / whole])
        table(f"Where a step of {name} goes, 1 thread",
              ["operation", "forwards", "ms", "vjps", "ms", "% of the step"], shown,
              f"{number(whole)} ms; its matrix products alone take BLAS {number(found['floor']['min_ms'])}.")


def packing(bench):
    """The same batches with padding and without, of several kinds of lengths."""
    header = ["model", "lengths", "padded ms", "packed ms", "real target tokens/s", "padded/packed"]
    if bench.torch:
        header += ["PyTorch ms", "real target tokens/s", "PyTorch/packed"]
    rows = []
    for lengths in ("even", "sentences", "words"):
        for config in bench.run("step", "--list", "--lengths", lengths):
            name = config["config"]
            if name not in bench.configs:
                continue
            one = ["--config", name, "--lengths", lengths, "--threads", THREADS[-1]]
            runs = {"padded": lambda one=one: bench.timed("step", *one),
                    "packed": lambda one=one: bench.timed("step", *one, "--packed")}
            if bench.torch:
                runs["torch"] = lambda config=config: bench.in_torch(
                    "step", THREADS[-1], config)[0]
            found = bench.alternate(runs)
            padded, packed = found["padded"]["min_ms"], found["packed"]["min_ms"]
            tokens = 1e3 * config["real_target_tokens"]
            row = [name, lengths, padded, packed, tokens / packed, padded / packed]
            if bench.torch:
                other = found["torch"]["min_ms"]
                row += [other, tokens / other, other / packed]
            rows.append(row)
    table(f"Packed batches, {THREADS[-1]} threads", header, rows)


def composed(bench):
    """What the fused kernels gain."""
    rows = []
    for name in bench.configs:
        one = ["--config", name]
        found = bench.alternate({"fused": lambda one=one: bench.timed("step", *one),
                                 "composed": lambda one=one: bench.timed("step", *one, "--composed")})
        fused, formulas = found["fused"], found["composed"]
        rows.append([name, fused["min_ms"], formulas["min_ms"],
                     formulas["min_ms"] / fused["min_ms"], fused["peak_mb"], formulas["peak_mb"]])
    table("Fused kernels and their formulas, 1 thread",
          ["model", "fused ms", "composed ms", "composed/fused", "fused peak MB", "composed peak MB"],
          rows)


def recomputed(bench):
    """Blocks that keep their inputs only: memory for time."""
    rows = []
    for name in bench.configs:
        one = ["--config", name]
        found = bench.alternate({"plain": lambda one=one: bench.timed("step", *one),
                                 "apart": lambda one=one: bench.timed("step", *one, "--recomputed")})
        plain, apart = found["plain"], found["apart"]
        rows.append([name, plain["min_ms"], apart["min_ms"], apart["min_ms"] / plain["min_ms"],
                     plain["peak_mb"], apart["peak_mb"], apart["peak_mb"] / plain["peak_mb"]])
    table("Blocks recomputed, 1 thread",
          ["model", "plain ms", "recomputed ms", "recomputed/plain",
           "plain peak MB", "recomputed peak MB", "ratio"],
          rows)


def decoding(bench):
    """Greedy decoding: the encoder and 20 steps."""
    header = ["model", "batch", "threads", "tokens/s best", "median", "ms", "peak MB"]
    if bench.torch:
        header += ["PyTorch tokens/s best", "ours/PyTorch"]
    rows = []
    for name, config in bench.configs.items():
        for batch in (1, 64):
            runs = {}
            for n in THREADS:
                runs["ours", n] = lambda n=n: bench.timed(
                    "decode", "--config", name, "--batch", batch, "--threads", n)
                if bench.torch:
                    runs["torch", n] = lambda n=n: bench.in_torch(
                        "decode", n, config | {"batch": batch})[0]
            found = bench.alternate(runs)
            for n in THREADS:
                ours = found["ours", n]
                row = [name, str(batch), str(n), ours["best_tokens_per_s"], ours["tokens_per_s"],
                       ours["min_ms"], ours["peak_mb"]]
                if bench.torch:
                    other = found["torch", n]["best_tokens_per_s"]
                    row += [other, ours["best_tokens_per_s"] / other]
                rows.append(row)
    table("Greedy decoding with a cache, 20 steps", header, rows)


def operations(bench):
    """The overhead of an operation, and operations against the limits of the machine."""
    rounds, torch_rounds = [], []
    for _ in range(bench.rounds):
        rounds.append(bench.run("ops", "--seconds", bench.seconds / 4))
        if bench.torch:
            torch_rounds.append(bench.in_torch("chain", 1, seconds=bench.seconds / 4))
    found = [best(list(same)) for same in zip(*rounds)]
    chains = [line for line in found if "chain" in line]
    rows = [[line["chain"], str(line["elements"]), line["min_ns"], line["median_ns"]]
            for line in chains]
    header = ["chain of 1,000 operations", "floats", "ns each", "median"]
    if bench.torch:
        header += ["PyTorch ns", "PyTorch/ours"]
        for row, same in zip(rows, zip(*torch_rounds)):
            other = best(list(same))["min_ns"]
            row += [other, other / row[2]]
    table("The overhead of an operation, 1 thread", header, rows)

    header = ["operation", "x", "pass", "µs", "limit µs", "set by", "% of limit"]
    rows, title = [], ""
    for line in found:
        if "rows" in line:
            if rows:
                table(title, header, rows)
            title = (f"Operations against the limits of one thread: {number(line['gb_per_s'])} GB/s at "
                     f"{line['rows']} × {line['width']} floats, {number(line['gflop_per_s'])} GFLOP/s")
            rows = []
        elif "operation" in line:
            rows.append([line["operation"], line["shape"], line["pass"], line["us"],
                         line["limit_us"], line["limit"], 100 * line["limit_us"] / line["us"]])
    table(title, header, rows)


def growth(bench):
    """How the time of a step grows with length, width and batch."""
    base = "g2p-s" if "g2p-s" in bench.configs else next(iter(bench.configs))
    rows = []
    for what, sizes in {"length": (8, 16, 32, 64, 128), "width": (64, 128, 256, 512),
                        "batch": (16, 32, 64, 128, 256)}.items():
        former = None
        for size in sizes:
            one = ["--config", base, f"--{what}", size]
            found = bench.alternate({"step": lambda one=one: bench.timed("step", *one),
                                     "floor": lambda one=one: bench.timed("floor", *one)})
            step, floor = found["step"]["min_ms"], found["floor"]["min_ms"]
            exponent = math.log(step / former[1]) / math.log(size / former[0]) if former else None
            rows.append([what, str(size), step, exponent, step / floor,
                         found["step"]["target_tokens_per_s"], found["step"]["peak_mb"]])
            former = size, step
    table(f"Growth of the step of {base}, 1 thread",
          ["of", "size", "step ms", "exponent", "step/floor", "target tokens/s", "peak MB"], rows,
          "From the row above to this one, the time grows like the size to the power of the exponent.\n"
          "The feed-forward width grows with the width.")


def start(bench):
    """The time of programs that do next to nothing."""
    rows = []
    for command in ([bench.build / "01_derivative"], [bench.build / "seq2seq", "--version"],
                    ["true"]):
        times = []
        for _ in range(20 * bench.rounds):
            begin = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times.append(1e3 * (time.perf_counter() - begin))
        name = " ".join([pathlib.Path(command[0]).name, *command[1:]])
        rows.append([name, min(times), sorted(times)[len(times) // 2]])
    table("Start to end of a program", ["program", "ms", "median"], rows)


def build(bench):
    """A build from nothing, and after a change to one source, in a folder of its own."""
    folder = bench.build / "timed"
    # Detached from the make that runs this, which would give it no jobs.
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    program = folder / "seq2seq"
    source = REPOSITORY / "autograd/ops/softmax.cpp"
    objects = folder / "objects/autograd/ops/softmax.o"
    rows = []
    for what in ("everything", f"{source.name} changed"):
        if what != "everything":
            objects.unlink()
        begin = time.perf_counter()
        subprocess.run(["make", "-C", REPOSITORY, f"BUILD={folder}", program], check=True,
                       stdout=subprocess.DEVNULL, env=environment)
        rows.append([what, time.perf_counter() - begin])
    shutil.rmtree(folder)
    table("Build of the program seq2seq, on all cores", ["compiled", "seconds"], rows)


TABLES = {f.__name__: f for f in (steps, profile, packing, composed, recomputed, decoding, operations,
                                growth, start, build)}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="the folder with the programs")
    parser.add_argument("--tables", default="", help="which tables: " + " ".join(TABLES))
    parser.add_argument("--configs", default="", help="which configurations; all")
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--torch", action="store_true", help="PyTorch beside ours")
    parser.add_argument("--blas-folder", default="", help="for PyTorch to load BLAS from")
    options = parser.parse_args()
    chosen = options.tables.split() or list(TABLES)
    unknown = set(chosen) - set(TABLES)
    if unknown:
        parser.error(f"no table {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")

    bench = Bench(options)
    print_machine(bench)
    if set(chosen) - {"start", "build"}:
        bench.choose_blas_kernels()
    for name in chosen:
        TABLES[name](bench)
    print(f"\nload at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

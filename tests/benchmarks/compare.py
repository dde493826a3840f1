"""Trains the book's encoder-decoders on our corpus and prints them side by side: `make compare`.

Sizes, rates and epochs are those of Zhang et al., Dive into Deep Learning, sections 10.7, 11.4 and
11.7: width 256, two layers or blocks, dropout 0.2, 30 epochs, Adam with a rate of 0.005 (recurrent)
or 0.001 (Transformer). Each model is trained from the same seeds, which also draw the split.
"""
import argparse
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

MODELS = {
    "GRU": ["--model", "gru", "--learning-rate", "0.005"],
    "GRU with attention (Bahdanau)": ["--model", "gru-attention", "--learning-rate", "0.005"],
    "Transformer": ["--model", "transformer", "--learning-rate", "0.001"],
}


def train(program, corpus, seed, arguments, folder):
    """One run: parameters, seconds, BLEU on the held-out pairs, and the percentage exactly right."""
    start = time.monotonic()
    command = [program, "train", corpus, "--output", folder / "model", "--restart", "--seed", str(seed), *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds = time.monotonic() - start
    parameters = int(re.search(r"(\d+) parameters", output)[1])
    bleu, exact = re.findall(r"^BLEU ([\d.]+) on \d+ sentences, ([\d.]+)% of them exact", output, re.M)[-1]
    return parameters, seconds, float(bleu), float(exact)


def row(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("build", help="folder of the programs")
    options.add_argument("corpus", help="file of pairs")
    options.add_argument("--seeds", default="1 2 3")
    options.add_argument("--arguments", default="", help="further arguments of seq2seq train")
    options = options.parse_args()
    program = pathlib.Path(options.build).resolve() / "seq2seq"
    seeds = options.seeds.split()

    row(["model", "parameters", "seconds", *(f"BLEU, seed {seed}" for seed in seeds), "mean", "exactly right"])
    row(["---"] * (5 + len(seeds)))
    for name, arguments in MODELS.items():
        runs = []
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                runs.append(train(program, options.corpus, seed, [*arguments, *options.arguments.split()],
                                  pathlib.Path(folder)))
        parameters, seconds, bleu, exact = zip(*runs)
        row([name, f"{round(statistics.mean(parameters)):,}", f"{statistics.mean(seconds):.0f}",
             *(f"{b:.2f}" for b in bleu), f"{statistics.mean(bleu):.2f}", f"{statistics.mean(exact):.1f}%"])


main()

"""The model of the benchmarks in PyTorch, and the helpers of the other torch scripts.

The same post-norm Transformer as ours: relu, attention without biases and with dropout on its
weights, embeddings times the root of the width plus sinusoids, dropout before each sum.
"""
import argparse
import json
import math
import time

import torch
import torch.nn.functional as F
from torch import nn

POSITIONS = 1000


def arguments(description):
    """The command line: threads, seconds, and a configuration as `bench-step --list` prints it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--config", type=json.loads, metavar="JSON")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    return options


def measure(seconds, run):
    """(median, minimum) in milliseconds, after a warm-up, as measuring.cpp does."""

    def run_for(at_least_seconds, at_least_runs):
        times, begin = [], time.perf_counter()
        while time.perf_counter() - begin < at_least_seconds or len(times) < at_least_runs:
            start = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - start))
        return sorted(times)

    run_for(seconds / 4, 2)
    times = run_for(seconds, 3)
    return times[len(times) // 2], times[0]


def peak_memory_mb():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def source_batch(c):
    """Random tokens [batch, length] and valid lengths from half the length to all of it."""
    x = torch.randint(4, c["source_tokens"], (c["batch"], c["source_length"]))
    lengths = torch.randint(c["source_length"] // 2, c["source_length"] + 1, (c["batch"],))
    return x, lengths


def sinusoids(width):
    angles = torch.arange(POSITIONS)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
    return torch.stack([angles.sin(), angles.cos()], dim=2).reshape(POSITIONS, width)


class Attention(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.query, self.key, self.value, self.output = (
            nn.Linear(width, width, bias=False) for _ in range(4))
        self.heads, self.dropout = heads, nn.Dropout(dropout)

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [batch, heads, time, width]

    def forward(self, x, memory, hidden):
        q, k, v = self.split(self.query(x)), self.split(self.key(memory)), self.split(
            self.value(memory))
        return self.output(self.attend(q, k, v, hidden).transpose(1, 2).flatten(2))

    def attend(self, q, k, v, hidden=None):
        """Takes split heads; `hidden` is true where a query may not attend."""
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
        if hidden is not None:
            scores = scores.masked_fill(hidden, -1e6)
        return self.dropout(F.softmax(scores, dim=3)) @ v


class Block(nn.Module):
    """A block of the encoder, or of the decoder with `cross`."""

    def __init__(self, c, cross):
        super().__init__()
        width, heads, dropout = c["width"], c["heads"], c["dropout"]
        self.attention = Attention(width, heads, dropout)
        self.norm1 = nn.LayerNorm(width)
        if cross:
            self.cross = Attention(width, heads, dropout)
            self.norm2 = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, c["hidden"]), nn.Linear(c["hidden"], width)
        self.norm3 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, hidden, memory=None, memory_hidden=None):
        x = self.norm1(x + self.dropout(self.attention(x, x, hidden)))
        if memory is not None:
            x = self.norm2(x + self.dropout(self.cross(x, memory, memory_hidden)))
        return self.norm3(x + self.dropout(self.feed_forward(x)))

    def feed_forward(self, x):
        return self.down(F.relu(self.up(x)))


class Transformer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.source = nn.Embedding(c["source_tokens"], c["width"])
        self.target = nn.Embedding(c["target_tokens"], c["width"])
        self.encoder = nn.ModuleList(Block(c, cross=False) for _ in range(c["blocks"]))
        self.decoder = nn.ModuleList(Block(c, cross=True) for _ in range(c["blocks"]))
        self.output = nn.Linear(c["width"], c["target_tokens"])
        self.dropout = nn.Dropout(c["dropout"])
        self.positions, self.scale = sinusoids(c["width"]), math.sqrt(c["width"])

    def embed(self, table, ids):
        return self.dropout(table(ids) * self.scale + self.positions[:ids.shape[1]])

    def encode(self, x, lengths):
        """The memory, and the mask of its padding: [batch, 1, 1, time]."""
        hidden = (torch.arange(x.shape[1]) >= lengths[:, None])[:, None, None]
        memory = self.embed(self.source, x)
        for block in self.encoder:
            memory = block(memory, hidden)
        return memory, hidden

    def forward(self, x, lengths, y):
        memory, memory_hidden = self.encode(x, lengths)
        hidden = torch.ones(y.shape[1], y.shape[1], dtype=torch.bool).triu(1)  # the future
        rows = self.embed(self.target, y)
        for block in self.decoder:
            rows = block(rows, hidden, memory, memory_hidden)
        return self.output(rows)

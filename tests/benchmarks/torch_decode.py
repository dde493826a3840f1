"""The decoding of bench_decode.cpp in PyTorch, with a cache written by hand: the same JSON."""
import json

import torch

from torch_model import Transformer, arguments, measure, peak_memory_mb, source_batch

STEPS = 20
options = arguments(__doc__)
c = options.config
model = Transformer(c).eval()
x, lengths = source_batch(c)


def split_step(attention, rows):
    return rows.view(rows.shape[0], attention.heads, 1, -1)  # [batch, heads, 1, width]


class CachedBlock:
    """A decoder block that takes one row of each sequence at a time."""

    def __init__(self, block, memory):
        self.block = block
        self.memory_keys = block.cross.split(block.cross.key(memory)).contiguous()
        self.memory_values = block.cross.split(block.cross.value(memory)).contiguous()
        batch, heads, _, width = self.memory_keys.shape
        self.keys = torch.empty(batch, heads, STEPS, width)
        self.values = torch.empty(batch, heads, STEPS, width)

    def step(self, rows, t, memory_hidden):
        block, this, cross = self.block, self.block.attention, self.block.cross
        self.keys[:, :, t:t + 1] = split_step(this, this.key(rows))
        self.values[:, :, t:t + 1] = split_step(this, this.value(rows))
        seen = this.attend(split_step(this, this.query(rows)), self.keys[:, :, :t + 1],
                           self.values[:, :, :t + 1])
        rows = block.norm1(rows + this.output(seen.flatten(1)))
        seen = cross.attend(split_step(cross, cross.query(rows)), self.memory_keys,
                            self.memory_values, memory_hidden)
        rows = block.norm2(rows + cross.output(seen.flatten(1)))
        return block.norm3(rows + block.feed_forward(rows))


@torch.inference_mode()
def decode():
    memory, hidden = model.encode(x, lengths)
    blocks = [CachedBlock(block, memory) for block in model.decoder]
    ids = torch.ones(x.shape[0], dtype=torch.long)
    chosen = []
    for t in range(STEPS):
        rows = model.target(ids) * model.scale + model.positions[t]
        for block in blocks:
            rows = block.step(rows, t, hidden)
        ids = model.output(rows).argmax(1)
        chosen.append(ids)
    return torch.stack(chosen, 1)


@torch.inference_mode()
def decode_without_cache():
    y = torch.ones(x.shape[0], 1, dtype=torch.long)
    for _ in range(STEPS):
        y = torch.cat([y, model(x, lengths, y)[:, -1].argmax(1, keepdim=True)], 1)
    return y[:, 1:]


median, minimum = measure(options.seconds, decode)
peak = peak_memory_mb()
# Rounding may flip a near tie and the tokens after it; a wrong cache changes nearly all tokens.
agreement = (decode() == decode_without_cache()).float().mean().item()
assert agreement > 0.9, f"the cache is wrong: only {agreement:.0%} of the tokens agree"

tokens = c["batch"] * STEPS
print(json.dumps({
    "config": c["config"],
    "batch": c["batch"],
    "threads": options.threads,
    "median_ms": median,
    "min_ms": minimum,
    "peak_mb": peak,
    "tokens_per_s": 1e3 * tokens / median,
    "best_tokens_per_s": 1e3 * tokens / minimum,
}))

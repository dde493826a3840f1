"""The training step of bench_step.cpp in PyTorch: the same JSON."""
import json

import torch
import torch.nn.functional as F

from torch_model import Transformer, arguments, measure, peak_memory_mb, source_batch

options = arguments(__doc__)
c = options.config
model = Transformer(c)
adam = torch.optim.Adam(model.parameters(), lr=1e-3)
x, lengths = source_batch(c)
y = torch.randint(4, c["target_tokens"], (c["batch"], c["target_length"] + 1))


def step():
    adam.zero_grad()
    logits = model(x, lengths, y[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), y[:, 1:].flatten(), ignore_index=0)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    adam.step()


median, minimum = measure(options.seconds, step)
print(json.dumps({
    "config": c["config"],
    "threads": options.threads,
    "median_ms": median,
    "min_ms": minimum,
    "peak_mb": peak_memory_mb(),
    "target_tokens_per_s": 1e3 * c["batch"] * c["target_length"] / median,
}))

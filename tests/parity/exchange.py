"""Exchanges models with adjoint, as files. It builds the same models from torch.nn modules; build/exchange
is its counterpart. README.md beside this file describes the folders.

    python3 tests/parity/exchange.py check FOLDER   loads adjoint's weights and compares the logits
    python3 tests/parity/exchange.py write FOLDER   writes torch's weights and logits

Needs torch and numpy only (made with 1.13.1, Debian's python3-torch).
"""
import json
import math
import pathlib
import re
import struct
import sys
import zlib

import numpy as np
import torch
from torch import nn

sys.dont_write_bytecode = True  # leaves no __pycache__ beside this file
import generate_recurrent  # noqa: E402
from generate import (PAD, SEED, Recorder, causal, decoder_block_names, encoder_block_names, linear_names,
                      norm_names, positions)  # noqa: E402

SOURCE_TOKENS, TARGET_TOKENS, TOLERANCE = 11, 13, 1e-5


# --- files -----------------------------------------------------------------------------------------

def read(path):
    """The tensors of a safetensors file, by name. Verifies adjoint's checksum if there is one."""
    file = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", file[:8])
    header, data = json.loads(file[8:8 + length]), file[8 + length:]
    metadata = header.pop("__metadata__", {})
    tensors, crc = {}, 0
    stored = metadata.pop("adjoint.crc32", None)
    for key, text in sorted(metadata.items()):
        crc = zlib.crc32(f"{key}\0{text}\0".encode(), crc)
    for name, entry in sorted(header.items()):
        begin, end = entry["data_offsets"]
        shape, dtype = entry["shape"], {"F32": "<f4", "F64": "<f8", "I64": "<i8", "BOOL": "?"}[entry["dtype"]]
        tensors[name] = torch.from_numpy(np.frombuffer(data[begin:end], dtype).reshape(shape).copy())
        form = f"{name}\0{entry['dtype']}\0{','.join(map(str, shape))}\0"
        crc = zlib.crc32(data[begin:end], zlib.crc32(form.encode(), crc))
    assert stored in (None, f"{crc:08x}"), f"{path}: the checksum is {stored}, the content has {crc:08x}"
    return tensors


def write(path, tensors):
    recorder = Recorder()
    for name, tensor in tensors.items():
        recorder.add(name, tensor)
    recorder.write(path)


# --- models: forward() takes ids [batch, steps] and gives logits [batch, steps, tokens] -----------------

def named(prefix, names):
    """The names in adjoint's files, below a prefix."""
    for name, parameter, rows in names:
        yield (prefix + name).replace("/", "."), parameter, rows


def table_names(table):
    yield "embedding/table", table.weight, slice(None)


class Transformer(nn.Module):
    def __init__(self, norm_first, width=8, hidden=16, heads=2, blocks=2):
        super().__init__()
        self.source, self.target = nn.Embedding(SOURCE_TOKENS, width), nn.Embedding(TARGET_TOKENS, width)
        settings = {"dropout": 0.0, "activation": "relu", "batch_first": True, "norm_first": norm_first}

        def last_norm():
            return nn.LayerNorm(width) if norm_first else None
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, heads, hidden, **settings),
                                             blocks, last_norm(), enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(width, heads, hidden, **settings),
                                             blocks, last_norm())
        self.output = nn.Linear(width, TARGET_TOKENS)

    def forward(self, source, target):
        def embed(table, ids):
            return table(ids) * math.sqrt(table.embedding_dim) + positions(ids.shape[1], table.embedding_dim).float()
        padding, steps = source == PAD, target.shape[1]
        memory = self.encoder(embed(self.source, source), src_key_padding_mask=padding)
        return self.output(self.decoder(embed(self.target, target), memory, tgt_mask=~causal(steps, steps),
                                        memory_key_padding_mask=padding))

    def names(self):
        for side, table, stack, block_names in (("encoder/", self.source, self.encoder, encoder_block_names),
                                                ("decoder/", self.target, self.decoder, decoder_block_names)):
            yield from named(side, table_names(table))
            for i, block in enumerate(stack.layers):
                yield from named(f"{side}blocks/{i}/", block_names(block))
            if stack.norm is not None:
                yield from named(side + "final_norm/", norm_names("", stack.norm))
        yield from named("decoder/output/", linear_names("", self.output))


class Recurrent(nn.Module):
    """The decoder starts from the encoder's last states; every step also reads that of the last layer."""

    def __init__(self, kind, embedding=6, hidden=8, layers=2):
        super().__init__()
        self.source, self.target = nn.Embedding(SOURCE_TOKENS, embedding), nn.Embedding(TARGET_TOKENS, embedding)
        self.encoder = kind(embedding, hidden, layers, batch_first=True)
        self.decoder = kind(embedding + hidden, hidden, layers, batch_first=True)
        self.output = nn.Linear(hidden, TARGET_TOKENS)

    def forward(self, source, target):
        packed = nn.utils.rnn.pack_padded_sequence(self.source(source), (source != PAD).sum(1), batch_first=True,
                                                   enforce_sorted=False)
        _, state = self.encoder(packed)
        hidden = state[0] if isinstance(state, tuple) else state  # [layers, batch, hidden]
        context = hidden[-1][:, None].expand(-1, target.shape[1], -1)  # [batch, steps, hidden]
        output, _ = self.decoder(torch.cat([self.target(target), context], -1), state)
        return self.output(output)

    def names(self):
        for side, table, stack in (("encoder/", self.source, self.encoder), ("decoder/", self.target, self.decoder)):
            yield from named(side, table_names(table))
            yield from named(side + "recurrent/", generate_recurrent.names(stack))
        yield from named("decoder/output/", linear_names("", self.output))


def models():
    return {"post": Transformer(norm_first=False), "pre": Transformer(norm_first=True),
            "gru": Recurrent(nn.GRU), "lstm": Recurrent(nn.LSTM)}


def weights(model):
    """adjoint's names with torch's tensors, to read and write. adjoint's attention has no biases by default:
    torch's are set to zero and left out of the file."""
    for name, parameter, rows in model.names():
        tensor = parameter.data[rows]
        if re.search(r"attention\.\w+\.bias$", name):
            tensor.zero_()
        else:
            yield name, tensor


# --- both ways -------------------------------------------------------------------------------------

def real_logits(model, source, target):
    """[rows, tokens]: the logits of the target's real rows, example after example."""
    with torch.no_grad():
        return model.eval()(source, target)[target != PAD]


def check(folder):
    failed = False
    for kind, model in models().items():
        stored = read(folder / f"{kind}.safetensors")
        for name, tensor in weights(model):
            assert tensor.shape == stored[name].shape, f"{kind}: {name} is {list(stored[name].shape)}"
            tensor.copy_(stored.pop(name))
        assert not stored, f"{kind}: no place for {', '.join(stored)}"
        expected = read(folder / f"{kind}.logits.safetensors")
        logits = real_logits(model, expected["source"], expected["target"])
        assert logits.shape == expected["logits"].shape, f"{kind}: logits of another shape"
        error = ((logits - expected["logits"]).abs().max() / expected["logits"].abs().max().clamp(min=1)).item()
        good = error < TOLERANCE  # false for NaN
        failed |= not good
        print(f"{kind:5} logits off by {error:.2g}{'' if good else '  FAILED'}")
    return failed


def produce(folder):
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(SEED)
    source = torch.tensor([[5, 3, 8, 10, 0], [4, 7, 0, 0, 0], [9, 6, 6, 3, 4]])
    target = torch.tensor([[1, 12, 3], [1, 5, 9], [1, 7, 0]])
    for kind, model in models().items():
        for name, tensor in weights(model):
            scale = 0.3 if name.endswith(("gain", "bias")) else tensor.shape[-1] ** -0.5
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * scale + name.endswith("gain"))
        write(folder / f"{kind}.safetensors", dict(weights(model)))
        write(folder / f"{kind}.logits.safetensors",
              {"source": source, "target": target, "logits": real_logits(model, source, target)})
    return False


if __name__ == "__main__":
    torch.set_num_threads(1)
    commands = {"check": check, "write": produce}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    sys.exit(commands[sys.argv[1]](pathlib.Path(sys.argv[2])))

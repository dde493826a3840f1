"""Writes vectors.safetensors: inputs, outputs and gradients that PyTorch computes in float64, for the
tests to compare with adjoint's. README.md beside this file explains the names.

    python3 tests/parity/generate.py [file]

Needs torch and numpy only (made with 1.13.1, Debian's python3-torch).
"""
import json
import math
import pathlib
import struct
import sys
import zlib

import torch
import torch.nn.functional as F
from torch import nn

SEED = 20240229
PAD = 0  # the id of the padding token, ignored by the losses


# --- the recorder ---------------------------------------------------------------------------------

class Recorder:
    """Collects named tensors and writes them as one safetensors file."""
    DTYPES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64", torch.bool: "BOOL"}

    def __init__(self):
        self.tensors = {}

    def add(self, name, tensor):
        if name in self.tensors:
            raise ValueError(f"{name} is recorded twice")
        self.tensors[name] = tensor.detach().clone().contiguous()

    def write(self, path):
        # Wide elements first, so that every tensor lies on a multiple of its element size.
        order = sorted(self.tensors, key=lambda name: (-self.tensors[name].element_size(), name))
        header = {"__metadata__": {"torch": torch.__version__, "seed": str(SEED)}}
        data = bytearray()
        for name in order:
            tensor = self.tensors[name]
            begin = len(data)
            data += tensor.numpy().astype(tensor.numpy().dtype.newbyteorder("<")).tobytes()
            header[name] = {"dtype": self.DTYPES[tensor.dtype], "shape": list(tensor.shape),
                            "data_offsets": [begin, len(data)]}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


class Case:
    """One case: draws its numbers and records them under its name.

    Each case has a generator of its own, so adding or changing one leaves the others unchanged.
    """

    def __init__(self, recorder, name):
        self.recorder, self.name = recorder, name
        self.generator = torch.Generator().manual_seed(SEED + zlib.crc32(name.encode()))
        self.tracked = []  # (name, leaf tensor, its rows that have this name)

    def normal(self, *shape, mean=0.0, scale=1.0):
        return mean + scale * torch.randn(*shape, generator=self.generator, dtype=torch.float64)

    def constant(self, name, value):
        """Records a tensor without a gradient: ids, lengths, masks, further outputs."""
        tensor = torch.as_tensor(value)
        self.recorder.add(f"{self.name}/{name}", tensor)
        return tensor

    def number(self, name, value):
        self.constant(name, torch.tensor(value, dtype=torch.float64))
        return value

    def input(self, name, tensor, rows=slice(None)):
        """Records an input or parameter that needs a gradient. `rows` selects a part of a larger tensor."""
        tensor.requires_grad_(True)
        self.constant(name, tensor.detach()[rows])
        self.tracked.append((name, tensor, rows))
        return tensor

    def gradients(self, loss):
        loss.backward()
        for name, tensor, rows in self.tracked:
            self.constant(f"grad/{name}", tensor.grad[rows])

    def output(self, output, real=None):
        """Records the output, a random cotangent, and the gradients of <output, cotangent>.

        The cotangent is zero where `real` is false, in the rows of padding.
        """
        cotangent = self.normal(*output.shape)
        if real is not None:
            cotangent = cotangent * real[..., None]
        self.constant("output", output)
        self.constant("cotangent", cotangent)
        self.gradients((output * cotangent).sum())

    def parameters(self, names):
        """Fills a torch module's parameters with random numbers and records them under adjoint's names.

        `names` yields (our name, parameter, rows). Gains lie around one, biases are not zero, weights
        and tables have variance 1/columns.
        """
        for name, parameter, rows in names:
            shape = parameter[rows].shape
            if name.endswith("gain"):
                value = self.normal(*shape, mean=1.0, scale=0.3)
            elif name.endswith("bias"):
                value = self.normal(*shape, scale=0.3)
            else:
                value = self.normal(*shape, scale=shape[-1] ** -0.5)
            parameter.data[rows] = value
            self.input(name, parameter, rows)


# --- our names for torch's parameters --------------------------------------------------------------

def linear_names(prefix, layer):
    yield prefix + "weight", layer.weight, slice(None)  # [outputs, inputs]
    if layer.bias is not None:
        yield prefix + "bias", layer.bias, slice(None)


def norm_names(prefix, norm):
    yield prefix + "gain", norm.weight, slice(None)
    yield prefix + "bias", norm.bias, slice(None)


def attention_names(prefix, attention):
    """torch stacks the query, key and value weights in one [3 width, width] tensor."""
    width = attention.embed_dim
    for i, part in enumerate(("query", "key", "value")):
        rows = slice(i * width, (i + 1) * width)
        yield f"{prefix}{part}/weight", attention.in_proj_weight, rows
        if attention.in_proj_bias is not None:
            yield f"{prefix}{part}/bias", attention.in_proj_bias, rows
    yield from linear_names(prefix + "output/", attention.out_proj)


def encoder_block_names(block):
    yield from attention_names("attention/", block.self_attn)
    yield from norm_names("norm1/", block.norm1)
    yield from linear_names("feed_forward/up/", block.linear1)
    yield from linear_names("feed_forward/down/", block.linear2)
    yield from norm_names("norm2/", block.norm2)


def decoder_block_names(block):
    yield from attention_names("attention/", block.self_attn)
    yield from norm_names("norm1/", block.norm1)
    yield from attention_names("cross_attention/", block.multihead_attn)
    yield from norm_names("norm2/", block.norm2)
    yield from linear_names("feed_forward/up/", block.linear1)
    yield from linear_names("feed_forward/down/", block.linear2)
    yield from norm_names("norm3/", block.norm3)


# --- masks: true = may attend ----------------------------------------------------------------------

def within(lengths, size):
    """[batch, size]: the positions before each example's length."""
    return torch.arange(size) < lengths[:, None]


def causal(queries, keys):
    """[queries, keys]: query i sees the keys up to i."""
    return torch.ones(queries, keys, dtype=torch.bool).tril()


# --- layers ----------------------------------------------------------------------------------------

def linear(recorder):
    for name in ("linear", "linear_nobias"):
        case = Case(recorder, name)
        x = case.input("x", case.normal(2, 3, 4))
        weight = case.input("weight", case.normal(5, 4))
        bias = case.input("bias", case.normal(5)) if name == "linear" else None
        case.output(F.linear(x, weight, bias))


def embedding(recorder):
    case = Case(recorder, "embedding")
    ids = case.constant("ids", [[3, 1, 3, 0], [6, 3, 1, 1]])  # 2, 4 and 5 are never used
    table = case.input("table", case.normal(7, 5))
    case.output(F.embedding(ids, table))


def layer_norm(recorder):
    case = Case(recorder, "layer_norm")
    x = case.input("x", case.normal(2, 3, 8, mean=1.0, scale=2.0))
    gain = case.input("gain", case.normal(8, mean=1.0, scale=0.3))
    bias = case.input("bias", case.normal(8))
    case.output(F.layer_norm(x, [8], gain, bias, eps=case.number("eps", 1e-5)))


def softmax(recorder):
    for name, function in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        case = Case(recorder, name)
        x = case.input("x", case.normal(2, 3, 6, scale=3.0))
        case.output(function(x, dim=-1))


def gelu(recorder):
    for name, form in (("gelu_exact", "none"), ("gelu_tanh", "tanh")):
        case = Case(recorder, name)
        x = case.input("x", case.normal(3, 8, scale=2.0))
        case.output(F.gelu(x, approximate=form))


def cross_entropy(recorder):
    variants = {
        "cross_entropy": {},
        "cross_entropy_ignore_index": {"ignore_index": PAD},
        "cross_entropy_label_smoothing": {"label_smoothing": 0.1},
        "cross_entropy_ignore_index_label_smoothing": {"ignore_index": PAD, "label_smoothing": 0.1},
    }
    for name, options in variants.items():
        case = Case(recorder, name)
        logits = case.input("logits", case.normal(8, 6, scale=2.0))
        targets = case.constant("targets", [4, 0, 2, 5, 0, 1, 1, 3])
        counted = targets != PAD if "ignore_index" in options else torch.ones(8, dtype=torch.bool)
        for reduction in ("sum", "mean"):  # the mean is over the targets that are not ignored
            case.constant(reduction, F.cross_entropy(logits, targets, reduction=reduction, **options))
        case.constant("count", counted.sum())
        case.output(F.cross_entropy(logits, targets, reduction="none", **options))


# --- attention -------------------------------------------------------------------------------------

def attention(recorder):
    """softmax(queries keysᵀ / √width) values, on [batch, heads, time, head width]."""
    for name in ("attention", "attention_lengths", "attention_causal", "attention_lengths_causal"):
        case = Case(recorder, name)
        queries = case.input("queries", case.normal(3, 2, 5, 4))
        keys = case.input("keys", case.normal(3, 2, 5, 4))
        values = case.input("values", case.normal(3, 2, 5, 4))
        allowed = torch.ones(3, 5, 5, dtype=torch.bool)  # [batch, queries, keys]
        if "lengths" in name:
            allowed &= within(case.constant("lengths", [2, 5, 1]), 5)[:, None, :]
        if "causal" in name:
            allowed &= causal(5, 5)
        case.constant("allowed", allowed)
        scores = queries @ keys.transpose(-2, -1) / math.sqrt(4)  # [batch, heads, queries, keys]
        weights = F.softmax(scores.masked_fill(~allowed[:, None], -math.inf), dim=-1)
        case.constant("weights", weights)
        case.output(weights @ values)


def multi_head_attention(recorder):
    """Three separate inputs in every case: self-attention only passes the same tensor three times."""
    batch, heads, width = 3, 2, 8
    for bias in (True, False):
        for mask in ("lengths", "causal", "lengths_causal", "cross"):
            case = Case(recorder, f"multi_head_attention_{'' if bias else 'nobias_'}{mask}")
            source = 4
            target = 3 if mask == "cross" else source
            layer = nn.MultiheadAttention(width, heads, bias=bias, batch_first=True, dtype=torch.float64)
            case.parameters(attention_names("", layer))
            queries = case.input("queries", case.normal(batch, target, width))
            keys = case.input("keys", case.normal(batch, source, width))
            values = case.input("values", case.normal(batch, source, width))
            allowed = torch.ones(batch, target, source, dtype=torch.bool)
            padding = future = None  # torch's masks: true = may not attend
            if mask != "causal":
                real = within(case.constant("lengths", [4, 1, 2]), source)
                allowed &= real[:, None, :]
                padding = ~real
            if "causal" in mask:
                allowed &= causal(target, source)
                future = ~causal(target, source)
            case.constant("allowed", allowed)
            output, weights = layer(queries, keys, values, key_padding_mask=padding, attn_mask=future,
                                    need_weights=True, average_attn_weights=False)
            case.constant("weights", weights)  # [batch, heads, queries, keys]
            case.output(output)


# --- blocks ----------------------------------------------------------------------------------------

def encoder_block(recorder):
    for name, norm_first in (("encoder_block_post", False), ("encoder_block_pre", True)):
        case = Case(recorder, name)
        block = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, activation="relu", batch_first=True,
                                           norm_first=norm_first, dtype=torch.float64)
        case.parameters(encoder_block_names(block))
        x = case.input("x", case.normal(3, 5, 8))
        real = within(case.constant("lengths", [3, 5, 1]), 5)
        case.output(block(x, src_key_padding_mask=~real), real)


def decoder_block(recorder):
    """The target is causal and has no padding; the memory is padded."""
    for name, norm_first in (("decoder_block_post", False), ("decoder_block_pre", True)):
        case = Case(recorder, name)
        block = nn.TransformerDecoderLayer(8, 2, 12, dropout=0.0, activation="relu", batch_first=True,
                                           norm_first=norm_first, dtype=torch.float64)
        case.parameters(decoder_block_names(block))
        x = case.input("x", case.normal(3, 4, 8))
        memory = case.input("memory", case.normal(3, 5, 8))
        real = within(case.constant("memory_lengths", [5, 2, 4]), 5)
        case.output(block(x, memory, tgt_mask=~causal(4, 4), memory_key_padding_mask=~real))


# --- a whole model ---------------------------------------------------------------------------------

def positions(time, width):
    """[time, width]: sin(t / 10000^(2i/width)) in column 2i, the cosine in column 2i + 1."""
    t = torch.arange(time, dtype=torch.float64)[:, None]
    angles = t / 10000 ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).reshape(time, width)


class Attention(nn.Module):
    """Multi-head attention without biases."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        for part in ("query", "key", "value", "output"):
            setattr(self, part, nn.Linear(width, width, bias=False))

    def split(self, x):  # [batch, time, width] -> [batch, heads, time, head width]
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, memory, allowed):
        q, k, v = self.split(self.query(x)), self.split(self.key(memory)), self.split(self.value(memory))
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        weights = F.softmax(scores.masked_fill(~allowed, -math.inf), dim=-1)
        return self.output((weights @ v).transpose(1, 2).flatten(-2))


class FeedForward(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.down(F.relu(self.up(x)))


class EncoderBlock(nn.Module):
    def __init__(self, width, hidden, heads):
        super().__init__()
        self.attention, self.norm1 = Attention(width, heads), nn.LayerNorm(width)
        self.feed_forward, self.norm2 = FeedForward(width, hidden), nn.LayerNorm(width)

    def forward(self, x, allowed):
        x = self.norm1(x + self.attention(x, x, allowed))
        return self.norm2(x + self.feed_forward(x))


class DecoderBlock(nn.Module):
    def __init__(self, width, hidden, heads):
        super().__init__()
        self.attention, self.norm1 = Attention(width, heads), nn.LayerNorm(width)
        self.cross_attention, self.norm2 = Attention(width, heads), nn.LayerNorm(width)
        self.feed_forward, self.norm3 = FeedForward(width, hidden), nn.LayerNorm(width)

    def forward(self, x, allowed, memory, memory_allowed):
        x = self.norm1(x + self.attention(x, x, allowed))
        x = self.norm2(x + self.cross_attention(x, memory, memory_allowed))
        return self.norm3(x + self.feed_forward(x))


class Stack(nn.Module):
    """Embedding times √width, plus positions, then blocks: an encoder or a decoder without its output."""

    def __init__(self, vocabulary, width, blocks):
        super().__init__()
        self.embedding, self.blocks = nn.Embedding(vocabulary, width), nn.ModuleList(blocks)

    def forward(self, ids, *context):
        width = self.embedding.embedding_dim
        x = self.embedding(ids) * math.sqrt(width) + positions(ids.shape[1], width)
        for block in self.blocks:
            x = block(x, *context)
        return x


def transformer_names(encoder, decoder):
    """The modules have adjoint's names already; only norms, tables and the separator differ."""
    for side, module in (("encoder", encoder), ("decoder", decoder)):
        for name, parameter in module.named_parameters():
            name = name.replace("embedding.weight", "embedding.table")
            for i in "123":
                name = name.replace(f"norm{i}.weight", f"norm{i}.gain")
            yield f"{side}/" + name.replace(".", "/"), parameter, slice(None)


def transformer(recorder):
    """A post-norm Transformer, teacher forcing, masked cross-entropy; the gradients are those of loss/sum."""
    width, hidden, heads, blocks = 8, 16, 2, 2
    case = Case(recorder, "transformer")
    encoder = Stack(11, width, [EncoderBlock(width, hidden, heads) for _ in range(blocks)]).double()
    decoder = Stack(13, width, [DecoderBlock(width, hidden, heads) for _ in range(blocks)]).double()
    decoder.output = nn.Linear(width, 13).double()
    case.parameters(transformer_names(encoder, decoder))

    source = case.constant("source", [[4, 9, 3, 0, 0], [5, 10, 6, 4, 3], [7, 3, 0, 0, 0]])
    source_lengths = case.constant("source_lengths", [3, 5, 2])
    target_input = case.constant("target_input", [[1, 8, 12, 5], [1, 4, 0, 0], [1, 6, 6, 0]])
    target = case.constant("target", [[8, 12, 5, 2], [4, 2, 0, 0], [6, 6, 2, 0]])
    case.constant("target_lengths", [4, 2, 3])
    case.constant("positions", positions(5, width))

    real = within(source_lengths, 5)[:, None, None, :]  # [batch, heads, queries, keys]
    memory = encoder(source, real)
    logits = decoder.output(decoder(target_input, causal(4, 4), memory, real))
    loss = F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD, reduction="sum")
    count = (target != PAD).sum()
    case.constant("memory", memory)
    case.constant("logits", logits)
    case.constant("loss/sum", loss)
    case.constant("loss/count", count)
    case.constant("loss/mean", loss / count)
    case.gradients(loss)


# --- optimizers ------------------------------------------------------------------------------------

def optimizers(recorder):
    """Ten steps on given gradients: gradient/t leads from parameter/(t-1) to parameter/t."""
    adam = {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8}
    optimize(recorder, "adam", lambda p: torch.optim.Adam(p, **adam))
    optimize(recorder, "adamw", lambda p: torch.optim.AdamW(p, **adam, weight_decay=0.01))
    optimize(recorder, "sgd", lambda p: torch.optim.SGD(p, lr=0.1))
    optimize(recorder, "sgd_momentum", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9))
    optimize(recorder, "clip", lambda p: torch.optim.SGD(p, lr=0.1), max_norm=1.0)


def optimize(recorder, name, make, max_norm=None):
    case = Case(recorder, name)
    parameters = {"a": case.normal(3, 4), "b": case.normal(5)}
    optimizer = make(list(parameters.values()))
    case.number("learning_rate", optimizer.defaults["lr"])
    if "betas" in optimizer.defaults:
        case.constant("betas", torch.tensor(optimizer.defaults["betas"], dtype=torch.float64))
        case.number("eps", optimizer.defaults["eps"])
        case.number("weight_decay", float(optimizer.defaults["weight_decay"]))
    else:
        case.number("momentum", float(optimizer.defaults["momentum"]))
    if max_norm is not None:
        case.number("max_norm", max_norm)
    for key, parameter in parameters.items():
        case.constant(f"parameter/0/{key}", parameter)
    for step in range(1, 11):
        for key, parameter in parameters.items():
            # Growing gradients: the clipping leaves the first as they are and shortens the later ones.
            parameter.grad = case.normal(*parameter.shape, scale=0.05 * step)
            case.constant(f"gradient/{step}/{key}", parameter.grad)
        if max_norm is not None:
            norm = nn.utils.clip_grad_norm_(parameters.values(), max_norm)
            case.constant(f"norm/{step}", norm)  # before clipping
        optimizer.step()
        for key, parameter in parameters.items():
            case.constant(f"parameter/{step}/{key}", parameter)


CASES = (linear, embedding, layer_norm, softmax, gelu, cross_entropy, attention, multi_head_attention,
         encoder_block, decoder_block, transformer, optimizers)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("vectors.safetensors")
    torch.set_num_threads(1)  # one order of summation: the same bytes each time
    torch.use_deterministic_algorithms(True)
    recorder = Recorder()
    for case in CASES:
        case(recorder)
    recorder.write(path)


if __name__ == "__main__":
    main()

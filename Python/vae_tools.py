"""Tensor streams and models of vae-tools, from Python.

    import sys
    import vae_tools

    for block in vae_tools.blocks(sys.stdin.buffer):        # a pipe, a block of rows at a time
        vae_tools.write(sys.stdout.buffer, block * 2)

    x = vae_tools.read("x.npy")                             # a whole stream as one array
    model = vae_tools.load("m.vae")                         # a torch.nn.Module
    mean, logvar = model.encode(torch.from_numpy(x))

Streams are described in tensor-stream(5), models in vae-model(5). Needs NumPy, and PyTorch for
load() alone.
"""

import contextlib
import json
import math

import numpy as np
from numpy.lib import format as npy

__all__ = ["blocks", "read", "write", "tensors", "load"]

LONGEST_HEADER = 100_000_000


@contextlib.contextmanager
def _opened(file):
    if hasattr(file, "read"):
        yield file
    else:
        with open(file, "rb") as opened:
            yield opened


def _take(file, size):
    """So many bytes, in as many reads as a pipe takes; fewer only at the end."""
    parts = []
    while size > 0 and (part := file.read(min(size, 1 << 24))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class _Ahead:
    """A file whose first bytes were read already."""

    def __init__(self, head, file):
        self.head, self.file = head, file

    def read(self, size):
        head, self.head = self.head[:size], self.head[size:]
        return head + _take(self.file, size - len(head))


def blocks(file, rows=1024):
    """Yields the rows of a stream, so many at a time, fewer at the end of each array.

    `file` is a path or anything open for reading bytes; it need not be able to seek.
    """
    with _opened(file) as source:
        while head := _take(source, 1):
            array = _Ahead(head, source)
            version = npy.read_magic(array)
            read_header = (
                npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            )
            shape, fortran, dtype = read_header(array)
            if dtype.hasobject or not shape or fortran and len(shape) > 1:
                raise ValueError("expected an array of numbers in row order")
            left, *row_shape = shape
            row_bytes = math.prod(row_shape) * dtype.itemsize
            while left > 0:
                count = min(rows, left)
                data = _take(source, count * row_bytes)
                if len(data) < count * row_bytes:
                    raise EOFError(f"cut: {left} rows are missing, or parts of them")
                yield np.frombuffer(data, dtype).reshape(count, *row_shape)
                left -= count


def read(file):
    """All rows of a stream as one array."""
    found = list(blocks(file, rows=1 << 16))
    if not found:
        raise EOFError("no rows")
    return np.concatenate(found)


def write(file, array):
    """Writes an array as part of a stream, and flushes; call it again for the rows that follow.

    Bytes stay bytes, all other numbers become f4: what the tools write.
    """
    array = np.asarray(array)
    array = np.ascontiguousarray(array if array.dtype == np.uint8 else array.astype("<f4"))
    header = {"descr": npy.dtype_to_descr(array.dtype), "fortran_order": False,
              "shape": array.shape}
    npy.write_array_header_1_0(file, header)
    file.write(array.data.cast("B") if array.size else b"")
    file.flush()


def tensors(path):
    """The tensors of a model file by name, and its metadata."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > LONGEST_HEADER:
            raise ValueError(f"{path}: not a model: a header of {length} bytes")
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    found = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name}: expected F32, got {entry['dtype']}")
        begin, end = entry["data_offsets"]
        found[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"]).copy()
    return found, metadata


def load(path):
    """A trained autoencoder as a torch.nn.Module with encode(x) and decode(z)."""
    import torch

    weights, metadata = tensors(path)
    if "vae-tools.config" not in metadata:
        raise ValueError(f"{path}: not a model of vae-tools")
    model = _autoencoder()(json.loads(metadata["vae-tools.config"]))
    wanted = model.state_dict()
    # Checkpoints hold more than the model.
    model.load_state_dict({
        name: torch.from_numpy(value) for name, value in weights.items() if name in wanted})
    return model.eval()


def _autoencoder():
    import torch
    from torch import nn

    activations = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU, "leaky-relu": nn.LeakyReLU}

    class Hidden(nn.Linear):
        def __init__(self, inputs, outputs, config):
            super().__init__(inputs, outputs)
            self.norm = nn.BatchNorm1d(outputs) if config["batch_norm"] else nn.Identity()
            self.after = nn.Sequential(
                activations[config["activation"]](), nn.Dropout(config["dropout"]))

        def forward(self, x):
            return self.after(self.norm(super().forward(x)))

    class Autoencoder(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.config = config
            rows, latent = math.prod(config["input_shape"]), config["latent"]
            hidden = config["hidden"]

            def stack(widths):
                return nn.ModuleDict({
                    str(i): Hidden(a, b, config)
                    for i, (a, b) in enumerate(zip(widths, widths[1:]))})

            self.encoder = stack([rows] + hidden)
            self.encoder["mean"] = nn.Linear(([rows] + hidden)[-1], latent)
            if config["model"] == "vae":
                self.encoder["logvar"] = nn.Linear(([rows] + hidden)[-1], latent)
            self.decoder = stack([latent] + hidden[::-1])
            self.decoder["output"] = nn.Linear(([latent] + hidden[::-1])[-1], rows)
            if config.get("sigma") == "learned":
                self.decoder.log_sigma = nn.Parameter(torch.zeros(1))
            if config.get("sigma") == "pixel":
                self.decoder["output_logvar"] = nn.Linear(([latent] + hidden[::-1])[-1], rows)
            more = dict(student=["output_scale", "output_df"], logistic=["output_logscale"])
            for head in more.get(config["likelihood"], []):
                self.decoder[head] = nn.Linear(([latent] + hidden[::-1])[-1], rows)

        def encode(self, x):
            """Means and log-variances of the latents of rows; None for those of a plain model."""
            x = x.flatten(1)
            for i in range(len(self.config["hidden"])):
                x = self.encoder[str(i)](x)
            if self.config["model"] != "vae":
                return self.encoder["mean"](x), None
            return self.encoder["mean"](x), self.encoder["logvar"](x).clamp(-30, 20)

        def decode(self, z):
            """Mean rows of latents."""
            for i in range(len(self.config["hidden"])):
                z = self.decoder[str(i)](z)
            x = self.decoder["output"](z)
            if self.config["likelihood"] == "bernoulli":
                x = x.sigmoid()
            if self.config["likelihood"] == "logistic":
                x = x.clamp(0, 1)
            return x.unflatten(1, tuple(self.config["input_shape"]))

        def forward(self, x):
            """Rows as the model sees them, from the means of their latents."""
            return self.decode(self.encode(x)[0])

    return Autoencoder

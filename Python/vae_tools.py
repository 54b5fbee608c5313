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
    heads_of = dict(student=["output_scale", "output_df"], logistic=["output_logscale"])

    def hidden(layer, norm, config, ends_in_sum=False):
        """The layer with what follows it in a hidden layer, under the names of a model file."""
        layer.norm = norm if config["batch_norm"] else nn.Identity()
        layer.after = nn.Identity() if ends_in_sum else nn.Sequential(
            activations[config["activation"]](), nn.Dropout(config["dropout"]))
        layer.register_forward_hook(lambda layer, _, y: layer.after(layer.norm(y)))
        return layer

    def dense(widths, config):
        return {
            str(i): hidden(nn.Linear(a, b), nn.BatchNorm1d(b), config)
            for i, (a, b) in enumerate(zip(widths, widths[1:]))}

    class Residual(nn.ModuleList):
        """Pairs of convolutions, y = act(x + second(act(first(x))))."""

        def forward(self, x):
            for first, second in self:
                x = self.activation[0](x + second(first(x)))
            return x

    class Resized(nn.Module):
        """Maps resized by the nearest neighbour."""

        def __init__(self, sides):
            super().__init__()
            self.sides = sides

        def forward(self, x):
            for axis, side in enumerate(self.sides, 2):
                at = torch.arange(side) * x.shape[axis] // side
                x = x.index_select(axis, at.to(x.device))
            return x

    class Maps:
        """What the convolutions of a configuration are made of."""

        def __init__(self, config):
            own = config["convolution"]
            self.config, self.sizes = config, own["sizes"]
            self.last = own["layout"] != "channels-first"
            shape, sides = config["input_shape"], len(self.sizes[0])
            first = shape[sides:] if self.last else shape[:-sides]
            self.channels = [math.prod(first)] + own["channels"]
            self.flat = self.channels[-1] * math.prod(self.sizes[-1])
            self.conv = [nn.Conv1d, nn.Conv2d][sides - 1]
            self.up = [nn.ConvTranspose1d, nn.ConvTranspose2d][sides - 1]
            self.norm = [nn.BatchNorm1d, nn.BatchNorm2d][sides - 1]
            self.window = [own[key] for key in ("kernel", "stride", "padding")]
            self.padding, self.nearest = own["output_padding"], own["upsample"] == "nearest"
            self.pairs = own["residual"]

        def downs(self):
            return nn.ModuleList(
                hidden(self.conv(a, b, *self.window), self.norm(b), self.config)
                for a, b in zip(self.channels, self.channels[1:]))

        def residual(self):
            n = self.channels[-1]
            pairs = Residual(
                nn.ModuleList(
                    hidden(self.conv(n, n, 3, 1, 1), self.norm(n), self.config, half == 1)
                    for half in range(2))
                for _ in range(self.pairs))
            pairs.activation = [activations[self.config["activation"]]()]  # no part of the list
            return pairs

        def step(self, i):
            """From size i + 1 to size i."""
            a, b = self.channels[i + 1], self.channels[i]
            if self.nearest:
                return self.conv(a, b, 3, 1, 1)
            return self.up(a, b, *self.window, output_padding=self.padding[i])

        def rows(self, x):
            """Rows with their channels first."""
            if self.last:
                return x.reshape(-1, *self.sizes[0], self.channels[0]).movedim(-1, 1)
            return x.reshape(-1, self.channels[0], *self.sizes[0])

    class Autoencoder(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.config = config
            rows, latent = math.prod(config["input_shape"]), config["latent"]
            self.maps = Maps(config) if "convolution" in config else None
            classes = len(config.get("classes", []))
            widths = [self.maps.flat if self.maps else rows + classes] + config["hidden"]
            self.encoder = nn.ModuleDict(dense(widths, config))
            self.encoder["mean"] = nn.Linear(widths[-1], latent)
            if config["model"] == "vae":
                self.encoder["logvar"] = nn.Linear(widths[-1], latent)
            widths = [latent + classes] + config["hidden"][::-1]
            self.decoder = nn.ModuleDict(dense(widths, config))
            heads = ["output"] + heads_of.get(config["likelihood"], [])
            if config.get("sigma") == "pixel":
                heads.append("output_logvar")
            if self.maps:
                maps, steps = self.maps, len(self.maps.sizes) - 1
                self.encoder["conv"], self.encoder["residual"] = maps.downs(), maps.residual()
                if classes:
                    self.encoder["label"] = nn.Linear(classes, maps.channels[1])
                self.decoder["expand"] = nn.Linear(widths[-1], maps.flat)
                self.decoder["expand"].norm = (
                    maps.norm(maps.channels[-1]) if config["batch_norm"] else nn.Identity())
                self.decoder["residual"] = maps.residual()
                self.decoder["conv"] = nn.ModuleList(
                    hidden(maps.step(i), maps.norm(maps.channels[i]), config)
                    for i in range(steps - 1, 0, -1))
                self.after = nn.Sequential(
                    activations[config["activation"]](), nn.Dropout(config["dropout"]))
            for head in heads:
                self.decoder[head] = (
                    self.maps.step(0) if self.maps else nn.Linear(widths[-1], rows))
            if config.get("sigma") == "learned":
                self.decoder.log_sigma = nn.Parameter(torch.zeros(1))

        def classes(self, labels):
            """Labels as a conditional model reads them: 1 at the class, else 0."""
            known = torch.tensor(self.config["classes"], device=labels.device)
            return (labels.reshape(-1, 1) == known).float()

        def encode(self, x, labels=None):
            """Means and log-variances of the latents of rows; None for those of a plain model."""
            y = None if labels is None else self.classes(labels)
            if self.maps:
                x = self.maps.rows(x)
                for index, layer in enumerate(self.encoder["conv"]):
                    if y is not None and index == 0:
                        shift = self.encoder["label"](y)
                        shift = shift.reshape(*shift.shape, *[1] * (x.dim() - 2))
                        # `forward` gives the sums alone: it runs no hook.
                        x = layer.after(layer.norm(layer.forward(x) + shift))
                    else:
                        x = layer(x)
                x = self.encoder["residual"](x)
            x = x.flatten(1)
            if y is not None and not self.maps:
                x = torch.cat([x, y], 1)
            for i in range(len(self.config["hidden"])):
                x = self.encoder[str(i)](x)
            if self.config["model"] != "vae":
                return self.encoder["mean"](x), None
            return self.encoder["mean"](x), self.encoder["logvar"](x).clamp(-30, 20)

        def decode(self, z, labels=None):
            """Mean rows of latents."""
            if labels is not None:
                z = torch.cat([z, self.classes(labels)], 1)
            for i in range(len(self.config["hidden"])):
                z = self.decoder[str(i)](z)
            if self.maps:
                z = self._grow(z)
            x = self.decoder["output"](z)
            if self.maps and self.maps.last:
                x = x.movedim(1, -1)
            if self.config["likelihood"] == "bernoulli":
                x = x.sigmoid()
            if self.config["likelihood"] == "logistic":
                x = x.clamp(0, 1)
            return x.reshape(-1, *self.config["input_shape"])

        def _grow(self, z):
            """What the heads read: maps, and those before them."""
            maps, expand = self.maps, self.decoder["expand"]
            x = expand(z).unflatten(1, (maps.channels[-1], *maps.sizes[-1]))
            x = self.decoder["residual"](self.after(expand.norm(x)))
            layers = [*self.decoder["conv"], nn.Identity()]
            for size, layer in zip(maps.sizes[-2::-1], layers):
                x = layer(Resized(size)(x) if maps.nearest else x)
            return x

        def forward(self, x, labels=None):
            """Rows as the model sees them, from the means of their latents."""
            return self.decode(self.encode(x, labels)[0], labels)

    return Autoencoder

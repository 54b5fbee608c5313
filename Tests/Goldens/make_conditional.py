#!/usr/bin/env python3
"""Makes Tests/VAECoreTests/Goldens/conditional.safetensors: conditional models, trained by PyTorch in
float64.

    python3 Tests/Goldens/make_conditional.py     # needs torch and numpy; rewrites the same bytes

The file is as convolution.safetensors (make_convolution.py). Row i has label i modulo the number of
classes. y is 1 at the label of a row, else 0:

    a dense encoder's first layer reads torch.cat([x, y], 1)
    to the sums of encoder.conv.0 the layer encoder.label adds its outputs of y, one a channel
    a decoder's first layer reads torch.cat([z, y], 1)
"""
import make_convolution as convolution
import make_training as training
import torch
from make_training import ADAM, LATENT, SGD, linear
from torch.nn import functional as F

CLASSES = [-3, 0, 7]

DENSE = {
    "dense": dict(hidden=(7, 5)),
    "learned": dict(hidden=(7,), likelihood="gaussian", sigma="learned"),
    "particles": dict(hidden=(7,), particles=3, importance_weighted=True),
    "plain": dict(hidden=(7,), model="ae"),
    # Several blocks of rows, the last of them short.
    "blocks": dict(hidden=(7,), rows=70, batch_norm=True, optimiser=SGD),
}

MAPS = {
    "maps": dict(shape=[9, 8], kernel=4),
    "maps_norm": dict(
        shape=[2, 9, 8], kernel=3, hidden=(), batch_norm=True, optimiser=SGD, upsample="nearest"),
    "maps_blocks": dict(shape=[9, 8], kernel=4, rows=70, activation="silu"),
}


class Given:
    """A case whose networks are given the labels."""

    def labels(self):
        return F.one_hot(torch.arange(self.rows) % len(CLASSES)).double()

    def first(self):
        """The decoder's first layer."""
        return "decoder.0" if self.hidden else "decoder.expand"

    def widened(self, layers, names):
        """The layers, where those of the names read the labels, too."""
        skip = None
        for name, shape, bound in layers:
            layer = name.rpartition(".")[0]
            if layer in names and name.endswith(".weight"):
                yield from linear(layer, shape[1] + len(CLASSES), shape[0])
                skip = layer
            elif layer != skip:
                yield name, shape, bound

    def decode(self, forward, z):
        y = self.labels().repeat_interleave(len(z) // self.rows, 0)
        return super().decode(forward, torch.cat([z, y], 1))


def classes(config):
    rows = [len(range(k, config.get("rows", training.ROWS), len(CLASSES))) for k in range(len(CLASSES))]
    return config | dict(classes=CLASSES, class_rows=rows)


class Dense(Given, training.Case):
    def __init__(self, name, optimiser=ADAM, steps=1, **config):
        self.steps = steps
        super().__init__(name, classes(config), optimiser)

    def layers(self):
        return self.widened(super().layers(), ["encoder.0", self.first()])

    def encode(self, forward, x):
        return super().encode(forward, torch.cat([x, self.labels()], 1))


class Maps(Given, convolution.Case):
    def __init__(self, name, **config):
        super().__init__(name, **classes(config))

    def layers(self):
        for name, shape, bound in self.widened(super().layers(), [self.first()]):
            yield name, shape, bound
            if name == "encoder.conv.0.bias":
                yield from linear("encoder.label", len(CLASSES), self.maps["channels"][0])

    def shift(self, forward, step, h):
        if step > 0:
            return h
        own = forward.linear("encoder.label", self.labels())
        return h + own.reshape(*own.shape, *[1] * (h.dim() - 2))


if __name__ == "__main__":
    torch.set_num_threads(1)
    training.FOLDER.mkdir(parents=True, exist_ok=True)
    made = [Dense(name, **options) for name, options in DENSE.items()]
    made += [Maps(name, **options) for name, options in MAPS.items()]
    convolution.write("conditional.safetensors", made)

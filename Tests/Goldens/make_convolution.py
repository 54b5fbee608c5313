#!/usr/bin/env python3
"""Makes Tests/VAECoreTests/Goldens/convolution.safetensors: convolutional models, trained by
PyTorch in float64.

    python3 Tests/Goldens/make_convolution.py     # needs torch and numpy; rewrites the same bytes

Each case is one tiny network with its own rows, trained for one step, or three, with the noise that
the engine draws (noise.py). The file holds, rounded to F32 at the end,

    <case>.inputs                  [rows, width] in [0, 1], in the order of the row's shape
    <case>.initial.<parameter>     weights and running statistics before the first step
    <case>.gradient.<parameter>    the gradient of the first step; zero for running statistics
    <case>.after.<parameter>       weights and running statistics after the last step

Parameters have the names and shapes of a model file. As in steps.safetensors (make_training.py),
a model with a Gaussian likelihood reads 3·inputs − 1, and __metadata__ has, as JSON,
<case>.config, <case>.objective, <case>.optimiser and <case>.figures, with as many losses as steps.

The network, with sizes and channels of the configuration's "convolution":

    encoder.conv.i           convolution (kernel, stride, padding), weights [out, in, kernel...];
                             its .norm over channels; activation
    encoder.residual.j.0, .1 two convolutions (3, 1, 1), each with its .norm:
                             y = act(x + second(act(first(x))))
    encoder.i, .mean, ...    dense layers, of the maps flattened from [channels, sides...]
    decoder.i                dense layers
    decoder.expand           dense, to the smallest maps, with its .norm over channels; activation
    decoder.residual.j.0, .1 as in the encoder
    decoder.conv.i, .output, and the other heads of the likelihood
        upsample transposed: transposed convolution (kernel, stride, padding, output_padding),
                             weights [in, out, kernel...]
        upsample nearest:    output i of a side reads input ⌊i·in/out⌋; convolution (3, 1, 1)
                             decoder.conv.i has .norm and activation; heads have neither

A row is (H, W), one channel; (C, H, W) channels-first; (H, W, C) channels-last; (T) or (T, C) for a
series. A row is written by channels for the first layer, and back behind the last.
"""
import math

import make_training as training
import torch
from make_training import ADAM, LATENT, SGD, heads, layer, linear
from torch.nn import functional as F

CLEAR = 1e-5  # the least gradient, as a share of its tensor's largest, that sets a step of Adam

LEAKY = dict(batch_norm=True, activation="leaky-relu", hidden=())

CASES = {
    "transposed": dict(shape=[13, 11], kernel=4, steps=3),
    "channels_first": dict(shape=[3, 8, 8], kernel=4, hidden=(10,)),
    "channels_last": dict(
        shape=[9, 8, 3], kernel=4, layout="channels-last", likelihood="gaussian", sigma="pixel"),
    "nearest_norm": dict(
        shape=[27, 28], kernel=3, channels=(3, 4, 5), upsample="nearest", optimiser=SGD, **LEAKY),
    "residual_norm": dict(
        shape=[13, 11], kernel=4, residual=1, batch_norm=True, activation="silu", optimiser=SGD,
        steps=3),
    "residual": dict(shape=[2, 10, 9], kernel=4, residual=2),
    "series": dict(shape=[17, 2], kernel=4, layout="series", activation="tanh"),
    "series_nearest": dict(
        shape=[16], kernel=3, layout="series", upsample="nearest", likelihood="gaussian",
        sigma="learned"),
    # One map, whose step leaves two rows and a column over.
    "stride_3": dict(shape=[2, 9, 8], kernel=5, stride=3, channels=(6,), hidden=()),
    "plain": dict(shape=[12, 10], kernel=4, model="ae"),
    "iwae": dict(shape=[9, 9], kernel=3, particles=3, importance_weighted=True),
    "free_bits": dict(shape=[8, 8], kernel=3, upsample="nearest", free_bits=0.02),
    # Several blocks of rows, the last of them short.
    "blocks_norm": dict(
        shape=[13, 11], kernel=4, rows=70, batch_norm=True, activation="silu", optimiser=SGD),
}


def row(shape, layout):
    """Channels and sides of a row."""
    if layout == "series":
        sides, channels = shape[:1], shape[1:]
    elif layout == "channels-last":
        sides, channels = shape[:2], shape[2:]
    else:
        sides, channels = shape[-2:], shape[:-2]
    return math.prod(channels), sides


def geometry(sides, channels, kernel, stride):
    """The sides of the maps from the rows' on, and what transposed convolutions add to a side."""
    padding = (kernel - 1) // 2
    sizes, rests = [sides], []
    for _ in channels:
        spare = [side + 2 * padding - kernel for side in sizes[-1]]
        rests.append([side % stride for side in spare])
        sizes.append([side // stride + 1 for side in spare])
    return dict(
        channels=list(channels), kernel=kernel, stride=stride, padding=padding, sizes=sizes,
        output_padding=rests)


class Case(training.Case):
    def __init__(
        self, name, shape, kernel, stride=2, channels=(4, 6), layout="channels-first", residual=0,
        upsample="transposed", hidden=(7,), optimiser=ADAM, steps=1, **config
    ):
        self.steps = steps
        self.channels, sides = row(shape, layout)
        self.maps = geometry(sides, channels, kernel, stride) | dict(
            layout=layout, upsample=upsample, residual=residual)
        config |= dict(input_shape=shape, hidden=hidden, convolution=self.maps)
        super().__init__(name, config, optimiser)

    def ups(self):
        """Of each step of the decoder: its layers, channels in and out, the number of its sizes."""
        channels = [self.channels, *self.maps["channels"]]
        for i in reversed(range(len(channels) - 1)):
            names = [f"decoder.conv.{len(channels) - 2 - i}"] if i > 0 else self.outputs()
            yield names, channels[i + 1], channels[i], i

    def layers(self):
        sides, kernel = len(self.maps["sizes"][0]), self.maps["kernel"]
        last, area = self.maps["channels"][-1], math.prod(self.maps["sizes"][-1])

        def convolution(name, n, m, kernel):
            return layer(name, (m, n, *[kernel] * sides), m, n * kernel**sides)

        def up(name, n, m):
            if self.maps["upsample"] == "nearest":
                return convolution(name, n, m, 3)
            # PyTorch draws these weights by the channels that come out.
            return layer(name, (n, m, *[kernel] * sides), m, m * kernel**sides)

        def residual(part):
            for name in self.residuals(part):
                yield from self.normed(convolution(name, last, last, 3), last)

        channels = [self.channels, *self.maps["channels"]]
        for i, (n, m) in enumerate(zip(channels, channels[1:])):
            yield from self.normed(convolution(f"encoder.conv.{i}", n, m, kernel), m)
        yield from residual("encoder")
        sizes = [last * area, *self.hidden]
        yield from self.stack("encoder", sizes)
        yield from heads(linear(name, sizes[-1], LATENT) for name in self.latents())
        sizes = [LATENT, *reversed(self.hidden)]
        yield from self.stack("decoder", sizes)
        yield from self.normed(linear("decoder.expand", sizes[-1], last * area), last)
        yield from residual("decoder")
        for names, n, m, i in self.ups():
            if i > 0:
                yield from self.normed(up(names[0], n, m), m)
            else:
                yield from heads(up(name, n, m) for name in names)
        yield from self.own()

    def residuals(self, part):
        """The layers of its residual pairs, in order."""
        pairs = range(self.maps["residual"])
        return [f"{part}.residual.{j}.{half}" for j in pairs for half in range(2)]

    def residual(self, forward, part, x):
        names = self.residuals(part)
        for first, second in zip(names[::2], names[1::2]):
            h = forward.norm(first, convolve(forward, first, x, padding=1))
            h = convolve(forward, second, forward.activation(h), padding=1)
            x = forward.activation(x + forward.norm(second, h))
        return x

    def encode(self, forward, x):
        sizes = self.maps["sizes"]
        if self.maps["layout"] == "channels-first":
            h = x.reshape(-1, self.channels, *sizes[0])
        else:
            h = x.reshape(-1, *sizes[0], self.channels).movedim(-1, 1)
        for i in range(len(sizes) - 1):
            name = f"encoder.conv.{i}"
            h = convolve(forward, name, h, stride=self.maps["stride"], padding=self.maps["padding"])
            h = forward.activation(forward.norm(name, self.shift(forward, i, h)))
            assert list(h.shape[2:]) == sizes[i + 1], name
        h = self.residual(forward, "encoder", h)
        return super().encode(forward, torch.flatten(h, 1))

    def shift(self, forward, step, h):
        """What a conditional model adds to the sums of a step; see make_conditional.py."""
        return h

    def decode(self, forward, z):
        h = forward.stack("decoder", z, len(self.hidden))
        h = forward.linear("decoder.expand", h)
        h = h.reshape(-1, self.maps["channels"][-1], *self.maps["sizes"][-1])
        h = forward.activation(forward.norm("decoder.expand", h))
        h = self.residual(forward, "decoder", h)
        for names, _, _, i in self.ups():
            maps = [self.up(forward, name, h, i) for name in names]
            if i > 0:
                h = forward.activation(forward.norm(names[0], maps[0]))
        if self.maps["layout"] != "channels-first":
            maps = [h.movedim(1, -1) for h in maps]
        return [torch.flatten(h, 1) for h in maps]

    def up(self, forward, name, h, i):
        """From maps of sizes[i + 1] to those of sizes[i]."""
        to = self.maps["sizes"][i]
        if self.maps["upsample"] == "nearest":
            for axis, side in enumerate(to):
                have = h.shape[2 + axis]
                h = h.index_select(2 + axis, torch.arange(side) * have // side)
            return convolve(forward, name, h, padding=1)
        transposed = [F.conv_transpose1d, F.conv_transpose2d][len(to) - 1]
        h = transposed(
            h, forward.w[f"{name}.weight"], forward.w[f"{name}.bias"], stride=self.maps["stride"],
            padding=self.maps["padding"], output_padding=self.maps["output_padding"][i])
        assert list(h.shape[2:]) == to, name
        return h

    def train(self, steps, seed):
        made = super().train(steps, seed)
        if made is None or self.optimiser["rule"] != "adam":
            return made
        for gradient in made[1]["gradient"].values():
            size = abs(gradient)
            if ((size > 0) & (size < CLEAR * size.max())).any():
                return None
        return made


def convolve(forward, name, h, **geometry):
    weight, bias = forward.w[f"{name}.weight"], forward.w[f"{name}.bias"]
    return [F.conv1d, F.conv2d][weight.dim() - 3](h, weight, bias, **geometry)


def write(file, cases):
    tensors, metadata = {}, {}
    for number, made in enumerate(cases):
        own, described = training.run(made, made.steps, number)
        tensors[f"{made.name}.inputs"] = training.inputs(made.rows, made.width)
        for kind, parameters in own.items():
            tensors |= {f"{made.name}.{kind}.{k}": v for k, v in parameters.items()}
        metadata |= described
    (training.FOLDER / file).write_bytes(training.safetensors(tensors, metadata))


if __name__ == "__main__":
    torch.set_num_threads(1)
    training.FOLDER.mkdir(parents=True, exist_ok=True)
    write("convolution.safetensors", [Case(name, **options) for name, options in CASES.items()])

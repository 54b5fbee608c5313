"""Convolutional VAEs in PyTorch, as vae-model(5) has them; the models of vae.py's --conv."""
import json
import math

import torch
from torch import nn
from torch.nn import functional as F

ACTIVATIONS = {"relu": F.relu, "leaky-relu": F.leaky_relu, "silu": F.silu, "tanh": torch.tanh}


def configuration(
    shape, channels, kernel, stride, hidden, latent, upsample, batch_norm, activation
):
    """A model file's configuration for pictures (H, W) or (C, H, W)."""
    padding, sizes, rests = (kernel - 1) // 2, [list(shape[-2:])], []
    for _ in channels:
        spare = [side + 2 * padding - kernel for side in sizes[-1]]
        rests.append([side % stride for side in spare])
        sizes.append([side // stride + 1 for side in spare])
    maps = dict(
        channels=channels, kernel=kernel, stride=stride, padding=padding, upsample=upsample,
        residual=0, layout="channels-first", sizes=sizes, output_padding=rests)
    return dict(
        input_shape=list(shape), hidden=hidden, latent=latent, likelihood="bernoulli", beta=1.0,
        model="vae", activation=activation, batch_norm=batch_norm, convolution=maps)


class ConvolutionalVAE(nn.Module):
    """Rows are flat at both ends, as those of vae.VAE; the state_dict has a model file's names."""

    def __init__(self, config):
        super().__init__()
        maps = config["convolution"]
        self.config, self.maps = config, maps
        self.activation = ACTIVATIONS[config["activation"]]
        self.format = torch.contiguous_format
        sizes, hidden, latent = maps["sizes"], config["hidden"], config["latent"]
        self.channels = [math.prod(config["input_shape"]) // math.prod(sizes[0]), *maps["channels"]]
        flat = self.channels[-1] * math.prod(sizes[-1])

        def normed(layer, channels):
            layer.norm = nn.BatchNorm2d(channels) if config["batch_norm"] else nn.Identity()
            return layer

        def dense(widths):
            return {str(i): nn.Linear(n, m) for i, (n, m) in enumerate(zip(widths, widths[1:]))}

        def up(i):
            n, m = self.channels[i + 1], self.channels[i]
            if maps["upsample"] == "nearest":
                return nn.Conv2d(n, m, 3, padding=1)
            return nn.ConvTranspose2d(
                n, m, maps["kernel"], maps["stride"], maps["padding"], maps["output_padding"][i])

        self.encoder = nn.ModuleDict(dense([flat, *hidden]))
        self.encoder["conv"] = nn.ModuleList(
            normed(nn.Conv2d(n, m, maps["kernel"], maps["stride"], maps["padding"]), m)
            for n, m in zip(self.channels, self.channels[1:]))
        for head in ["mean", "logvar"]:
            self.encoder[head] = nn.Linear([flat, *hidden][-1], latent)
        self.decoder = nn.ModuleDict(dense([latent, *reversed(hidden)]))
        self.decoder["expand"] = normed(
            nn.Linear([latent, *reversed(hidden)][-1], flat), self.channels[-1])
        steps = range(len(self.channels) - 2, 0, -1)
        self.decoder["conv"] = nn.ModuleList(normed(up(i), self.channels[i]) for i in steps)
        self.decoder["output"] = up(0)

    def channels_last(self):
        """Keeps maps and weights in the order that convolutions on processors like best."""
        self.format = torch.channels_last
        return self.to(memory_format=torch.channels_last)

    def _dense(self, part, x):
        for i in range(len(self.config["hidden"])):
            x = self.activation(part[str(i)](x))
        return x

    def encode(self, x):
        x = x.reshape(-1, self.channels[0], *self.maps["sizes"][0])
        x = x.contiguous(memory_format=self.format)
        for layer in self.encoder["conv"]:
            x = self.activation(layer.norm(layer(x)))
        x = self._dense(self.encoder, x.flatten(1))
        return self.encoder["mean"](x), self.encoder["logvar"](x)

    def decode(self, z):
        """Logits."""
        sizes, expand = self.maps["sizes"], self.decoder["expand"]
        x = expand(self._dense(self.decoder, z)).reshape(-1, self.channels[-1], *sizes[-1])
        x = self.activation(expand.norm(x.contiguous(memory_format=self.format)))
        for layer, size in zip(self.decoder["conv"], sizes[-2:0:-1]):
            x = self.activation(layer.norm(layer(self._resized(x, size))))
        return self.decoder["output"](self._resized(x, sizes[0])).flatten(1)

    def _resized(self, x, size):
        return F.interpolate(x, size=size) if self.maps["upsample"] == "nearest" else x

    def forward(self, x):
        mean, logvar = self.encode(x)
        z = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        return self.decode(z), mean, logvar

    def save(self, path):
        from safetensors.torch import save_file

        tensors = {name: value.contiguous() for name, value in self.state_dict().items()
                   if not name.endswith("num_batches_tracked")}
        save_file(tensors, path, {
            "format": "pt", "vae-tools.kind": "vae", "vae-tools.config": json.dumps(self.config)})

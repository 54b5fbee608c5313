#!/usr/bin/env python3
"""Makes Tests/Goldens/models: models as PyTorch would write them, and what PyTorch makes of rows.

    python3 Tests/Goldens/make_models.py        # needs torch, numpy and safetensors

<model>.vae is the model; <model>-rows.npy goes into the encoder, <model>-means.npy and
<model>-logvars.npy come out; <model>-means.npy goes into the decoder, <model>-images.npy comes out.
`square` takes and gives rows of 36 values at either end; `normed` has batch normalisation, two
hidden layers, and a Gaussian with a log-variance a pixel.
"""
import json
from pathlib import Path

import noise
import numpy as np
import torch
from safetensors.torch import save
from torch import nn

FOLDER = Path(__file__).resolve().parent / "models"
MODELS = {
    "square": dict(input_shape=[6, 6], hidden=[8], latent=36, likelihood="bernoulli", beta=1.0),
    "normed": dict(
        input_shape=[2, 5], hidden=[7, 4], latent=3, likelihood="gaussian", sigma="pixel",
        beta=0.5, activation="silu", batch_norm=True),
}


def stack(config, sizes):
    layers = []
    for n, m in zip(sizes, sizes[1:]):
        layers.append(nn.Linear(n, m))
        if config.get("batch_norm"):
            layers.append(nn.BatchNorm1d(m))
        layers.append(nn.SiLU() if config.get("activation") == "silu" else nn.ReLU())
    return nn.Sequential(*layers)


def named(part, layers):
    """The parameters of a stack under the names of vae-model(5)."""
    index = -1
    for layer in layers:
        if isinstance(layer, nn.Linear):
            index += 1
            yield from ((f"{part}.{index}.{k}", v) for k, v in layer.named_parameters())
        elif isinstance(layer, nn.BatchNorm1d):
            for key in ["weight", "bias", "running_mean", "running_var"]:
                yield f"{part}.{index}.norm.{key}", getattr(layer, key)


def make(title, config):
    size, latent = int(np.prod(config["input_shape"])), config["latent"]
    pixel = config.get("sigma") == "pixel"
    encoder = stack(config, [size, *config["hidden"]])
    decoder = stack(config, [latent, *reversed(config["hidden"])])
    heads = {f"encoder.{k}": nn.Linear(config["hidden"][-1], latent) for k in ["mean", "logvar"]}
    for head in ["output"] + ["output_logvar"] * pixel:
        heads[f"decoder.{head}"] = nn.Linear(config["hidden"][0], size)
    tensors = dict(named("encoder", encoder)) | dict(named("decoder", decoder))
    for name, head in heads.items():
        tensors |= {f"{name}.{k}": v for k, v in head.named_parameters()}
    with torch.no_grad():
        for index, (name, value) in enumerate(sorted(tensors.items())):
            drawn = torch.tensor(noise.initial(index, tuple(value.shape), 0.5, 1))
            value.copy_(drawn + 1 if name.endswith(("norm.weight", "running_var")) else drawn)
        x = torch.tensor(noise.uniforms(70, size, 2, noise.SAMPLE))
        file = save({k: v.detach().clone() for k, v in sorted(tensors.items())}, {
            "format": "pt", "vae-tools.kind": "vae", "vae-tools.config": json.dumps(config)})
        wide = [part.double().eval() for part in [encoder, decoder, *heads.values()]]
        h = encoder(x.double())
        mean, logvar = wide[2](h), wide[3](h).clamp(-30, 20)
        image = wide[4](decoder(mean.float().double()))
        if config["likelihood"] == "bernoulli":
            image = image.sigmoid()
    (FOLDER / f"{title}.vae").write_bytes(file)
    for name, rows in dict(rows=x, means=mean, logvars=logvar, images=image).items():
        shape = [len(rows), *config["input_shape"]] if name in ["rows", "images"] else rows.shape
        np.save(FOLDER / f"{title}-{name}.npy", rows.numpy().astype("<f4").reshape(shape))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for title, config in MODELS.items():
        make(title, config)

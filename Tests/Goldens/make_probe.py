#!/usr/bin/env python3
"""Makes Tests/VAECoreTests/Goldens/probe*.safetensors: a probe by scikit-learn, a step by PyTorch.

    python3 Tests/Goldens/make_probe.py     # needs scikit-learn, torch, numpy, safetensors

probe.safetensors, computed in float64 and rounded to F32 at the end:

    rows        [40, 5]     of columns with unlike means and spreads
    labels      [40]        -2, 3 or 7
    weight      [3, 5]      LogisticRegression(C=2) of scikit-learn at its optimum
    bias        [3]

probe_tuned.safetensors, one step of an encoder 12-7-3 (rectified) under a head of 4 classes:

    inputs      [6, 12]
    classes     [6]         positions of the labels
    <name>      weights, named as in vae-model(5)
    loss        [6]         cross-entropy, in nats
    grad.<name> gradient of its mean
"""
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression

FOLDER = Path(__file__).resolve().parent.parent / "VAECoreTests" / "Goldens"


def save(name, tensors):
    tensors = {key: np.ascontiguousarray(value, dtype="<f4") for key, value in tensors.items()}
    path = FOLDER / f"{name}.safetensors"
    save_file(tensors, path)
    path.chmod(0o644)


def regression():
    random = np.random.default_rng(1)
    labels = random.choice([-2, 3, 7], 40)
    rows = random.normal(size=(40, 5)) + 0.5 * np.eye(8, 5)[labels % 8]
    rows = (rows * [1, 10, 0.1, 3, 1] + [0, 30, 1, -2, 5]).astype("f4")
    model = LogisticRegression(C=2, tol=1e-13, max_iter=100_000).fit(rows.astype("f8"), labels)
    save("probe", dict(rows=rows, labels=labels, weight=model.coef_, bias=model.intercept_))


def step():
    torch.manual_seed(3)
    layers = {
        "encoder.0": torch.nn.Linear(12, 7), "encoder.mean": torch.nn.Linear(7, 3),
        "head": torch.nn.Linear(3, 4),
    }
    inputs, classes = torch.rand(6, 12), torch.tensor([0, 3, 1, 1, 2, 0])
    tensors = dict(inputs=inputs, classes=classes)
    for name, layer in layers.items():
        for part, value in layer.named_parameters():
            tensors[f"{name}.{part}"] = value.detach().clone()
        layer.double()
    hidden = torch.relu(layers["encoder.0"](inputs.double()))
    logits = layers["head"](layers["encoder.mean"](hidden))
    loss = torch.nn.functional.cross_entropy(logits, classes, reduction="none")
    loss.mean().backward()
    tensors["loss"] = loss.detach()
    for name, layer in layers.items():
        for part, value in layer.named_parameters():
            tensors[f"grad.{name}.{part}"] = value.grad
    save("probe_tuned", {name: value.numpy() for name, value in tensors.items()})


regression()
step()

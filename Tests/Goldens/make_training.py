#!/usr/bin/env python3
"""Makes Tests/VAECoreTests/Goldens/vae_*.safetensors: one training step, and ten, by PyTorch.

    python3 Tests/Goldens/make_training.py        # needs torch and numpy; rewrites the same bytes

Every file is one tiny VAE. Weights, rows and noise are given (float32 numbers); everything else is
what PyTorch computes from them in float64, rounded to F32 at the end:

    inputs             [rows, input]
    eps                [rows, latent]   noise of the step whose gradients are kept (= eps.0)
    eps.0 ... eps.9    [rows, latent]   noise of the ten steps
    <name>             initial weights, named as in vae-model(5)
    mean, logvar, z    posterior of the inputs (log-variance clamped to [-30, 20]) and the draw
    output, decoded    the decoder's logits or means; what vae-decode writes for them
    grad.<name>        gradient of the loss
    step1.<name>, step10.<name>   weights after one and after ten steps of Adam (lr 1e-3)

__metadata__ holds the scalars as text, Double to the last digit: loss, recon and kl (nats per
example, mean over the rows; loss = recon + beta * kl), the same computed in float32 as loss.f32,
recon.f32 and kl.f32, losses (the ten losses before each step, separated by spaces), and what made
them: likelihood, sigma, beta, lr, hidden.
"""
import json
import math
import struct
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

FOLDER = Path(__file__).resolve().parent.parent / "VAECoreTests" / "Goldens"
ROWS, INPUT, LATENT, STEPS, RATE = 5, 12, 3, 10, 1e-3
LOGVAR = (-30.0, 20.0)

# Seeds chosen for few dead units and no tiny gradients: a relative tolerance then means something.
CASES = {
    "bernoulli": dict(seed=168, hidden=(7, 5), likelihood="bernoulli", beta=1.0),
    "gaussian": dict(seed=347, hidden=(7, 5), likelihood="gaussian", beta=4.0),
    "bernoulli_shallow": dict(seed=206, hidden=(7,), likelihood="bernoulli", beta=4.0),
    "gaussian_shallow": dict(seed=117, hidden=(7,), likelihood="gaussian", beta=1.0),
    "clamped": dict(seed=19, hidden=(7,), likelihood="bernoulli", beta=1.0, clamped=True),
}


def layers(hidden):
    """Name, inputs and outputs of every layer, encoder first."""
    sizes = [INPUT, *hidden]
    for i, (n, m) in enumerate(zip(sizes, sizes[1:])):
        yield f"encoder.{i}", n, m
    yield "encoder.mean", sizes[-1], LATENT
    yield "encoder.logvar", sizes[-1], LATENT
    sizes = [LATENT, *reversed(hidden)]
    for i, (n, m) in enumerate(zip(sizes, sizes[1:])):
        yield f"decoder.{i}", n, m
    yield "decoder.output", sizes[-1], INPUT


class Case:
    def __init__(self, seed, hidden, likelihood, beta, clamped=False):
        self.hidden, self.likelihood, self.beta = hidden, likelihood, beta
        random = np.random.default_rng(seed)
        self.weights = {}
        for name, n, m in layers(hidden):
            bound = 1 / math.sqrt(n)
            self.weights[f"{name}.weight"] = random.uniform(-bound, bound, (m, n))
            self.weights[f"{name}.bias"] = random.uniform(-bound, bound, m)
        self.inputs = random.uniform(0, 1, (ROWS, INPUT))
        if likelihood == "bernoulli":
            self.inputs[0, :4] = [0, 1, 0, 1]  # the ends count as data too
        else:
            self.inputs = 3 * self.inputs - 1
        self.noise = random.standard_normal((STEPS, ROWS, LATENT))
        if clamped:
            # The first latent lies above the upper bound in every row, the second lies on both
            # sides of the lower one. Little noise in the first keeps e^10 from swamping the rest.
            self.weights["encoder.logvar.bias"][:2] = [25, -30]
            self.noise[:, :, 0] *= 1e-4
        self.weights = {k: v.astype(np.float32) for k, v in self.weights.items()}
        self.inputs = self.inputs.astype(np.float32)
        self.noise = self.noise.astype(np.float32)

    def forward(self, w, x, eps):
        """All that a step computes, and how near it came to a kink (ReLU at 0, the clamp)."""
        distance = []

        def linear(name, h):
            return F.linear(h, w[f"{name}.weight"], w[f"{name}.bias"])

        def relu(h):
            distance.append(h.detach().abs().min().item())
            return F.relu(h)

        h = x
        for i in range(len(self.hidden)):
            h = relu(linear(f"encoder.{i}", h))
        mean, raw = linear("encoder.mean", h), linear("encoder.logvar", h)
        distance += [(raw - bound).detach().abs().min().item() for bound in LOGVAR]
        logvar = raw.clamp(*LOGVAR)
        z = mean + (logvar / 2).exp() * eps
        h = z
        for i in range(len(self.hidden)):
            h = relu(linear(f"decoder.{i}", h))
        output = linear("decoder.output", h)
        if self.likelihood == "bernoulli":
            recon = F.binary_cross_entropy_with_logits(output, x, reduction="none").sum(1)
            decoded = output.sigmoid()
        else:
            recon = ((x - output) ** 2).sum(1) / 2 + INPUT / 2 * math.log(2 * math.pi)
            decoded = output
        kl = (logvar.exp() - 1 - logvar + mean**2).sum(1) / 2
        recon, kl = recon.mean(), kl.mean()
        loss = recon + self.beta * kl
        tensors = dict(mean=mean, logvar=logvar, z=z, output=output, decoded=decoded)
        return dict(loss=loss, recon=recon, kl=kl), tensors, min(distance)

    def train(self, dtype):
        """The scalars and tensors of the file, computed in `dtype`."""
        x = torch.tensor(self.inputs, dtype=dtype)
        noise = torch.tensor(self.noise, dtype=dtype)
        w = {k: torch.tensor(v, dtype=dtype, requires_grad=True) for k, v in self.weights.items()}
        adam = torch.optim.Adam(w.values(), lr=RATE)
        kept, losses = {}, []
        for step in range(STEPS):
            adam.zero_grad()
            scalars, tensors, distance = self.forward(w, x, noise[step])
            assert distance > 1e-4, f"step {step} lies {distance} from a kink: choose another seed"
            scalars["loss"].backward()
            losses.append(scalars["loss"].item())
            if step == 0:
                first = {k: v.item() for k, v in scalars.items()}
                kept |= {k: v.detach().clone() for k, v in tensors.items()}
                kept |= {f"grad.{k}": v.grad.clone() for k, v in w.items()}
            adam.step()
            if step + 1 in (1, STEPS):
                kept |= {f"step{step + 1}.{k}": v.detach().clone() for k, v in w.items()}
        return first, losses, kept

    def write(self, path):
        scalars, losses, computed = self.train(torch.float64)
        single, _, _ = self.train(torch.float32)
        tensors = dict(self.weights, inputs=self.inputs, eps=self.noise[0])
        tensors |= {f"eps.{i}": eps for i, eps in enumerate(self.noise)}
        tensors |= {k: v.numpy().astype(np.float32) for k, v in computed.items()}
        metadata = {k: repr(v) for k, v in scalars.items()}
        metadata |= {f"{k}.f32": repr(v) for k, v in single.items()}
        metadata |= dict(
            losses=" ".join(map(repr, losses)), likelihood=self.likelihood, sigma="1.0",
            beta=repr(self.beta), lr=repr(RATE), hidden=",".join(map(str, self.hidden)))
        path.write_bytes(safetensors(tensors, metadata))


def safetensors(tensors, metadata):
    """The file's bytes. The safetensors package orders metadata at random; this repeats itself."""
    header, data = {"__metadata__": metadata}, b""
    for name, array in sorted(tensors.items()):
        assert np.isfinite(array).all(), name
        body = array.astype("<f4").tobytes()
        header[name] = dict(
            dtype="F32", shape=list(array.shape), data_offsets=[len(data), len(data) + len(body)])
        data += body
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


if __name__ == "__main__":
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, case in CASES.items():
        Case(**case).write(FOLDER / f"vae_{name}.safetensors")

#!/usr/bin/env python3
"""Makes the goldens of vae-import.

Needs numpy, torch and safetensors (made with torch 2.15); run it from anywhere:

    python3 Tests/Goldens/make_import.py

import/vae.pt vae.safetensors    a module with names of its own, as a state dictionary
import/normed.pt                 two hidden layers with batch normalisation, in a checkpoint
import/x.npy, z.npy              rows and latents
import/NAME-means.npy            what the modules make of them
import/NAME-images.npy
import/bad/*.pt                  files to refuse
"""

import io
import pathlib
import pickle
import zipfile

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = pathlib.Path(__file__).resolve().parent / "import"


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(12, 6)
        self.fc21 = nn.Linear(6, 3)
        self.fc22 = nn.Linear(6, 3)
        self.fc3 = nn.Linear(3, 6)
        self.fc4 = nn.Linear(6, 12)

    def encode(self, x):
        return self.fc21(torch.relu(self.fc1(x)))

    def decode(self, z):
        return torch.sigmoid(self.fc4(torch.relu(self.fc3(z))))


class Normed(nn.Module):
    """A plain autoencoder whose layers have the names of vae-model(5), but for `net.`."""

    def __init__(self):
        super().__init__()

        def layer(a, b):
            result = nn.Linear(a, b)
            result.norm = nn.BatchNorm1d(b)
            return result

        self.encoder = nn.ModuleDict(
            {"0": layer(12, 6), "1": layer(6, 5), "mean": nn.Linear(5, 3)})
        self.decoder = nn.ModuleDict(
            {"0": layer(3, 5), "1": layer(5, 6), "output": nn.Linear(6, 12)})

    def run(self, part, x, last):
        for index in "01":
            x = torch.tanh(part[index].norm(part[index](x)))
        return part[last](x)

    def encode(self, x):
        return self.run(self.encoder, x, "mean")

    def decode(self, z):
        return self.run(self.decoder, z, "output")


class Command:
    def __reduce__(self):
        import os

        return os.system, ("echo run > /tmp/vae-tools-import-ran",)


def archive(path, files, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in files.items():
            file.writestr(zipfile.ZipInfo(name), data, method)


def bad(state):
    """Archives that are wrong in one way each, made from a right one."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    with zipfile.ZipFile(buffer) as file:
        right = {name: file.read(name) for name in file.namelist()}
    folder = next(iter(right)).split("/")[0]
    out = FOLDER / "bad"
    out.mkdir(exist_ok=True)
    changed = lambda **files: {
        **right, **{f"{folder}/{name.replace('__', '/').replace('_', '.')}": data
                    for name, data in files.items()}}
    archive(out / "calls.pt", changed(data_pkl=pickle.dumps({"a": Command()}, 2)))
    archive(out / "calls-late.pt", changed(data_pkl=pickle.dumps({"a": Command()}, 4)))
    archive(out / "eval.pt", changed(data_pkl=b"c__builtin__\neval\nX\x03\x00\x00\x001+1\x85R."))
    archive(out / "bomb.pt", changed(data__0=bytes(1 << 24)), zipfile.ZIP_DEFLATED)
    archive(out / "short.pt", changed(data__0=right[f"{folder}/data/0"][:-4]))
    pickled = right[f"{folder}/data.pkl"]
    # The first size of the first tensor, 6, becomes 250.
    wide = pickled.replace(b"K\x06K\x0c\x86", b"K\xfaK\x0c\x86", 1)
    assert wide != pickled
    archive(out / "shape.pt", changed(data_pkl=wide))
    archive(out / "cut.pt", changed(data_pkl=pickled[:-1]))
    archive(out / "big.pt", changed(byteorder=b"big"))
    archive(out / "empty.pt", {})
    archive(out / "other.pt", {"readme": b"no tensors"})
    # A dictionary that holds itself, and one that a walk through would take 10 to the 8th steps.
    archive(out / "itself.pt", changed(data_pkl=b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."))
    tree = b"}q\x00"
    for level in range(8):
        others = b"".join(b"X\x01\x00\x00\x00%ch%c" % (98 + i, level) for i in range(9))
        tree = b"}q%c(X\x01\x00\x00\x00a" % (level + 1) + tree + others + b"u"
    archive(out / "tree.pt", changed(data_pkl=b"\x80\x02" + tree + b"."))
    # One storage many times over.
    many = {str(i): state["fc1.weight"].as_subclass(torch.Tensor) for i in range(100)}
    torch.save(many, out / "many.pt")
    torch.save({"fc1.weight": torch.zeros(1).expand(6, 12)}, out / "strides.pt")
    torch.save({"encoder.mean.weight": torch.zeros(3, 4, dtype=torch.half)}, out / "half.pt")
    torch.save(VAE(), out / "module.pt")
    torch.save(state, out / "legacy.pt", _use_new_zipfile_serialization=False)
    whole = buffer.getvalue()
    (out / "truncated.pt").write_bytes(whole[:-30])
    damaged = bytearray(whole)
    damaged[whole.index(right[f"{folder}/data/0"])] ^= 1
    (out / "checksum.pt").write_bytes(damaged)


def main():
    torch.manual_seed(5)
    FOLDER.mkdir(exist_ok=True)
    x, z = torch.rand(5, 12), torch.randn(5, 3)
    np.save(FOLDER / "x.npy", x.numpy())
    np.save(FOLDER / "z.npy", z.numpy())
    vae, normed = VAE(), Normed()
    normed.train()
    for _ in range(3):  # so that the running statistics are not those of the start
        normed.decode(normed.encode(torch.randn(20, 12)))
    for name, module in (("vae", vae), ("normed", normed)):
        module.eval()
        with torch.no_grad():
            np.save(FOLDER / f"{name}-means.npy", module.encode(x).numpy())
            np.save(FOLDER / f"{name}-images.npy", module.decode(z).numpy())
    torch.save(vae.state_dict(), FOLDER / "vae.pt")
    save_file(vae.state_dict(), FOLDER / "vae.safetensors")
    optimiser = torch.optim.Adam(normed.parameters(), lr=0)
    normed.encode(x).sum().backward()
    optimiser.step()  # changes nothing, but has something to keep
    torch.save({"net": normed.state_dict(), "epoch": 3, "loss": 1.5, "name": "normed",
                "optimizer": optimiser.state_dict()}, FOLDER / "normed.pt")
    bad(vae.state_dict())


main()

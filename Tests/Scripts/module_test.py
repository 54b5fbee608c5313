#!/usr/bin/env python3
"""Tests the module vae_tools against the tools in PATH: module_test.py FOLDER, with x.npy and m.vae.

What needs PyTorch is passed over where it is not installed.
"""

import io
import pathlib
import subprocess
import sys
import threading

import numpy as np

import vae_tools

folder = pathlib.Path(sys.argv[1])


def tool(*command, data=None):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def stream(array):
    sink = io.BytesIO()
    vae_tools.write(sink, array)
    return sink.getvalue()


def fails(error, data):
    try:
        vae_tools.read(io.BytesIO(data))
    except error:
        return
    raise AssertionError(f"expected {error}")


# What NumPy writes, byte for byte, and what the tools write.
rows = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
saved = io.BytesIO()
np.save(saved, rows)
assert stream(rows) == saved.getvalue()
assert np.array_equal(vae_tools.read(io.BytesIO(saved.getvalue() * 2)), np.concatenate([rows] * 2))
made = vae_tools.read(io.BytesIO(tool("randn", "5", "2", "3", "--seed", "1")))
assert made.shape == (5, 2, 3) and made.dtype == np.float32
assert tool("tensor-cat", data=stream(made)) == stream(made)
assert np.array_equal(vae_tools.read(folder / "x.npy"), np.load(folder / "x.npy"))
assert stream(rows.astype(np.float64)) == stream(rows)
assert tool("tensor-csv", data=stream(np.uint8([[1, 2], [3, 255]]))) == b"1,2\n3,255\n"

# Through a pipe, as the rows come: the first block before the last is written.
with subprocess.Popen(["tensor-cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
    def feed():
        for part in np.split(np.ones((10_000, 64), np.float32), 10):
            vae_tools.write(process.stdin, part)
        process.stdin.close()
    threading.Thread(target=feed).start()
    assert sum(len(block) for block in vae_tools.blocks(process.stdout, rows=300)) == 10_000

# Damaged streams.
fails(EOFError, stream(rows)[:-1])
fails(EOFError, b"")
fails(ValueError, b"no stream")
fails(ValueError, b"\x93NUMPY\x01\x00")

weights, metadata = vae_tools.tensors(folder / "m.vae")
assert weights["encoder.mean.weight"].shape[0] == 20 and metadata["format"] == "pt"

try:
    import torch
except ImportError:
    print("without PyTorch")
    sys.exit()

model = vae_tools.load(folder / "m.vae")
x = np.load(folder / "x.npy")
with torch.no_grad():
    mean = model.encode(torch.from_numpy(x))[0].numpy()
    images = model.decode(torch.from_numpy(mean)).numpy()
assert np.abs(mean - vae_tools.read(io.BytesIO(
    tool("vae-encode", folder / "m.vae", folder / "x.npy")))).max() < 1e-5
assert np.abs(images - vae_tools.read(io.BytesIO(
    tool("vae-decode", folder / "m.vae", data=stream(mean))))).max() < 1e-5

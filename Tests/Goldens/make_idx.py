#!/usr/bin/env python3
"""Makes idx/: a set of ten 6x5 images in MNIST's files, and what mnist-cat has to write for it.

Needs torch and numpy. Made with torch 2.13.0, numpy 2.4. The expected files are np.save's own
bytes; the normalisation is PyTorch's arithmetic.
"""

import gzip
import pathlib
import struct

import numpy as np
import torch

folder = pathlib.Path(__file__).parent / "idx"
folder.mkdir(exist_ok=True)
generator = np.random.default_rng(20)
images = generator.integers(0, 256, (10, 6, 5), dtype=np.uint8)
images[0].flat[:2] = 0, 255
labels = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], dtype=np.uint8)


def idx(array):
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}i", *array.shape)
    return header + array.tobytes()


# The names and wrappings that are met.
(folder / "train-images-idx3-ubyte").write_bytes(idx(images))
(folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels), mtime=0))
(folder / "t10k-images.idx3-ubyte.gz").write_bytes(gzip.compress(idx(images[:4]), mtime=0))
(folder / "t10k-labels.idx1-ubyte").write_bytes(idx(labels[:4]))

unit = torch.from_numpy(images).float().div(255)
kept = np.isin(labels, [1, 5])
expected = {
    "images": images,
    "labels": labels,
    "limited": images[:3],
    "none": images[:0],
    "classes": images[kept],
    "classes-labels": labels[kept],
    "classes-limited": images[kept][:2],
    "float": unit.numpy(),
    "normalized": unit.clone().sub_(torch.tensor(0.1307)).div_(torch.tensor(0.3081)).numpy(),
    "test": images[:4],
    "test-labels": labels[:4],
}
for name, array in expected.items():
    np.save(folder / f"{name}.npy", array)

#!/usr/bin/env python3
"""Makes the goldens of the tensor-stream and safetensors tests.

Needs numpy (any version from 1.23) and safetensors; run it from anywhere:

    python3 Tests/Goldens/make_streams.py

npy-headers.txt   TYPE SHAPE LENGTH TEXT
                                     the header that np.save writes: its bytes in all, and its
                                     text, which spaces and one newline fill up
npy-arrays.txt    NAME HEX VALUES    a file that np.save writes; its values as float32 in C order,
                                     big-endian hexadecimal (u1 not divided by 255)
rows.npy.gz                          (100, 10) f4, compressed
python.safetensors                   a file of the Python package, several types
"""

import gzip
import io
import pathlib

import numpy as np
from safetensors.numpy import save

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "VAECoreTests" / "Goldens"


def saved(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def headers():
    shapes = [(0,), (1,), (5,), (10, 3), (0, 784), (60000, 28, 28), (7, 1, 1, 1), (3, 2, 4, 1, 5)]
    # Around the lengths at which the padding wraps.
    shapes += [(10**n,) for n in range(1, 13)] + [(2,) + (10**n,) * 2 for n in range(4)]
    shapes += [(1,) * n for n in range(2, 24)]
    for number, shape in enumerate(shapes):
        code = "<f4" if number % 2 else "|u1"
        file = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            file, {"descr": code, "fortran_order": False, "shape": shape})
        header = file.getvalue()
        if np.prod(shape, dtype=float) < 1e6:
            assert saved(np.zeros(shape, code)).startswith(header)
        text = header[10:].decode().rstrip()
        filled = (text.ljust(len(header) - 11) + "\n").encode()
        assert header == b"\x93NUMPY\1\0" + len(filled).to_bytes(2, "little") + filled
        yield f"{code} {','.join(map(str, shape))} {len(header)} {text}"


def arrays():
    random = np.random.default_rng(7)
    for order in "<>":
        for code in "u1 i1 b1 i2 i4 i8 u2 u4 u8 f2 f4 f8".split():
            for layout, shape in (("C", (3, 2)), ("F", (2, 3, 2))):
                kind = np.dtype(code).kind
                if kind == "f":
                    values = random.normal(size=shape) * 100
                elif kind == "b":
                    values = random.integers(0, 2, shape)
                else:
                    info = np.iinfo(code)
                    values = random.integers(info.min, info.max, shape, np.dtype(code), True)
                array = np.asarray(values, dtype=order + code, order=layout)
                floats = np.ascontiguousarray(array).astype(">f4").tobytes().hex()
                yield f"{order}{code}-{layout} {saved(array).hex()} {floats}"


def main():
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "npy-headers.txt").write_text("\n".join(headers()) + "\n")
    (FOLDER / "npy-arrays.txt").write_text("\n".join(arrays()) + "\n")
    rows = np.resize(np.arange(10, dtype="<f4"), (100, 10))
    (FOLDER / "rows.npy.gz").write_bytes(gzip.compress(saved(rows), mtime=0))
    tensors = {
        "encoder.0.weight": np.arange(6, dtype="<f4").reshape(2, 3) / 4,
        "encoder.0.bias": np.array([-1.5, 2.5], "<f4"),
        "empty": np.zeros((0, 4), "<f4"),
        "scalar": np.array(3, "<f4"),
        "steps": np.arange(3, dtype="<i8"),
        "half": np.arange(4, dtype="<f2"),
    }
    metadata = {"format": "pt", "vae-tools.config": '{"path":"a/b","\u03b2":1}'}
    (FOLDER / "python.safetensors").write_bytes(save(tensors, metadata))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes the goldens of the PNG reader and the resampler.

Needs numpy and pillow; run it from anywhere. Made with Pillow 13.0.0.

pictures.txt   NAME WIDTH HEIGHT CHANNELS PNG SAMPLES
                   a PNG file of every kind that there is, and its samples as 8-bit (height, width,
                   channels), both hexadecimal
netpbm.txt     NAME WIDTH HEIGHT CHANNELS FILE SAMPLES
                   the same of Netpbm files, P5 and P6, as Pillow reads them
resized.txt    CHANNELS WIDTH HEIGHT BYTES WIDTH HEIGHT BYTES
                   samples, and what Pillow's BILINEAR makes of them in another size
"""

import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "VAECoreTests" / "Goldens"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# x start, y start, x step, y step of the seven passes of Adam7
PASSES = [
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
    (0, 1, 1, 2),
]


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed(samples, depth):
    """The lines of samples (H, W, C), each after the filter type 0."""
    lines = b""
    for line in samples.reshape(len(samples), -1):
        if depth == 16:
            line = line.astype(">u2").tobytes()
        else:
            bits = (line[:, None] >> np.arange(depth)[::-1]) & 1
            line = np.packbits(bits.astype(np.uint8)).tobytes()
        lines += b"\0" + line
    return lines


def png(samples, depth, colour, interlaced=False, extra=b""):
    height, width, _ = samples.shape
    parts = [samples]
    if interlaced:
        parts = [samples[y::down, x::across] for x, y, across, down in PASSES]
    data = b"".join(packed(part, depth) for part in parts if part.size)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
        + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    )


def eight_bits(samples, depth):
    top = 2**depth - 1
    return ((samples.astype(np.int64) * 255 + top // 2) // top).astype(np.uint8)


def line(name, file, expected):
    height, width, channels = expected.shape
    return f"{name} {width} {height} {channels} {file.hex()} {expected.tobytes().hex()}"


def pictures(rng):
    kinds = [(0, depth) for depth in (1, 2, 4, 8, 16)]
    kinds += [(colour, depth) for colour in (2, 4, 6) for depth in (8, 16)]
    for colour, depth in kinds:
        for interlaced in (False, True):
            shape = (5, 7, CHANNELS[colour])
            samples = rng.integers(0, 2**depth, shape).astype(np.uint16)
            name = f"colour{colour}-depth{depth}" + ("-interlaced" if interlaced else "")
            yield line(name, png(samples, depth, colour, interlaced), eight_bits(samples, depth))
    palette = rng.integers(0, 256, (4, 3)).astype(np.uint8)
    alpha = np.array([0, 128, 255], np.uint8)  # the fourth colour is opaque
    samples = rng.integers(0, 4, (5, 7, 1)).astype(np.uint16)
    plte = chunk(b"PLTE", palette.tobytes())
    yield line("palette", png(samples, 2, 3, extra=plte), palette[samples[..., 0]])
    trns = chunk(b"tRNS", alpha.tobytes())
    colours = np.hstack([palette, np.append(alpha, 255)[:, None]]).astype(np.uint8)
    yield line(
        "palette-alpha", png(samples, 2, 3, extra=plte + trns), colours[samples[..., 0]])
    # A grey that counts as transparent.
    samples = rng.integers(0, 4, (4, 3, 1)).astype(np.uint16)
    greys = eight_bits(samples, 2)
    clear = np.where(samples == 2, 0, 255).astype(np.uint8)
    yield line(
        "transparent-grey", png(samples, 2, 0, extra=chunk(b"tRNS", struct.pack(">H", 2))),
        np.concatenate([greys, clear], 2))


def netpbm(rng):
    headers = {
        "plain": "{magic}\n{width} {height}\n{top}\n",
        "comments": "{magic} # a # b\n#\n{width}\t#c\n {height}\r\n#d\n{top}\n",
    }
    for magic, channels in (("P5", 1), ("P6", 3)):
        for top in (1, 15, 255, 999, 65535):
            for name, header in headers.items():
                samples = rng.integers(0, top + 1, (5, 7, channels))
                file = header.format(magic=magic, width=7, height=5, top=top).encode()
                file += samples.astype(">u2" if top > 255 else "u1").tobytes()
                pixels = np.asarray(Image.open(io.BytesIO(file))).reshape(5, 7, channels)
                if pixels.dtype != np.uint8:  # greys of 16 bits
                    pixels = eight_bits(pixels, 16)
                yield line(f"{magic}-{top}-{name}", file, pixels)


def resized(rng):
    modes = {1: "L", 3: "RGB", 4: "RGBA"}
    for channels, (width, height), (to_width, to_height) in [
        (1, (9, 7), (4, 3)), (1, (4, 3), (9, 7)), (1, (13, 5), (6, 11)), (3, (8, 8), (3, 5)),
        (3, (3, 2), (7, 6)), (1, (6, 6), (1, 1)), (1, (1, 1), (3, 2)), (4, (9, 6), (4, 4)),
    ]:
        samples = rng.integers(0, 256, (height, width, channels)).astype(np.uint8)
        if channels == 4:  # far from 0, where little would be left to compare
            samples[..., 3] |= 0x80
        image = Image.fromarray(samples.squeeze(2) if channels == 1 else samples, modes[channels])
        result = np.asarray(image.resize((to_width, to_height), Image.Resampling.BILINEAR))
        yield (
            f"{channels} {width} {height} {samples.tobytes().hex()} "
            f"{to_width} {to_height} {result.tobytes().hex()}")


def main():
    rng = np.random.default_rng(6)
    (FOLDER / "pictures.txt").write_text("\n".join(pictures(rng)) + "\n")
    rows = "\n".join(netpbm(np.random.default_rng(8)))
    (FOLDER / "netpbm.txt").write_text(rows + "\n")
    (FOLDER / "resized.txt").write_text("\n".join(resized(rng)) + "\n")


if __name__ == "__main__":
    main()

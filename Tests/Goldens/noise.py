"""The random numbers of vae-tools in NumPy: what Sources/CKernels/random.c computes, written from
its definition alone, so that scripts can feed PyTorch the noise that the engine draws.

Row r, column c of a matrix is a pure function of (seed, purpose, step, r, c): word c % 4 of the
Philox4x32-10 block (Salmon et al., SC 2011) with key `seed` and counter
(layer << 24 | c // 4, r low, step, r high << 8 | purpose).
"""
import numpy as np

SAMPLE, INITIALISE, SHUFFLE, LATENT, EVALUATE, DRAW, SPLIT, DICTIONARY, DROPOUT, BINARISE = range(10)
MASK = np.uint64(0xFFFFFFFF)


def philox(counter, seed):
    """Ten rounds over counters [..., 4] of uint32."""
    c = [counter[..., i].astype(np.uint64) for i in range(4)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        k = [np.uint64(x) for x in key]
        c = [p1 >> np.uint64(32) ^ c[1] ^ k[0], p1 & MASK, p0 >> np.uint64(32) ^ c[3] ^ k[1],
             p0 & MASK]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(c, axis=-1).astype(np.uint32)


def words(rows, columns, seed, purpose, step=0, first_row=0, layer=0):
    """uint32 [rows, columns rounded up to a multiple of 4]."""
    blocks = (columns + 3) // 4
    counter = np.zeros((rows, blocks, 4), np.uint32)
    row = first_row + np.arange(rows, dtype=np.uint64)[:, None]
    counter[..., 0] = (layer << 24) + np.arange(blocks)
    counter[..., 1] = row & MASK
    counter[..., 2] = step
    counter[..., 3] = row >> np.uint64(32) << np.uint64(8) | np.uint64(purpose)
    return philox(counter, seed).reshape(rows, 4 * blocks)


def normals(rows, columns, seed, purpose, step=0, first_row=0):
    """Box and Muller: words (a, b) give √(−2 ln u)·(cos, sin)(2πb/2³²), u = (a + ½)/2³² in float32."""
    w = words(rows, columns, seed, purpose, step, first_row)
    u = w[:, 0::2].astype(np.float32) * np.float32(2**-32) + np.float32(2**-33)
    radius = np.sqrt(-2 * np.log(np.minimum(u, 1).astype(np.float64)))
    angle = 2 * np.pi * w[:, 1::2].astype(np.float64) / 2**32
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return pairs.reshape(rows, -1)[:, :columns]


def uniforms(rows, columns, seed, purpose, step=0, first_row=0, layer=0):
    """The upper 24 bits, as a fraction: exact in float32."""
    w = words(rows, columns, seed, purpose, step, first_row, layer)[:, :columns]
    return (w >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


def initial(index, shape, bound, seed):
    """Parameter number `index`, drawn from U(−bound, bound): each value takes 64 bits of the stream
    of row `index` and keeps the upper 24."""
    count = int(np.prod(shape))
    w = words(1, 2 * count, seed, INITIALISE, first_row=index)[0, 1 : 2 * count : 2]
    u = (w >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)
    return ((2 * u - 1) * np.float32(bound)).astype(np.float32).reshape(shape)

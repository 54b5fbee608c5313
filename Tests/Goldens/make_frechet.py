#!/usr/bin/env python3
"""Makes the goldens of frechet.

Needs numpy and scipy (made with scipy 1.17); run it from anywhere:

    python3 Tests/Goldens/make_frechet.py

frechet/NAME-a.npy, NAME-b.npy   f4 rows
frechet/distances.txt            NAME DISTANCE, the second by scipy.linalg.sqrtm

full       more rows than values
flat       rows in a plane of a space of 9 dimensions, turned by a rotation; the distance is that in
           the plane, where the covariances have roots
few        fewer rows than values; the root by singular values, as sqrtm does not stand singular
           matrices
"""

import pathlib

import numpy as np
from scipy.linalg import sqrtm

FOLDER = pathlib.Path(__file__).resolve().parent / "frechet"


def moments(rows):
    rows = rows.astype(np.float64)
    return rows.mean(0), np.cov(rows, rowvar=False)


def distance(a, b):
    (m, A), (n, B) = moments(a), moments(b)
    root = sqrtm(A @ B)
    return ((m - n) ** 2).sum() + np.trace(A + B - 2 * root.real)


def distance_of_few(a, b):
    (m, A), (n, B) = moments(a), moments(b)
    # The covariance is the transpose of these, times these.
    roots = [(x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (a.astype(float), b.astype(float))]
    root = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    return ((m - n) ** 2).sum() + np.trace(A) + np.trace(B) - 2 * root


def main():
    random = np.random.default_rng(3)
    FOLDER.mkdir(exist_ok=True)
    lines = []

    def golden(name, a, b, value):
        np.save(FOLDER / f"{name}-a.npy", a.astype(np.float32))
        np.save(FOLDER / f"{name}-b.npy", b.astype(np.float32))
        lines.append(f"{name} {value:.12g}\n")

    a = (random.normal(size=(200, 6)) @ random.normal(size=(6, 6)) + 1).astype(np.float32)
    b = (random.normal(size=(90, 6)) @ random.normal(size=(6, 6))).astype(np.float32)
    golden("full", a, b, distance(a, b))

    # A turn by quarters keeps every bit: values are copied to other dimensions.
    turn = np.zeros((2, 9))
    turn[0, 6], turn[1, 3] = 1, -1
    a, b = a[:50, :2], b[:50, :2]
    golden("flat", a @ turn, b @ turn, distance(a, b))

    a = random.normal(size=(5, 20)).astype(np.float32)
    b = random.normal(size=(9, 20)).astype(np.float32)
    golden("few", a, b, distance_of_few(a, b))
    (FOLDER / "distances.txt").write_text("".join(lines))


main()

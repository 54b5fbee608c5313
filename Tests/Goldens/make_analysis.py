#!/usr/bin/env python3
"""Makes the goldens of the tests of PCA and t-SNE.

Needs numpy and scikit-learn (made with 1.9; any version from 1.5); run it from anywhere:

    python3 Tests/Goldens/make_analysis.py

analysis-rows.npy       (60, 7) f4    the rows
pca-projected.npy       (60, 3) f4    PCA(3), svd_solver="full"
pca-whitened.npy        (60, 3) f4    the same, whitened
pca-variance.npy        (3, 2) f4     explained variance, and its ratio
tsne-joint.npy          (60, 60) f4   joint probabilities, perplexity 5, over 16 neighbours
tsne-layout.npy         (60, 2) f4    points
tsne-gradient.npy       (60, 2) f4    the gradient there, exact
tsne-divergence.npy     (1,) f4       the Kullback-Leibler divergence there
"""

import pathlib

import numpy as np
from scipy.spatial.distance import squareform
from sklearn.decomposition import PCA
from sklearn.manifold import _t_sne
from sklearn.neighbors import NearestNeighbors

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "VAECoreTests" / "Goldens"


def save(name, array):
    np.save(FOLDER / f"{name}.npy", np.asarray(array).astype(np.float32))


def main():
    random = np.random.default_rng(7)
    rows = random.normal(size=(60, 7)) @ random.normal(size=(7, 7)) + 3
    rows = rows.astype(np.float32)
    save("analysis-rows", rows)

    exact = rows.astype(np.float64)
    pca = PCA(3, svd_solver="full")
    save("pca-projected", pca.fit_transform(exact))
    save("pca-variance", np.stack([pca.explained_variance_, pca.explained_variance_ratio_], 1))
    save("pca-whitened", PCA(3, svd_solver="full", whiten=True).fit_transform(exact))

    distances = NearestNeighbors(n_neighbors=16).fit(exact).kneighbors_graph(mode="distance")
    distances.data **= 2
    joint = _t_sne._joint_probabilities_nn(distances, 5, 0).toarray()
    save("tsne-joint", joint)
    layout = random.normal(size=(60, 2)).astype(np.float32)
    save("tsne-layout", layout)
    divergence, gradient = _t_sne._kl_divergence(
        layout.astype(np.float64).ravel(), np.maximum(squareform(joint), 1e-300), 1, 60, 2)
    save("tsne-gradient", gradient.reshape(60, 2))
    save("tsne-divergence", [divergence])


main()

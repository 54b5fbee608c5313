#!/usr/bin/env python3
"""Measures sparse-code against SPAMS and scikit-learn in one interleaved run. Started by
Scripts/bench; prints tables and writes them with the raw figures to --out.

The peers are timed inside this process, on arrays in memory, without what they import or convert.
sparse-code is timed as a process: start, reading the rows and the dictionary, coding, certifying
and writing the codes. Objectives and gaps are recomputed here in double precision.
"""
import argparse
import json
import os
import subprocess
import time
import warnings

import numpy as np
import spams
from safetensors.numpy import load_file
from sklearn.decomposition import MiniBatchDictionaryLearning, sparse_encode

from measure import Failed, median, say, take_turns
from report import table
from setting import HERE, Setting

SUBSET = 2000  # rows that scikit-learn codes; its time is scaled up
TOLERANCE = 1e-6


def certificate(rows, atoms, codes, lam):
    """Mean objective, worst relative duality gap and rows above the tolerance, in float64."""
    objective, worst, above = 0.0, 0.0, 0
    atoms = atoms.astype(np.float64)
    for first in range(0, len(rows), 10000):
        x = rows[first:first + 10000].astype(np.float64)
        a = codes[first:first + 10000].astype(np.float64)
        r = x - a @ atoms
        c = np.abs(r @ atoms.T).max(1)
        xx, rr = (x * x).sum(1), (r * r).sum(1)
        with np.errstate(all="ignore"):
            s = np.clip((r * x).sum(1) / rr, -lam / c, lam / c)
        s = np.where(np.isfinite(s), s, 0)
        primal = 0.5 * rr + lam * np.abs(a).sum(1)
        gap = primal - 0.5 * xx + 0.5 * ((x - s[:, None] * r) ** 2).sum(1)
        relative = np.where(xx > 0, gap / np.maximum(0.5 * xx, 1e-300), 0)
        objective += primal.sum()
        worst = max(worst, relative.max())
        above += int((relative > TOLERANCE).sum())
    return objective / len(rows), worst, above


def timed(body):
    started = time.perf_counter()
    result = body()
    return time.perf_counter() - started, result


class Bench(Setting):
    def __init__(self, args):
        super().__init__(args)
        self.kept = {}  # what a contestant last returned, for its certificate

    # Data

    def latents(self):
        if self.args.latents:
            return os.path.abspath(self.args.latents)
        if not os.path.exists(self.path("latents.npy")):
            stage = self.tool("vae-encode", self.model(), self.images("train"))
            self.run([stage], stdout="latents.npy")
        return "latents.npy"

    def pixels(self):
        """The training images as floats in [0, 1], flat."""
        if not os.path.exists(self.path("pixels.npy")):
            images = np.load(self.path(self.images("train")))
            if images.dtype == np.uint8:
                images = images.astype(np.float32) / 255
            np.save(self.path("pixels.npy"), images.reshape(len(images), -1))
        return "pixels.npy"

    def dictionary(self, name, data, atoms, lam):
        """Learned by sparse-code, for all to code with; (file, atoms as an array)."""
        if not os.path.exists(self.path(name)):
            self.run([self.tool("sparse-code", "-k", atoms, "-l", lam, "--epochs", 3, "-q", "-o",
                                name, data)])
        return name, np.ascontiguousarray(load_file(self.path(name))["atoms"], dtype=np.float32)

    # Contestants: functions that give the seconds of one turn

    def ours(self, label, data, name, lam, threads, solver=None):
        stage = self.tool("sparse-code", "-d", name, "-l", lam, "--threads", threads, "-q", data)
        if solver:
            stage[-1:-1] = ["--solver", solver]

        def turn():
            seconds, _ = self.run([stage])
            return [seconds]

        self.kept[label] = stage
        return turn

    def keep(self, label, body, scale=1.0):
        def turn():
            seconds, codes = timed(body)
            self.kept[label] = codes
            return [seconds * scale]
        return turn

    def coding(self, title, data, atoms, lam):
        say(title)
        rows = np.load(os.path.join(self.scratch, data)).astype(np.float32)
        name, dictionary = self.dictionary(f"{atoms}-{rows.shape[1]}.dict", data, atoms, lam)
        columns, fortran = np.asfortranarray(rows.T), np.asfortranarray(dictionary.T)
        start = self._zeros(atoms, len(rows))
        subset, scale = rows[:SUBSET], len(rows) / min(SUBSET, len(rows))
        contestants = {}
        for threads in sorted({1, self.args.threads}):
            many = f"{threads} thread" + "s" * (threads > 1)
            contestants[f"sparse-code, {many}"] = self.ours(
                f"sparse-code, {many}", data, name, lam, threads)
            contestants[f"SPAMS LARS, {many}"] = self.keep(
                f"SPAMS LARS, {many}", lambda threads=threads: spams.lasso(
                    columns, D=fortran, lambda1=lam, mode=2, numThreads=threads))
            contestants[f"SPAMS CD, {many}"] = self.keep(
                f"SPAMS CD, {many}", lambda threads=threads: spams.cd(
                    columns, fortran, start, lambda1=lam, mode=2, itermax=1000, tol=1e-3,
                    numThreads=threads))
        for algorithm in ["lasso_cd", "lasso_lars"]:
            label = f"scikit-learn {algorithm} (of {len(subset)} rows)"
            contestants[label] = self.keep(label, lambda algorithm=algorithm: sparse_encode(
                subset, dictionary, algorithm=algorithm, alpha=lam, max_iter=1000, n_jobs=1,
                check_input=False), scale)
        samples, failures = take_turns(contestants, self.args.rounds)
        return self._table(title, rows, dictionary, lam, samples, failures)

    @staticmethod
    def _zeros(atoms, rows):
        import scipy.sparse
        return scipy.sparse.csc_matrix((atoms, rows), dtype=np.float32)

    def _codes(self, label):
        codes = self.kept[label]
        if isinstance(codes, list):  # a command
            self.run([codes], stdout="codes.npy")
            return np.load(self.path("codes.npy"))
        return codes if isinstance(codes, np.ndarray) else np.ascontiguousarray(codes.T.toarray())

    def _table(self, title, rows, dictionary, lam, samples, failures):
        medians = {name: median(values) for name, values in samples.items()}
        lines, figures = [], {}
        for name, values in samples.items():
            if not values:
                lines.append([f"{name} (failed: {failures.get(name, '')[:60]})"] + [""] * 6)
                continue
            codes = self._codes(name)
            objective, worst, above = certificate(rows[:len(codes)], dictionary, codes, lam)
            if len(codes) < len(rows):
                objective = ""  # of other rows
            nonzeros = float((codes != 0).sum(1).mean())
            threads = self.args.threads if f"{self.args.threads} thread" in name else 1
            own = medians.get(f"sparse-code, {threads} thread" + "s" * (threads > 1))
            lines.append([name, medians[name], medians[name] / own if own else "", nonzeros,
                          f"{objective:.7g}" if objective else "", f"{worst:.1e}", above])
            figures[name] = dict(seconds=values, objective=objective, worst_gap=worst,
                                 rows_above=above, nonzeros=nonzeros)
        header = ["", "median s", "÷ sparse-code", "non-zeros", "objective", "worst gap",
                  f"rows > {TOLERANCE:g}"]
        note = ("sparse-code as a whole process, the peers in memory; ratios at equal threads. "
                "Gaps are of ½‖x‖², in double precision.")
        return table(title, header, lines, note), figures

    # Learning

    def learning(self, data, atoms, lam):
        title = f"Learning {atoms} atoms, λ = {lam:g}"
        say(title)
        rows = np.load(os.path.join(self.scratch, data)).astype(np.float32)
        columns, batch = np.asfortranarray(rows.T), 512
        contestants, learned = {}, {}

        def ours(threads, epochs):
            label = f"sparse-code, {epochs} epochs, {threads} thread" + "s" * (threads > 1)
            stage = self.tool("sparse-code", "-k", atoms, "-l", lam, "--epochs", epochs,
                              "--learn-tol", 0, "--threads", threads, "-q", "-o", "l.dict", data)

            def turn():
                seconds, _ = self.run([stage])
                learned[label] = load_file(self.path("l.dict"))["atoms"]
                return [seconds]
            contestants[label] = turn

        def peer(threads):
            label = f"SPAMS trainDL, 5 epochs, {threads} thread" + "s" * (threads > 1)

            def turn():
                seconds, found = timed(lambda: spams.trainDL(
                    columns, K=atoms, lambda1=lam, mode=2, batchsize=batch,
                    iter=5 * len(rows) // batch, numThreads=threads, verbose=False))
                learned[label] = np.ascontiguousarray(found.T)
                return [seconds]
            contestants[label] = turn

        for threads in sorted({1, self.args.threads}):
            for epochs in [1, 2, 5]:
                ours(threads, epochs)
            peer(threads)
        samples, failures = take_turns(contestants, min(self.args.rounds, 3))

        def scikit():
            return MiniBatchDictionaryLearning(
                n_components=atoms, alpha=lam, max_iter=1, batch_size=batch, tol=0,
                fit_algorithm="cd", transform_algorithm="lasso_cd",
                random_state=0).fit(rows).components_

        if not self.args.quick:
            label = "scikit-learn MiniBatchDictionaryLearning, 1 epoch"
            seconds, found = timed(scikit)
            samples[label], learned[label] = [seconds], found
        lines, figures = [], {}
        for name, values in samples.items():
            if not values:
                lines.append([f"{name} (failed: {failures.get(name, '')[:60]})", "", ""])
                continue
            objective = self._objective(data, rows, learned[name], lam)
            lines.append([name, median(values), f"{objective:.5g}"])
            figures[name] = dict(seconds=values, objective=objective)
        note = ("The mean objective of all rows under the dictionary, coded to the minimum. The "
                "time of sparse-code includes the start, and coding and writing all rows.")
        return table(title, ["", "median s", "objective"], lines, note), figures

    def _objective(self, data, rows, atoms, lam):
        """The objective at the minimum, through sparse-code and its certificate."""
        from safetensors.numpy import save_file
        atoms = atoms / np.linalg.norm(atoms, axis=1, keepdims=True)
        config = {"row_shape": [rows.shape[1]], "options": {
            "lambda": lam, "nonnegative": False, "solver": "homotopy", "tolerance": TOLERANCE}}
        save_file({"atoms": np.ascontiguousarray(atoms, dtype=np.float32)},
                  self.path("peer.dict"),
                  metadata={"vae-tools.kind": "dictionary", "vae-tools.config": json.dumps(config)})
        self.run([self.tool("sparse-code", "-d", "peer.dict", "-q", data)], stdout="codes.npy")
        return certificate(rows, atoms, np.load(self.path("codes.npy")), lam)[0]

    def recovery(self):
        """Known atoms found again."""
        lines, figures = [], {}
        for atoms, width, sparsity in [(64, 20, 3), (128, 64, 5), (256, 100, 8)]:
            random = np.random.default_rng(0)
            truth = random.standard_normal((atoms, width))
            truth /= np.linalg.norm(truth, axis=1, keepdims=True)
            codes = np.zeros((20000, atoms))
            for row in codes:
                row[random.choice(atoms, sparsity, replace=False)] = random.standard_normal(
                    sparsity)
            rows = codes @ truth
            rows += 0.01 * rows.std() * random.standard_normal(rows.shape)
            np.save(self.path("mixtures.npy"), rows.astype(np.float32))
            seconds, _ = self.run([self.tool(
                "sparse-code", "-k", atoms, "-l", 0.1, "-q", "-o", "r.dict", "mixtures.npy")])
            cosines = np.abs(truth @ load_file(self.path("r.dict"))["atoms"].T).max(1)
            share = float((cosines > 0.99).mean())
            lines.append([f"{atoms} atoms of {width} values, {sparsity} a row",
                          f"{100 * share:.1f} %", seconds])
            figures[f"{atoms}x{width}"] = dict(recovered=share, seconds=seconds)
        note = "20,000 rows, Gaussian weights, 1 % noise, λ = 0.1. Recovered: |cos| > 0.99."
        return table("Known atoms", ["", "recovered", "s"], lines, note), figures

    def memory(self, rows):
        """Peak memory of a long stream."""
        name, _ = self.dictionary("64-20.dict", self.latents(), 64, 0.1)
        stages = [self.tool("randn", rows, 20, "--seed", 1),
                  self.tool("sparse-code", "-d", name, "-q")]
        self.note(stages)
        # A child's peak starts at its parent's, and this process is a large one.
        script = (f"import json, sys; sys.path.insert(0, {HERE!r}); from measure import run; "
                  f"print(json.dumps(run({stages!r}, {self.scratch!r})))")
        result = subprocess.run([self.args.python, "-c", script], capture_output=True, text=True)
        if result.returncode != 0:
            raise Failed(result.stderr.strip()[-600:])
        seconds, peaks = json.loads(result.stdout)
        line = [f"randn {rows} 20 \\| sparse-code -d", peaks[-1], seconds]
        return table("Peak memory", ["", "MB", "s"], [line]), dict(mb=peaks[-1], seconds=seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tools", required=True, help="folder of the built tools")
    parser.add_argument("--scratch", required=True, help="folder for data and dictionaries")
    parser.add_argument("--python", default="python3")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", help="write tables and figures to this file, as JSON")
    parser.add_argument("--latents", help="rows to code instead of MNIST's latents, .npy")
    parser.add_argument("--train", help="training images instead of mnist-cat's, .npy")
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes")
    parser.add_argument("--only", nargs="*", help="these parts alone")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # scikit-learn's, one a row that did not converge
    bench = Bench(args)
    bench.threads = str(args.threads)
    latents = bench.latents()
    parts = {
        "latents-64": lambda: bench.coding(
            "Latents, 60,000 × 20, 64 atoms, λ = 0.1", latents, 64, 0.1),
        "latents-256": lambda: bench.coding(
            "Latents, 60,000 × 20, 256 atoms, λ = 0.1", latents, 256, 0.1),
        "learning": lambda: bench.learning(latents, 64, 0.1),
        "recovery": bench.recovery,
        "memory": lambda: bench.memory(1_000_000 if args.quick else 10_000_000),
    }
    if not args.quick:
        parts["pixels"] = lambda: bench.coding(
            "Pixels, 60,000 × 784, 256 atoms, λ = 0.1", bench.pixels(), 256, 0.1)
    tables, figures = [], {}
    for name, part in parts.items():
        if args.only and name not in args.only:
            continue
        text, figures[name] = part()
        tables.append(text)
        print("\n" + text, flush=True)
    if args.out:
        with open(args.out, "w") as file:
            json.dump(dict(tables=tables, figures=figures, commands=bench.commands), file)


if __name__ == "__main__":
    main()

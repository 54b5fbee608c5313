"""The sections of the bench: what is measured, and the table it becomes.

Each method gives (tables, figures). How a figure is taken is said in the note above its table.
"""
import json
import os
import shutil
import subprocess

import convolution
from epochs import Epochs
from measure import Failed, median, say, take_turns
from report import comparison, table
from setting import HERE

MODES = {"DataLoader": "loader", "in memory": "memory", "compiled f32": "compiled-f32",
         "autocast bf16": "autocast-bf16", "compiled bf16": "compiled-bf16"}


class Sections(Epochs):
    def train(self):
        """Seconds an epoch."""
        mnist = self.images("train")
        cases = [
            ("MNIST, 784-400-20, batch 128", mnist, "400", 20, 128),
            ("MNIST, 784-400-20, batch 512", mnist, "400", 20, 512),
            ("MNIST, 784-512-256-32, batch 128", mnist, "512,256", 32, 128),
            ("random, 3072-1024-64, batch 128", self.rows(20000, "3072"), "1024", 64, 128),
        ]
        tables, figures = [], {}
        for title, data, hidden, latent, batch in cases[: self.args.cases]:
            say(title)
            shape = ["--hidden", hidden, "--latent", latent, "--batch", batch]
            peers = {name: ["--mode", mode, *shape] for name, mode in MODES.items()}
            samples, failures = self.epochs(data, shape, peers)
            tables.append(self.epochs_table(title, samples, failures))
            figures[title] = samples
        return tables, figures

    def loss(self):
        """Test loss after ten epochs over three seeds."""
        train, test = self.images("train"), self.images("test")
        rows, figures = [], {}
        fits = {f"vae-fit {p}": self.tool("vae-fit", "--input", train, "--quiet", "--precision", p)
                for p in ["bf16", "f32"]}
        peers = {f"PyTorch {name}": self.torch("train", "--mode", MODES[name], "--data", train)
                 for name in ["in memory", "compiled bf16"]}
        for name, command in (fits | peers).items():
            losses = []
            for seed in range(3):
                save = ["-o" if name in fits else "--save", "loss.vae"]
                try:
                    self.run([[*command, "--epochs", "10", "--seed", str(seed), *save]])
                    check = self.records(self.torch("check", "loss.vae", test, "--draws", 10))
                except (Failed, OSError) as error:
                    say(f"{name}: {error}")
                    break
                losses.append(check[0]["test_loss"])
                say(f"{name}, seed {seed}: {losses[-1]:.3f} nats")
            if losses:
                mean = sum(losses) / len(losses)
                rows.append([name, *(f"{loss:.2f}" for loss in [*losses, mean])])
                figures[name] = losses
        note = ("Negative ELBO of MNIST's 10,000 test images in nats, by PyTorch in float64 from "
                "the model file, mean of 10 draws of the noise.")
        header = ["", *(f"seed {s}" for s in range(3)), "mean"]
        return [table("Test loss after ten epochs, 784-400-20", header, rows, note)], figures

    def process(self):
        """Whole processes, from the shell."""
        train = self.images("train")

        def ours(precision):
            fit = self.tool("vae-fit", "--epochs", 10, "--quiet", "--precision", precision,
                            "--threads", self.threads, "-o", "process.vae")
            source = self.tool("mnist-cat", "train", "--set", "mnist")
            if self.args.train:
                source = ["cat", train]
            return lambda: [self.run([source, fit])[0]]

        def theirs(mode, cold=False):
            stage = self.torch("train", "--mode", mode, "--data", train, "--epochs", 10,
                               "--save", "process.pt")
            if cold:
                cache = "TORCHINDUCTOR_CACHE_DIR=" + self.path("inductor")
                stage = ["env", cache, *stage]

            def turn():
                if cold:
                    shutil.rmtree(self.path("inductor"), ignore_errors=True)
                return [self.run([stage])[0]]

            return turn

        contestants = {
            "mnist-cat | vae-fit bf16": ours("bf16"), "mnist-cat | vae-fit f32": ours("f32"),
            "PyTorch in memory": theirs("memory"), "PyTorch autocast bf16": theirs("autocast-bf16"),
            "PyTorch compiled bf16, cached": theirs("compiled-bf16"),
            "PyTorch compiled bf16, first time": theirs("compiled-bf16", cold=True),
        }
        samples, failures = take_turns(contestants, self.args.rounds)
        note = "Reading MNIST, ten epochs at batch 128, and writing the model; imports included."
        return [comparison("Ten epochs, whole process", samples, failures, "s",
                           list(contestants)[:2], note)], samples

    def apply(self):
        """Whole processes that encode and decode."""
        model, train = self.model(), self.images("train")
        self.run([self.tool("vae-encode", model)], stdin=train, stdout="latents.npy")
        tables, figures = [], {}
        for name, source in [("encode", train), ("decode", "latents.npy")]:
            ours = self.tool(f"vae-{name}", model)
            out = f"{name}.npy"
            contestants = {
                f"vae-{name}": lambda: [self.run([ours], stdin=source, stdout=out)[0]],
                "PyTorch": lambda: [self.run([self.torch(name, model, source, out)])[0]],
            }
            for turn in contestants.values():
                turn()  # the first run brings files and programs into memory
            samples, failures = take_turns(contestants, 2 * self.args.rounds)
            tables.append(comparison(f"To {name} 60,000 images, whole process", samples, failures,
                                     "s", [f"vae-{name}"]))
            figures[name] = samples
        test, small = self.images("test"), "latents-test.npy"
        self.run([self.tool("vae-encode", model)], stdin=test, stdout=small)
        self.run([self.tool("vae-encode", "--logvar", model)], stdin=test, stdout="logvar.npy")
        self.run([self.tool("vae-decode", model)], stdin=small, stdout="decoded.npy")
        figures["check"] = self.records(self.torch(
            "check", model, test, "--means", small, "--logvar", "logvar.npy", "--latents", small,
            "--decoded", "decoded.npy"))[0]
        worst = [[k.removesuffix("_difference"), f"{v:.1e}"]
                 for k, v in figures["check"].items() if k.endswith("_difference")]
        tables.append(table("Difference from PyTorch in float64", ["", "largest"], worst))
        return tables, figures

    def startup(self):
        """Milliseconds from start to exit of a process that does next to nothing."""
        names = sorted(
            name for name in os.listdir(os.path.join(self.root, "Sources"))
            if os.access(os.path.join(self.tools, name), os.X_OK) and name.islower())
        stages = {"true": ["true"]} | {f"{n} --version": self.tool(n, "--version") for n in names}
        stages["randn 1 1"] = self.tool("randn", 1, 1)
        stages["python -c pass"] = [self.args.python, "-c", "pass"]
        stages["python -c 'import torch'"] = [self.args.python, "-c", "import torch"]
        contestants = {name: lambda stage=stage: [1e3 * self.run([stage])[0]]
                       for name, stage in stages.items()}
        samples, failures = take_turns(contestants, 10 * self.args.rounds, quiet=True)
        note = "Milliseconds; `true` shows what starting any process costs."
        return [comparison("Start-up", samples, failures, "ms", ["true"], note)], samples

    def memory(self):
        """Peak resident memory in MB."""
        model, train = self.model(), self.images("train")
        self.run([self.tool("vae-encode", model)], stdin=train, stdout="latents.npy")
        fit = ["--epochs", 1, "--quiet", "-o", "memory.vae"]
        cases = {
            "vae-fit bf16 --input": ([self.tool("vae-fit", "--input", train, "--precision", "bf16",
                                                *fit)], None),
            "vae-fit f32 --input": ([self.tool("vae-fit", "--input", train, "--precision", "f32",
                                               *fit)], None),
            "cat | vae-fit": ([["cat", train], self.tool("vae-fit", *fit)], None),
            "vae-encode, 60,000 images": ([self.tool("vae-encode", model)], train),
            "vae-decode, 60,000 images": ([self.tool("vae-decode", model)], "latents.npy"),
            "randn 2000000 20 | vae-decode": (
                [self.tool("randn", 2000000, 20), self.tool("vae-decode", model)], None),
            "PyTorch in memory": (
                [self.torch("train", "--data", train, "--epochs", 1)], None),
            "PyTorch compiled bf16": (
                [self.torch("train", "--data", train, "--epochs", 1, "--mode", "compiled-bf16")],
                None),
            "PyTorch encode": ([self.torch("encode", model, train, "encode.npy")], None),
            "PyTorch decode": ([self.torch("decode", model, "latents.npy", "decode.npy")], None),
        }
        figures = {}
        for name, (stages, stdin) in cases.items():
            try:
                figures[name] = self.run(stages, stdin=stdin)[1][-1]
            except (Failed, OSError) as error:
                say(f"{name}: {error}")
        rows = [[name, peak] for name, peak in figures.items()]
        note = "Peak resident memory of the last process of the line, mapped files included."
        return [table("Peak memory", ["", "MB"], rows, note)], figures

    def growth(self):
        """How vae-fit's time grows, and what share of the machine's matmul peak it reaches."""
        mnist = self.images("train")
        threads = self.args.threads
        peaks = {}

        def measure_peaks():
            for precision in ["f32", "bf16"]:
                for count in range(1, threads + 1):
                    stage = [self.args.python, os.path.join(HERE, "vae.py"), "--threads",
                             str(count), "peak", "--precision", precision]
                    best = self.records(stage)[0]["gflops"]
                    peaks[precision, count] = max(best, peaks.get((precision, count), 0))

        standard = dict(rows=60000, width=400, batch=128, threads=threads)
        sweeps = {"rows": [7500, 15000, 30000, 60000, 120000], "width": [100, 200, 400, 800, 1600],
                  "batch": [32, 64, 128, 256, 512, 1024], "threads": list(range(1, threads + 1))}
        measure_peaks()
        tables, figures = [], {}
        for name, values in sweeps.items():
            contestants = {}
            for value in values:
                case = standard | {name: value}
                data = self.rows(case["rows"], source=mnist)
                for precision in ["bf16", "f32"]:
                    contestants[f"{precision} {value}"] = lambda c=case, d=data, p=precision: \
                        self.fit(d, "--precision", p, "--hidden", c["width"], "--batch", c["batch"],
                                 "--threads", c["threads"], epochs=2)
            say(f"growth with {name}")
            samples, _ = take_turns(contestants, max(2, self.args.rounds // 2))
            figures[name] = dict(samples=samples)
        measure_peaks()
        figures["peaks"] = {f"{p} {n}": v for (p, n), v in peaks.items()}
        tables.append(table(
            "Matmul peak, GFLOP/s", ["threads", "f32", "bf16"],
            [[str(n), peaks["f32", n], peaks["bf16", n]] for n in range(1, threads + 1)],
            "The fastest of PyTorch's square products of 1024 to 4096, MKL's and oneDNN's."))
        for name, values in sweeps.items():
            rows = []
            for value in values:
                case = standard | {name: value}
                row = [str(value)]
                for precision in ["bf16", "f32"]:
                    seconds = median(figures[name]["samples"][f"{precision} {value}"])
                    rate = seconds and flops(case) / seconds / 1e9
                    share = seconds and f"{100 * rate / peaks[precision, case['threads']]:.0f} %"
                    row += [seconds, rate, share]
                rows.append(row)
            rest = ", ".join(f"{k} {v}" for k, v in standard.items() if k != name)
            tables.append(table(
                f"Growth with {name}",
                [name, "bf16 s", "GFLOP/s", "of peak", "f32 s", "GFLOP/s", "of peak"], rows,
                f"Median seconds an epoch of vae-fit, 784-width-20; {rest}. 6 operations a weight "
                "and row, less the first layer's gradient for its input."))
        return tables, figures

    def convolution(self):
        """Convolutional models: epochs, whole processes that apply one, growth."""
        return convolution.measure(self)

    def sparse(self):
        """Sparse coding against SPAMS and scikit-learn: sparse.py's own tables."""
        stage = [self.args.python, os.path.join(HERE, "sparse.py"), "--tools", self.tools,
                 "--scratch", self.scratch, "--python", self.args.python, "--threads", self.threads,
                 "--rounds", str(self.args.rounds), "--out", self.path("sparse.json")]
        if self.args.train:
            stage += ["--train", self.images("train")]
        if subprocess.run(stage, cwd=self.scratch, stdout=subprocess.DEVNULL).returncode != 0:
            raise Failed("sparse.py failed")
        with open(self.path("sparse.json")) as file:
            result = json.load(file)
        self.commands += result["commands"]
        return result["tables"], result["figures"]


def flops(case, inputs=784, latent=20):
    """Floating-point operations of the matmuls of one epoch."""
    width = case["width"]
    weights = inputs * width + 2 * width * latent + latent * width + width * inputs
    return case["rows"] * (6 * weights - 2 * inputs * width)

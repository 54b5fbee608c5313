#!/usr/bin/env python3
"""The PyTorch side of Scripts/bench: the same VAE, trained and applied the ways people do it.

    vae.py train  --mode memory --data train.npy --test test.npy --epochs 10 --save m.vae
    vae.py encode m.vae train.npy z.npy
    vae.py decode m.vae z.npy x.npy
    vae.py check  m.vae test.npy --means z.npy --logvar v.npy --latents l.npy --decoded x.npy

Training modes:

    loader         as in pytorch/examples: Dataset, ToTensor an item, DataLoader, sigmoid and BCE
    memory         float tensors in memory, a permutation an epoch, logits, fused Adam
    compiled-f32   the same, the step compiled
    autocast-bf16  the same, not compiled, under autocast
    compiled-bf16  compiled under autocast

With --conv the model is convolutional (maps.py), and --channels-last orders its maps so.

Losses are nats per example (vae-tools' DESIGN: sums over pixels and latents, mean over examples).
Every command prints one JSON object a line on standard output.
"""
import argparse
import contextlib
import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from maps import ACTIVATIONS, ConvolutionalVAE, configuration

MODES = ["loader", "memory", "compiled-f32", "autocast-bf16", "compiled-bf16"]
CHUNK = 1000  # rows at a time when evaluating


class VAE(nn.Module):
    """A multi-layer perceptron VAE whose state_dict has the names of vae-model(5)."""

    def __init__(self, inputs, hidden, latent):
        super().__init__()
        self.encoder = self._stack([inputs, *hidden])
        self.encoder["mean"] = nn.Linear(hidden[-1], latent)
        self.encoder["logvar"] = nn.Linear(hidden[-1], latent)
        self.decoder = self._stack([latent, *reversed(hidden)])
        self.decoder["output"] = nn.Linear(hidden[0], inputs)

    @staticmethod
    def _stack(sizes):
        pairs = zip(sizes, sizes[1:])
        return nn.ModuleDict({str(i): nn.Linear(n, m) for i, (n, m) in enumerate(pairs)})

    def encode(self, x):
        for name, layer in self.encoder.items():
            if name.isdigit():
                x = F.relu(layer(x))
        return self.encoder["mean"](x), self.encoder["logvar"](x)

    def decode(self, z):
        """Logits."""
        for name, layer in self.decoder.items():
            if name.isdigit():
                z = F.relu(layer(z))
        return self.decoder["output"](z)

    def forward(self, x):
        mean, logvar = self.encode(x)
        z = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        return self.decode(z), mean, logvar

    def save(self, path):
        from safetensors.torch import save_file

        save_file(self.state_dict(), path, {"format": "pt"})


def load(path):
    """A model file of vae-fit's, or of `save`; Bernoulli likelihood."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}
        config = json.loads((file.metadata() or {}).get("vae-tools.config", "{}"))
    if "convolution" in config:
        model = ConvolutionalVAE(config)
    else:
        hidden = []
        while f"encoder.{len(hidden)}.weight" in weights:
            hidden.append(weights[f"encoder.{len(hidden)}.weight"].shape[0])
        inputs = weights["encoder.0.weight"].shape[1]
        model = VAE(inputs, hidden, weights["encoder.mean.weight"].shape[0])
    model.load_state_dict(weights)
    return model.eval()


def read(path):
    """Rows of a .npy as (N, D) floats; u1 stands for value/255."""
    rows = torch.from_numpy(np.load(path))
    rows = rows.reshape(len(rows), -1)
    return rows.float().div_(255) if rows.dtype == torch.uint8 else rows.float()


def report(**values):
    print(json.dumps(values), flush=True)


# Training


def objective(model, x):
    """Mean loss of a batch from logits: what the gradient is taken of."""
    logits, mean, logvar = model(x)
    recon = F.binary_cross_entropy_with_logits(logits.float(), x, reduction="sum")
    mean, logvar = mean.float(), logvar.float()
    kl = 0.5 * (logvar.exp() - 1 - logvar + mean.pow(2)).sum()
    return (recon + kl) / len(x)


class InMemory:
    """Training on float tensors that are all in memory: every mode but `loader`."""

    def __init__(self, args, model):
        self.model, self.batch = model, args.batch
        self.rows = read(args.data)
        self.adam = torch.optim.Adam(model.parameters(), lr=args.lr, fused=True)
        self.bf16 = args.mode.endswith("bf16")
        self.step = self._step
        self.compiled = args.mode.startswith("compiled")
        if self.compiled:
            options = {"cpp_wrapper": True} if args.cpp_wrapper else None
            mode = None if args.cpp_wrapper or args.compile_mode == "default" else args.compile_mode
            compile_ = lambda f: torch.compile(f, mode=mode, options=options, dynamic=False)
            if args.compile_scope == "step":
                self.step = compile_(self._step)
            else:
                self._loss = compile_(self._loss)

    def _loss(self, x):
        with torch.autocast("cpu", torch.bfloat16) if self.bf16 else contextlib.nullcontext():
            return objective(self.model, x)

    def _step(self, x):
        self.adam.zero_grad(set_to_none=True)
        loss = self._loss(x)
        loss.backward()
        self.adam.step()
        return loss.detach()

    def warm_up(self):
        """Compiles the step for both batch lengths, then puts weights and optimizer back."""
        if not self.compiled:
            return
        start = {k: v.clone() for k, v in self.model.state_dict().items()}
        for length in {self.batch, len(self.rows) % self.batch} - {0}:
            for _ in range(3):
                self.step(self.rows[:length])
        self.model.load_state_dict(start)
        for state in self.adam.state.values():
            for tensor in state.values():
                tensor.zero_()

    def epoch(self):
        order = torch.randperm(len(self.rows))
        total = torch.zeros(())
        for i in range(0, len(order), self.batch):
            rows = order[i : i + self.batch]
            total += self.step(self.rows[rows]) * len(rows)
        return total.item() / len(order)


class Loader:
    """Training as pytorch/examples writes it."""

    def __init__(self, args, model):
        self.model, self.device = model, torch.device("cpu")
        self.adam = torch.optim.Adam(model.parameters(), lr=args.lr)
        self.loader = torch.utils.data.DataLoader(
            Images(np.load(args.data)), batch_size=args.batch, shuffle=True,
            num_workers=args.workers, persistent_workers=args.workers > 0)

    def warm_up(self):
        pass

    @staticmethod
    def loss(recon, x, mean, logvar):
        bce = F.binary_cross_entropy(recon, x, reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
        return bce + kld

    def epoch(self):
        self.model.train()
        total = 0
        for x, _ in self.loader:
            x = x.to(self.device).flatten(1)
            self.adam.zero_grad()
            logits, mean, logvar = self.model(x)
            loss = self.loss(torch.sigmoid(logits), x, mean, logvar)
            loss.backward()
            total += loss.item()
            self.adam.step()
        return total / len(self.loader.dataset)


class Images(torch.utils.data.Dataset):
    """Images as torchvision.datasets.MNIST gives them: an item is a PIL image, put through
    ToTensor, and a label; the labels here are all 0."""

    def __init__(self, images):
        from PIL import Image

        # PIL has no image of two dimensions that is not grey; rows of numbers become one line.
        images = images if images.ndim == 3 else images.reshape(len(images), 1, -1)
        self.data = torch.from_numpy(images)
        self.targets = torch.zeros(len(images), dtype=torch.int64)
        self.to_image = Image.fromarray
        try:
            from torchvision.transforms import ToTensor

            self.transform = ToTensor()
        except (ImportError, RuntimeError):  # RuntimeError: torchvision built for another PyTorch
            self.transform = self.to_tensor

    @staticmethod
    def to_tensor(image):
        """What torchvision's ToTensor does with an 8-bit grey image."""
        pixels = torch.from_numpy(np.array(image, np.uint8, copy=True))
        pixels = pixels.view(image.size[1], image.size[0], 1).permute(2, 0, 1).contiguous()
        return pixels.to(torch.get_default_dtype()).div(255)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        image, target = self.data[i], int(self.targets[i])
        return self.transform(self.to_image(image.numpy())), target


def train(args):
    torch.manual_seed(args.seed)
    torch.set_float32_matmul_precision(args.matmul_precision)
    hidden = [] if args.hidden == "none" else [int(size) for size in args.hidden.split(",")]
    shape = np.load(args.data, mmap_mode="r").shape
    if args.conv:
        channels = [int(count) for count in args.conv.split(",")]
        model = ConvolutionalVAE(configuration(
            shape[1:], channels, args.kernel, args.stride, hidden, args.latent, args.upsample,
            args.batch_norm, args.activation))
        if args.channels_last:
            model.channels_last()
    else:
        model = VAE(int(np.prod(shape[1:])), hidden, args.latent)
    started = time.perf_counter()
    run = (Loader if args.mode == "loader" else InMemory)(args, model)
    run.warm_up()
    report(event="ready", mode=args.mode, rows=shape[0], torch=torch.__version__,
           threads=torch.get_num_threads(), warm_up=time.perf_counter() - started)
    test = read(args.test) if args.test else None
    # --serve: an epoch for every line that comes, so that runs can take turns on one machine.
    epochs = enumerate(sys.stdin if args.serve else range(args.epochs), 1)
    for epoch, _ in epochs:
        started = time.perf_counter()
        loss = run.epoch()
        record = dict(event="epoch", epoch=epoch, seconds=time.perf_counter() - started, loss=loss)
        if test is not None:
            record["test_loss"] = evaluate(model, test, draws=1, seed=args.seed)[0]
        report(**record)
    if args.save:
        model.save(args.save)


# Evaluation and application


@torch.inference_mode()
def evaluate(model, rows, draws, seed):
    """The test loss (negative ELBO, beta 1) of each draw of noise, in the model's precision."""
    generator = torch.Generator().manual_seed(seed)
    losses = []
    for _ in range(draws):
        total = 0.0
        for x in rows.split(CHUNK):
            mean, logvar = model.encode(x)
            logvar = logvar.clamp(-30, 20)
            noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype)
            logits = model.decode(mean + torch.exp(0.5 * logvar) * noise)
            recon = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
            kl = 0.5 * (logvar.exp() - 1 - logvar + mean.pow(2)).sum(1)
            total += (recon + kl).sum(dtype=torch.float64).item()
        losses.append(total / len(rows))
    return losses


@torch.inference_mode()
def apply(args, function):
    """Writes what a function of a model and a chunk of rows gives."""
    model = load(args.model)
    if args.channels_last:
        model.channels_last()
    with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
        made = [function(model, x).float() for x in read(args.rows).split(CHUNK)]
    np.save(args.out, torch.cat(made).numpy())


def encode(args):
    apply(args, lambda model, x: model.encode(x)[0])


def decode(args):
    apply(args, lambda model, z: torch.sigmoid(model.decode(z)))


@torch.inference_mode()
def check(args):
    """PyTorch's word on a model of vae-fit's and on what vae-encode and vae-decode made of it."""
    model = load(args.model).double()
    rows = read(args.rows).double()
    losses = evaluate(model, rows, args.draws, args.seed)
    result = dict(rows=len(rows), test_loss=float(np.mean(losses)), draws=losses)
    mean, logvar = model.encode(rows)

    def compare(path, expected):
        given = read(path).double()
        if given.shape != expected.shape:
            sys.exit(f"vae.py: {path}: expected {tuple(expected.shape)}, got {tuple(given.shape)}")
        return (given - expected).abs().max().item()

    if args.means:
        result["means_difference"] = compare(args.means, mean)
    if args.logvar:
        result["logvar_difference"] = compare(args.logvar, logvar.clamp(-30, 20))
    if args.decoded:
        if not args.latents:
            sys.exit("vae.py: --decoded needs --latents, the file they were decoded from")
        latents = read(args.latents).double()
        result["decoded_difference"] = compare(args.decoded, torch.sigmoid(model.decode(latents)))
    report(**result)


# What the bench needs besides


def rows(args):
    """Random u1 rows, or COUNT rows of --data, repeated as often as it takes; pictures of another
    size are resized."""
    shape = [int(size) for size in args.shape.split("x")]
    if args.data:
        source = np.load(args.data, mmap_mode="r")
        made = source[np.arange(args.count) % len(source)]
        if list(made.shape[1:]) != shape:
            made = np.concatenate([
                F.interpolate(torch.from_numpy(x)[:, None].float(), size=shape, mode="bilinear",
                              antialias=True).round().byte()[:, 0].numpy()
                for x in np.array_split(made, -(-len(made) // CHUNK))])
    else:
        made = np.random.default_rng(args.seed).integers(0, 256, (args.count, *shape), np.uint8)
    np.save(args.out, made)


@torch.inference_mode()
def peak(args):
    """GFLOP/s of the best of several large square products: the machine's matmul peak."""
    kind = dict(f32=torch.float32, bf16=torch.bfloat16)[args.precision]
    linear = torch.ops.mkldnn._linear_pointwise
    best = 0.0
    for n in [1024, 2048, 4096]:
        a, b = torch.randn(n, n).to(kind), torch.randn(n, n).to(kind)
        c = torch.empty(n, n, dtype=kind)
        # PyTorch multiplies f32 through MKL, which holds back on some processors; oneDNN does not.
        for product in [lambda: torch.mm(a, b, out=c), lambda: linear(a, b, None, "none", [], "")]:
            for _ in range(args.repeats):
                started = time.perf_counter()
                product()
                best = max(best, 2 * n**3 / (time.perf_counter() - started) / 1e9)
    report(precision=args.precision, threads=torch.get_num_threads(), gflops=best)


def parser():
    top = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--threads", type=int, default=2)
    commands = top.add_subparsers(dest="command", required=True)

    def command(function, *operands):
        sub = commands.add_parser(function.__name__, help=(function.__doc__ or "").split("\n")[0])
        sub.set_defaults(run=function)
        sub.add_argument("--seed", type=int, default=0)
        for operand in operands:
            sub.add_argument(operand)
        return sub

    sub = command(train)
    sub.add_argument("--mode", choices=MODES, default="memory")
    sub.add_argument("--data", required=True, help=".npy of u1 or f4 rows")
    sub.add_argument("--test", help=".npy; adds the test loss after each epoch")
    sub.add_argument("--hidden", default="400", help="sizes, separated by commas; or none")
    sub.add_argument("--latent", type=int, default=20)
    sub.add_argument("--batch", type=int, default=128)
    sub.add_argument("--epochs", type=int, default=10)
    sub.add_argument("--lr", type=float, default=1e-3)
    sub.add_argument("--conv", help="channels of convolutions, separated by commas")
    sub.add_argument("--kernel", type=int, default=4)
    sub.add_argument("--stride", type=int, default=2)
    sub.add_argument("--upsample", choices=["transposed", "nearest"], default="transposed")
    sub.add_argument("--activation", choices=sorted(ACTIVATIONS), default="relu",
                     help="with --conv")
    sub.add_argument("--batch-norm", action="store_true", help="with --conv")
    sub.add_argument("--channels-last", action="store_true", help="with --conv")
    sub.add_argument("--workers", type=int, default=0, help="of the DataLoader")
    sub.add_argument("--compile-mode", default="default", help="of torch.compile")
    sub.add_argument("--compile-scope", choices=["loss", "step"], default="loss",
                     help="loss: forward and backward; step: the optimizer too")
    sub.add_argument("--matmul-precision", choices=["highest", "high", "medium"],
                     default="highest", help="of torch.set_float32_matmul_precision")
    sub.add_argument("--cpp-wrapper", action="store_true", help="Inductor's C++ wrapper")
    sub.add_argument("--save", help="model file to write at the end")
    sub.add_argument("--serve", action="store_true", help="an epoch a line of standard input")

    for function in [encode, decode]:
        sub = command(function, "model", "rows", "out")
        sub.add_argument("--bf16", action="store_true", help="under autocast")
        sub.add_argument("--channels-last", action="store_true", help="of convolutional models")
    sub = command(check, "model", "rows")
    sub.add_argument("--draws", type=int, default=5)
    for name in ["means", "logvar", "latents", "decoded"]:
        sub.add_argument(f"--{name}")
    sub = command(rows, "out")
    sub.add_argument("count", type=int)
    sub.add_argument("--shape", default="28x28")
    sub.add_argument("--data")
    sub = command(peak)
    sub.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    sub.add_argument("--repeats", type=int, default=5)
    return top


if __name__ == "__main__":
    arguments = parser().parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.run(arguments)

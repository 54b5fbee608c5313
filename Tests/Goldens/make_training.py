#!/usr/bin/env python3
"""Makes Tests/VAECoreTests/Goldens/{steps,optimisers}.safetensors: training by PyTorch in float64.

    python3 Tests/Goldens/make_training.py        # needs torch and numpy; rewrites the same bytes

Each case is one tiny network, trained on the same five rows with the initial weights and the noise
that the engine draws (noise.py), rounded to F32 at the end. A file holds

    inputs             [rows, input]   in [0, 1]; a Gaussian or Student's t reads 3·inputs − 1, a
                       discretised logistic the nearest k/255
    <case>.inputs      of a case with rows of its own
    <case>.initial     weights where they are not the seed's alone, flat, in the order of vae-model(5)
    <case>.gradient    the gradient of the first step, flat; steps.safetensors only
    <case>.after       all parameters and running statistics after the last step, flat

and in __metadata__, as JSON, <case>.config (the model, as vae-model(5) has it), <case>.objective,
<case>.optimiser (both as in a model's training record) and <case>.figures: the seed, the losses
before each step, and the reconstruction and divergence of the first (nats, means over the rows).
steps.safetensors also has normals and uniforms of noise.py.

A case with bf16 rounds what the engine rounds: rows, weights, activations and z as products read
them, and the gradient of each sum. Its runs keep clear of ties, so that both land on the same side.
"""
import itertools
import json
import math
import struct
from pathlib import Path

import noise
import numpy as np
import torch
from torch.distributions import Normal, StudentT, kl_divergence
from torch.nn import functional as F

FOLDER = Path(__file__).resolve().parent.parent / "VAECoreTests" / "Goldens"
ROWS, INPUT, LATENT = 5, 12, 3
CLEARANCE = 1e-4  # the least distance from a kink, so that float32 lands on the same side
TIE = 1e-6  # the same from a tie between two bf16, as a share of the value

ADAM = dict(rule="adam", learning_rate=1e-3)
SGD = dict(rule="sgd", learning_rate=1e-2)  # batch norm: Adam makes steps of rounding errors


def case(hidden=(7,), optimiser=ADAM, **config):
    config["hidden"] = hidden
    return config, optimiser


STEPS = 10, {
    "bernoulli": case((7, 5)),
    "gaussian": case((7, 5), likelihood="gaussian", sigma=0.7, beta=4.0),
    "learned": case(likelihood="gaussian", sigma="learned"),
    "pixel": case(likelihood="gaussian", sigma="pixel", beta=0.5),
    "clamped": case(),
    "tanh": case(activation="tanh"),
    "silu": case((7, 5), activation="silu"),
    "leaky": case(activation="leaky-relu"),
    "dropout": case((7, 5), dropout=0.25),
    "norm": case((7, 5), SGD, batch_norm=True, activation="silu"),
    "plain": case((7, 5), model="ae"),
    "dynamic": case(binarise="dynamic"),
    "particles": case(particles=3, beta=2.0),
    "sampled": case(particles=2, divergence="sampled", likelihood="gaussian", sigma="learned"),
    "iwae": case(particles=5, importance_weighted=True),
    "iwae_norm": case((7,), SGD, particles=3, importance_weighted=True, batch_norm=True),
    "free_bits": case(free_bits=0.02),
    "student": case(likelihood="student"),
    # Several blocks of rows, the last of them short.
    "blocks": case((7, 5), rows=75),
    "blocks_norm": case((7, 5), SGD, rows=75, batch_norm=True, activation="silu"),
    "blocks_free_bits": case(rows=75, free_bits=0.02),
    "blocks_particles": case(rows=21, particles=5, importance_weighted=True),
    "blocks_learned": case(rows=75, likelihood="gaussian", sigma="learned"),
    "logistic": case(likelihood="logistic"),
    "logistic_narrow": case((7, 5), likelihood="logistic", activation="tanh"),
}

BF16 = 1, {
    "bf16": case((7, 5), bf16=True),
    "bf16_gaussian": case((7,), bf16=True, likelihood="gaussian", sigma=0.7),
    "bf16_blocks": case((7,), bf16=True, rows=34),
}

OPTIMISERS = 20, {
    "adam": case((7,), dict(rule="adam", learning_rate=1e-2, beta1=0.8, beta2=0.95, epsilon=1e-6)),
    "adam_decay": case((7,), dict(rule="adam", learning_rate=1e-3, weight_decay=0.1)),
    "adamw": case((7,), dict(rule="adamw", learning_rate=1e-2, weight_decay=0.1)),
    "rmsprop": case((7,), dict(rule="rmsprop", learning_rate=1e-3)),
    "rmsprop_decay": case((7,), dict(rule="rmsprop", learning_rate=1e-3, weight_decay=0.1)),
    "sgd": case((7,), dict(rule="sgd", learning_rate=0.05)),
    "momentum": case((7,), dict(rule="sgd", learning_rate=0.01, momentum=0.9, weight_decay=0.1)),
    "nesterov": case((7,), dict(rule="sgd", learning_rate=0.01, momentum=0.9, nesterov=True)),
    "clipped": case((7,), dict(rule="sgd", learning_rate=0.1, clip_norm=1.0)),
    "clipped_adam": case((7,), dict(rule="adam", learning_rate=1e-2, clip_norm=0.5)),
}


class Case:
    def __init__(self, name, config, optimiser):
        self.name = name
        self.hidden = config.pop("hidden")
        self.rows = config.pop("rows", ROWS)
        self.bf16 = config.pop("bf16", False)
        self.objective = dict(importance_weighted=False, particles=1, divergence="analytic",
                              free_bits=0.0)
        self.objective |= {k: config.pop(k) for k in list(config) if k in self.objective}
        self.binarise = config.pop("binarise", "none")
        self.config = dict(
            input_shape=[INPUT], hidden=self.hidden, latent=LATENT, likelihood="bernoulli",
            beta=1.0, model="vae", activation="relu", dropout=0.0, batch_norm=False,
            init_scheme="pytorch") | config
        self.optimiser = dict(
            beta1=0.9, beta2=0.999, epsilon=1e-8, momentum=0.0, nesterov=False,
            weight_decay=0.0) | optimiser
        self.width = math.prod(self.config["input_shape"])
        own = inputs(self.rows, self.width)
        if self.config["likelihood"] in ["gaussian", "student"]:
            own = own * np.float32(3) - np.float32(1)
        elif self.config["likelihood"] == "logistic":
            own = np.round(own * np.float32(255)) / np.float32(255)
        self.inputs = own

    def layers(self):
        """Name and shape of each parameter with its bound (None: zero, or one), in file order."""
        sizes = [self.width, *self.hidden]
        yield from self.stack("encoder", sizes)
        yield from heads(linear(name, sizes[-1], LATENT) for name in self.latents())
        yield from self.stack("decoder", [LATENT, *reversed(self.hidden)])
        yield from heads(linear(name, sizes[1], self.width) for name in self.outputs())
        yield from self.own()

    def stack(self, part, sizes):
        """The hidden layers of a part."""
        for i, (n, m) in enumerate(zip(sizes, sizes[1:])):
            yield from self.normed(linear(f"{part}.{i}", n, m), m)

    def normed(self, layer, channels):
        """A layer, and the batch norm that may follow it."""
        yield from layer
        if self.config["batch_norm"]:
            name = layer[0][0].removesuffix(".weight")
            for kind in ["weight", "bias", "running_mean", "running_var"]:
                yield f"{name}.norm.{kind}", (channels,), None

    def own(self):
        """Parameters of the likelihood."""
        if self.config.get("sigma") == "learned":
            yield "decoder.log_sigma", (1,), None

    def latents(self):
        """The heads of the encoder."""
        return ["encoder.mean"] + ["encoder.logvar"] * (self.config["model"] != "ae")

    def outputs(self):
        """The heads of the decoder."""
        if self.config["likelihood"] == "student":
            return ["decoder.output", "decoder.output_scale", "decoder.output_df"]
        if self.config["likelihood"] == "logistic":
            return ["decoder.output", "decoder.output_logscale"]
        pixel = self.config.get("sigma") == "pixel"
        return ["decoder.output"] + ["decoder.output_logvar"] * pixel

    def start(self, seed):
        weights = {}
        for index, (name, shape, bound) in enumerate(self.layers()):
            one = name.endswith("norm.weight") or name.endswith("running_var")
            weights[name] = (
                np.full(shape, float(one), np.float32) if bound is None
                else noise.initial(index, shape, bound, seed))
        self.changed = True
        if self.name == "clamped":
            # The first latent lies above the upper bound in every row, the second on both sides of
            # the lower one. Little weight on the first keeps e^10 from swamping the rest.
            weights["encoder.logvar.bias"][:2] = [25, -30]
            weights["decoder.0.weight"][:, 0] *= np.float32(1e-4)
        elif self.name == "logistic_narrow":
            # Scales of single bins and less, the first of them clamped, and locations in tails.
            weights["decoder.output_logscale.bias"][:] = np.linspace(-9, -4, INPUT)
        elif "decoder.log_sigma" in weights:
            weights["decoder.log_sigma"][:] = 0.3
        elif self.config["batch_norm"]:
            for index, (name, value) in enumerate(weights.items()):
                if name.endswith("norm.weight"):
                    value += noise.initial(200 + index, value.shape, 0.5, seed)
                if name.endswith("norm.bias"):
                    value += noise.initial(200 + index, value.shape, 0.5, seed)
        else:
            self.changed = False
        return weights

    def losses(self, w, step, seed, far):
        """The objective, reconstruction and divergence of every row; notes distances in `far`."""
        settings, config = self.objective, self.config
        particles = settings["particles"]
        x = torch.tensor(self.inputs, dtype=torch.float64)
        if self.binarise == "dynamic":
            u = noise.uniforms(self.rows, self.width, seed, noise.BINARISE, step)
            x = torch.tensor(u < self.inputs, dtype=torch.float64)

        forward = Pass(self, w, step, seed, far)
        mean, *raw = self.encode(forward, x)
        if config["model"] == "ae":
            z, ratio, kl = mean[:, None], torch.zeros(self.rows, 1), torch.zeros(self.rows, LATENT)
        else:
            raw = raw[0]
            far += [(raw - bound).detach().abs().min().item() for bound in (-30, 20)]
            posterior = Normal(mean[:, None], (raw.clamp(-30, 20) / 2).exp()[:, None])
            prior = Normal(0.0, 1.0)
            eps = noise.normals(self.rows * particles, LATENT, seed, noise.LATENT, step)
            eps = torch.tensor(eps).reshape(self.rows, particles, LATENT)
            z = posterior.loc + posterior.scale * eps
            ratio = (prior.log_prob(z) - posterior.log_prob(z)).sum(2)
            kl = kl_divergence(posterior, prior)[:, 0]
        outputs = self.decode(forward, z.flatten(0, 1))
        recon = self.surprise(w, outputs, x.repeat_interleave(particles, 0), far)
        recon = recon.reshape(self.rows, particles)

        if settings["importance_weighted"]:
            objective = math.log(particles) - (config["beta"] * ratio - recon).logsumexp(1)
        elif settings["divergence"] == "sampled":
            objective = (recon - config["beta"] * ratio).mean(1)
        else:
            means = kl.mean(0)
            if settings["free_bits"] > 0:
                far.append((means - settings["free_bits"]).detach().abs().min().item())
            free = (settings["free_bits"] - means).clamp(min=0).sum()
            objective = recon.mean(1) + config["beta"] * (kl.sum(1) + free)
        sampled = settings["importance_weighted"] or settings["divergence"] == "sampled"
        return objective, recon.mean(1), -ratio.mean(1) if sampled else kl.sum(1)

    def encode(self, forward, x):
        """What the heads of the encoder give for rows x."""
        h = forward.stack("encoder", x, 0)
        return [forward.linear(name, h) for name in self.latents()]

    def decode(self, forward, z):
        """What the heads of the decoder give for rows z."""
        h = forward.stack("decoder", z, len(self.hidden))
        return [forward.linear(name, h) for name in self.outputs()]

    def surprise(self, w, outputs, x, far):
        """−log p(x|z) of each row."""
        output = outputs[0]
        if self.config["likelihood"] == "bernoulli":
            return F.binary_cross_entropy_with_logits(output, x, reduction="none").sum(1)
        if self.config["likelihood"] == "student":
            scale, df = F.softplus(outputs[1]) + 1e-3, 3 + F.softplus(outputs[2])
            return -StudentT(df, output, scale).log_prob(x).sum(1)
        if self.config["likelihood"] == "logistic":
            far += [(outputs[1] - bound).detach().abs().min().item() for bound in (-8, 7)]
            return -logistic(output, outputs[1].clamp(-8, 7).exp(), x).sum(1)
        sigma = self.config["sigma"]
        if sigma == "pixel":
            deviation = (outputs[1].clamp(-30, 20) / 2).exp()
        elif sigma == "learned":
            deviation = w["decoder.log_sigma"].exp()
        else:
            deviation = torch.tensor(np.float64(np.float32(sigma)))
        return -Normal(output, deviation).log_prob(x).sum(1)

    def rule(self, weights):
        o = self.optimiser
        common = dict(lr=o["learning_rate"], weight_decay=o["weight_decay"])
        if o["rule"] == "sgd":
            return torch.optim.SGD(
                weights, momentum=o["momentum"], nesterov=o["nesterov"], **common)
        if o["rule"] == "rmsprop":
            return torch.optim.RMSprop(weights, eps=o["epsilon"], **common)
        kind = dict(adam=torch.optim.Adam, adamw=torch.optim.AdamW)[o["rule"]]
        return kind(weights, betas=(o["beta1"], o["beta2"]), eps=o["epsilon"], **common)

    def train(self, steps, seed):
        """Figures and tensors, those of parameters by name; or nothing where the run came too near
        a kink."""
        initial = self.start(seed)
        w = {k: torch.tensor(v, dtype=torch.float64) for k, v in initial.items()}
        trained = [v.requires_grad_() for k, v in w.items() if "running" not in k]
        rule = self.rule(trained)
        figures, tensors, far = dict(seed=seed, losses=[]), {}, []
        for step in range(1, steps + 1):
            rule.zero_grad()
            objective, recon, divergence = self.losses(w, step, seed, far)
            objective.mean().backward()
            if min(far) < CLEARANCE:
                return None
            figures["losses"].append(objective.mean().item())
            if step == 1:
                figures |= dict(recon=recon.mean().item(), kl=divergence.mean().item())
                tensors["gradient"] = {
                    k: np.zeros(v.shape) if v.grad is None else v.grad.numpy().copy()
                    for k, v in w.items()}
                norm = np.linalg.norm(flat(tensors["gradient"]))
            if (clip := self.optimiser.get("clip_norm")) is not None:
                if norm < 1.2 * clip:
                    return None
                torch.nn.utils.clip_grad_norm_(trained, clip)
            rule.step()
        if not self.bf16:
            tensors["after"] = {k: v.detach().numpy() for k, v in w.items()}
        tensors["initial"] = initial
        return figures, tensors


class Pass:
    """A forward pass of a case: its weights and noise; distances from kinks go into `far`."""

    def __init__(self, case, w, step, seed, far):
        self.case, self.w, self.step, self.seed, self.far = case, w, step, seed, far

    def linear(self, name, h):
        weight, bias = self.w[f"{name}.weight"], self.w[f"{name}.bias"]
        if not self.case.bf16:
            return F.linear(h, weight, bias)
        y = F.linear(Operand.apply(h, self.far), Operand.apply(weight, self.far), bias)
        return Sum.apply(y, self.far)

    def norm(self, name, h):
        """The batch norm of a layer, where the case has them; h [rows, channels, ...]."""
        if not self.case.config["batch_norm"]:
            return h
        of = {kind: self.w[f"{name}.norm.{kind}"]
              for kind in ["running_mean", "running_var", "weight", "bias"]}
        return F.batch_norm(h, **of, training=True)

    def activation(self, h):
        name = self.case.config["activation"]
        if name in ["relu", "leaky-relu"]:
            self.far.append(h.detach().abs().min().item())
        return {"relu": F.relu, "tanh": torch.tanh, "silu": F.silu,
                "leaky-relu": F.leaky_relu}[name](h)

    def stack(self, part, h, first):
        """The hidden layers of a part, the first of which is number `first` to the dropout."""
        for i in range(len(self.case.hidden)):
            name = f"{part}.{i}"
            h = self.activation(self.norm(name, self.linear(name, h)))
            if (p := self.case.config["dropout"]) > 0:
                u = noise.uniforms(
                    *h.shape, self.seed, noise.DROPOUT, self.step, layer=first + i)
                h = h * torch.tensor(u >= np.float32(p)) / (1 - p)
        return h


def logistic(location, scale, x):
    """ln p of bytes x = k/255: ln(σ(a) − σ(b)) between the ends a and b of k's bin."""
    k = torch.round(255 * x)
    above = F.logsigmoid(((k + 0.5) / 255 - location) / scale)
    not_below = F.logsigmoid((location - (k - 0.5) / 255) / scale)
    # σ(a) − σ(b) = σ(a)·σ(−b)·(1 − e^(b − a)), in which no two numbers are nearly equal.
    inside = above + not_below + torch.log(-torch.expm1(-1 / (255 * scale)))
    return torch.where(k == 0, above, torch.where(k == 255, not_below, inside))


def linear(name, n, m):
    """A dense layer from n to m values: name, shape and bound of its weights and biases."""
    return layer(name, (m, n), m, n)


def layer(name, shape, biases, fan):
    """The same of any layer whose outputs are sums of `fan` products."""
    bound = 1 / np.sqrt(np.float32(fan))
    return [(f"{name}.weight", shape, bound), (f"{name}.bias", (biases,), bound)]


def heads(layers):
    """Layers side by side: their weights, then their biases."""
    return itertools.chain(*zip(*layers))


def bf16(x):
    """x rounded to bf16, and how far it is from a tie at the least, as a share of its size."""
    values = x.detach().numpy()
    nearest = torch.tensor(values.astype(np.float32)).bfloat16().double().numpy()
    step = 2.0 ** (np.floor(np.log2(np.maximum(np.abs(values), 1e-300))) - 7)
    distance = np.abs(np.abs(values - nearest) - step / 2) / np.maximum(np.abs(values), 1e-300)
    return torch.tensor(nearest), distance[values != 0].min() if (values != 0).any() else 1.0


class Operand(torch.autograd.Function):
    """What a product reads: rounded on the way there, as it comes on the way back."""

    @staticmethod
    def forward(ctx, x, far):
        rounded, distance = bf16(x)
        far.append(distance * CLEARANCE / TIE)
        return rounded

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


class Sum(torch.autograd.Function):
    """What a product gives: its gradient is rounded before anything is multiplied by it."""

    @staticmethod
    def forward(ctx, y, far):
        ctx.far = far
        return y.clone()

    @staticmethod
    def backward(ctx, gradient):
        rounded, distance = bf16(gradient)
        ctx.far.append(distance * CLEARANCE / TIE)
        return rounded, None


def inputs(rows=ROWS, width=INPUT):
    x = noise.uniforms(rows, width, 1, noise.SAMPLE)
    x[0, :4] = [0, 1, 0, 1]  # the ends count as data too
    return x


def flat(parameters):
    return np.concatenate([np.ravel(array) for array in parameters.values()])


def run(case, steps, number):
    """Figures and tensors of a case from the first seed, from `number` on, that is clear of kinks;
    and what describes it, for the metadata."""
    figures, tensors = next(filter(None, (case.train(steps, s) for s in itertools.count(number))))
    objective = case.objective | dict(
        binarise=case.binarise, precision="bf16" if case.bf16 else "f32")
    described = dict(
        config=case.config, objective=objective, optimiser=case.optimiser, figures=figures)
    return tensors, {
        f"{case.name}.{k}": json.dumps(v, sort_keys=True) for k, v in described.items()}


def write(name, steps, cases, more, gradients):
    tensors, metadata = dict(more, inputs=inputs()), {}
    for number, (title, (config, optimiser)) in enumerate(cases.items()):
        made = Case(title, dict(config), optimiser)
        own, described = run(made, steps, number)
        if not gradients:
            del own["gradient"]
        if not made.changed:
            del own["initial"]
        tensors |= {f"{title}.{k}": flat(v) for k, v in own.items()}
        if made.rows != ROWS:
            tensors[f"{title}.inputs"] = inputs(made.rows)
        metadata |= described
    (FOLDER / f"{name}.safetensors").write_bytes(safetensors(tensors, metadata))


def safetensors(tensors, metadata):
    """The file's bytes. The safetensors package orders metadata at random; this repeats itself."""
    header, data = {"__metadata__": metadata}, b""
    for name, array in sorted(tensors.items()):
        assert np.isfinite(array).all(), name
        body = array.astype("<f4").tobytes()
        header[name] = dict(
            dtype="F32", shape=list(array.shape), data_offsets=[len(data), len(data) + len(body)])
        data += body
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


if __name__ == "__main__":
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    place = dict(seed=0x0123456789ABCDEF, step=7, first_row=2**33 + 5)
    drawn = dict(normals=noise.normals(3, 9, purpose=noise.LATENT, **place),
                 uniforms=noise.uniforms(3, 9, purpose=noise.DROPOUT, layer=200, **place))
    write("steps", *STEPS, drawn, gradients=True)
    write("optimisers", *OPTIMISERS, {}, gradients=False)
    write("bf16", *BF16, {}, gradients=True)

"""The bench's section `convolution`: convolutional models of vae-fit against PyTorch's.

`bench` is the Sections that asks for it.
"""
from measure import median, say, take_turns
from report import comparison, table

# What PyTorch's own guides advise, from the plainest on.
PEERS = {
    "f32": ["--mode", "memory"],
    "f32 channels_last": ["--mode", "memory", "--channels-last"],
    "autocast bf16 channels_last": ["--mode", "autocast-bf16", "--channels-last"],
    "compiled f32": ["--mode", "compiled-f32"],
    "compiled bf16 channels_last": ["--mode", "compiled-bf16", "--channels-last"],
}
APPLYING = {
    "f32": [],
    "f32 channels_last": ["--channels-last"],
    "autocast bf16 channels_last": ["--bf16", "--channels-last"],
}
PRECISIONS = ["bf16", "f32"]


def measure(bench):
    mnist = bench.images("train")
    small = ["--conv", "32,64", "--hidden", "256", "--latent", "32", "--batch", "128"]
    # The convolutional VAE of MLX's examples, with 64x64 pixels.
    mlx = ["--conv", "16,32,64", "--kernel", "3", "--stride", "2", "--batch-norm", "--activation",
           "leaky-relu", "--hidden", "none", "--latent", "8", "--upsample", "nearest", "--batch",
           "128"]
    cases = [
        ("MNIST, 32,64 channels, 256 hidden, batch 128", mnist, small),
        ("10,000 of MNIST at 64x64, MLX's example, batch 128",
         bench.rows(10000, "64x64", source=mnist), mlx),
    ]
    tables, figures = [], {}
    for title, data, shape in cases[: bench.args.cases]:
        say(title)
        peers = {name: [*mode, *shape] for name, mode in PEERS.items()}
        samples, failures = bench.epochs(data, shape, peers, count=2)
        tables.append(bench.epochs_table(title, samples, failures))
        figures[title] = samples
    for part in [applied(bench, mnist, small), growth(bench, mnist)]:
        tables += part[0]
        figures |= part[1]
    return tables, figures


def applied(bench, data, shape):
    """Whole processes that encode and decode, and how far from PyTorch what they write is."""
    model, latents = "convolution.vae", "convolution-latents.npy"
    bench.run([bench.tool("vae-fit", data, "--epochs", 1, "--quiet", "-o", model, *shape)])
    bench.run([bench.tool("vae-encode", model)], stdin=data, stdout=latents)
    tables, figures = [], {}
    for name, source in [("encode", data), ("decode", latents)]:
        out = f"convolution-{name}.npy"
        contestants = {}
        for precision in PRECISIONS[::-1]:
            ours = bench.tool(f"vae-{name}", "--precision", precision, model)
            contestants[f"vae-{name} {precision}"] = \
                lambda ours=ours: [bench.run([ours], stdin=source, stdout=out)[0]]
        for title, options in APPLYING.items():
            stage = bench.torch(name, model, source, out, *options)
            contestants[f"PyTorch {title}"] = lambda stage=stage: [bench.run([stage])[0]]
        for turn in contestants.values():
            turn()  # the first run brings files and programs into memory
        samples, failures = take_turns(contestants, bench.args.rounds)
        note = "Start, reading, the model's work, writing; 1000 rows at a time in PyTorch."
        tables.append(comparison(f"To {name} 60,000 images, whole process", samples, failures, "s",
                                 [f"vae-{name} f32"], note))
        figures[f"convolution {name}"] = samples
    test, means, decoded = bench.images("test"), "convolution-means.npy", "convolution-decoded.npy"
    bench.run([bench.tool("vae-encode", model)], stdin=test, stdout=means)
    bench.run([bench.tool("vae-decode", model)], stdin=means, stdout=decoded)
    check = bench.records(bench.torch(
        "check", model, test, "--draws", 1, "--means", means, "--latents", means, "--decoded",
        decoded))[0]
    figures["convolution check"] = check
    worst = [[k.removesuffix("_difference"), f"{v:.1e}"]
             for k, v in check.items() if k.endswith("_difference")]
    tables.append(table("Difference from PyTorch in float64", ["", "largest"], worst))
    return tables, figures


def growth(bench, mnist):
    """How the time of an epoch of vae-fit grows."""
    standard = dict(channels=32, side=32, batch=128)
    sweeps = dict(channels=[8, 16, 32, 64], side=[16, 24, 32, 48, 64],
                  batch=[32, 64, 128, 256, 512, 1024])
    count = 10000
    tables, figures = [], {}
    for name, values in sweeps.items():
        contestants = {}
        for value in values:
            case = standard | {name: value}
            data = bench.rows(count, "{0}x{0}".format(case["side"]), source=mnist)
            options = ["--conv", f"{case['channels']},{2 * case['channels']}", "--hidden", "256",
                       "--latent", "32", "--batch", case["batch"], "--threads", bench.threads]
            for precision in PRECISIONS:
                contestants[f"{precision} {value}"] = \
                    lambda d=data, o=options, p=precision: bench.fit(
                        d, *o, "--precision", p, epochs=2)
        say(f"growth of convolutions with {name}")
        samples, _ = take_turns(contestants, max(2, bench.args.rounds // 2))
        figures[f"convolution growth with {name}"] = samples
        rows = []
        for value in values:
            row = [str(value)]
            for precision in PRECISIONS:
                seconds = median(samples[f"{precision} {value}"])
                operations = count * flops(standard | {name: value})
                row += [seconds, seconds and operations / seconds / 1e9]
            rows.append(row)
        rest = ", ".join(f"{k} {v}" for k, v in standard.items() if k != name)
        tables.append(table(
            f"Growth of convolutions with {name}", [name, "bf16 s", "GFLOP/s", "f32 s", "GFLOP/s"],
            rows, f"Median seconds an epoch of vae-fit, {count} pictures, convolutions of c and 2c "
            f"channels, 256 hidden, 32 latent; {rest}. 6 operations a product of the "
            "forward pass, less the first layer's gradient for its input."))
    return tables, figures


def flops(case, hidden=256, latent=32, kernel=4):
    """Floating-point operations of the products of a row in training."""
    channels, side, window = case["channels"], case["side"], kernel**2
    ends = (side // 2)**2 * channels * window
    middle = (side // 4)**2 * 2 * channels * channels * window
    flat = (side // 4)**2 * 2 * channels
    dense = 2 * flat * hidden + 3 * hidden * latent
    return 6 * (2 * ends + 2 * middle + dense) - 2 * ends

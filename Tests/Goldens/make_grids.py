#!/usr/bin/env python3
"""Makes grids/: small tensors and the pixels torchvision's save_image draws from them.

Needs torch, torchvision, numpy and pillow. Made with torch 2.13.0, torchvision 0.28.0.
cases.txt has a line a case: its name, the input, and png-grid's arguments. The expected pixels are
NAME.npy of shape (H, W, C), with the one channel that png-grid keeps for grey images.
"""

import io
import pathlib

import numpy as np
import torch
from PIL import Image
from torchvision.utils import save_image

folder = pathlib.Path(__file__).parent / "grids"
folder.mkdir(exist_ok=True)
torch.manual_seed(20)

# Values beyond [0, 1] too, since they are cut off.
inputs = {
    "grey": torch.rand(5, 1, 7, 6) * 1.6 - 0.3,
    "rgb": torch.rand(9, 3, 5, 4) * 1.6 - 0.3,
    "rgba": torch.rand(3, 4, 4, 5) * 1.6 - 0.3,
    "one": torch.rand(1, 1, 6, 5),
}
for name, tensor in inputs.items():
    array = tensor.numpy()
    np.save(folder / f"{name}.npy", array[:, 0] if array.shape[1] == 1 else array)

layouts = {
    "plain": ("", {}),
    "padded": (
        "--columns 2 --padding 3 --pad-value 0.7",
        dict(nrow=2, padding=3, pad_value=0.7),
    ),
    "tight": ("--columns 3 --padding 0", dict(nrow=3, padding=0)),
    "normalized": ("--normalize", dict(normalize=True)),
    "ranged": ("--range -0.2,1.1", dict(normalize=True, value_range=(-0.2, 1.1))),
    "each": ("--each", dict(normalize=True, scale_each=True)),
}

lines = []
for name, tensor in inputs.items():
    for layout, (arguments, keywords) in layouts.items():
        picture = io.BytesIO()
        save_image(tensor, picture, format="png", **keywords)
        pixels = np.array(Image.open(picture))
        if tensor.shape[1] == 1:
            assert (pixels[..., :1] == pixels).all()
            pixels = pixels[..., :1]
        np.save(folder / f"{name}-{layout}.npy", np.ascontiguousarray(pixels))
        lines.append(f"{name}-{layout} {name} {arguments}".rstrip())
(folder / "cases.txt").write_text("\n".join(lines) + "\n")

#!/usr/bin/env bash
# All that a model with two latents can draw: a grid over the plane, spaced by the quantiles of the
# normal distribution, so that each image stands for an equal share of the random ones. And where
# the test images lie on that plane.
#
#   Samples/manifold.sh [OUT]        MODEL=m.vae SET=fashion QUICK=1 as in Samples/README.md
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

model=$(model 2)
side=$(pick 10 20)

latent-grid 2 --plane 0,1 --steps "$side" | vae-decode "$model" |
  png-grid --columns "$side" --padding 0 >"$out/manifold.png"

test_rows --limit 2500 --labels >"$out/labels.npy"
test_rows --limit 2500 | vae-encode "$model" |
  png-scatter --size 560x480 --labels "$out/labels.npy" --title "$set: two latents" \
    >"$out/plane.png"

echo "nats an image of $set's test images, two latents"
printf '%-16s %8.2f\n' bound "$(test_rows | mean "$model")" \
  reconstruction "$(test_rows | mean "$model" --term recon)" \
  divergence "$(test_rows | mean "$model" --term kl)"
pictures "$out/manifold.png" "$out/plane.png"

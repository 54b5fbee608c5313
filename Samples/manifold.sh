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

# A line a grid point: the quantiles of (i + ½)/side, found by halving where the distribution
# function, by its series (Marsaglia 2004), passes them.
awk -v side="$side" '
  function share(x,    term, sum, n) {
    for (term = sum = x; sum != sum + term; sum += term) term *= x * x / (3 + 2 * n++)
    return 0.5 + sum * exp(-x * x / 2) / sqrt(2 * 3.14159265358979)
  }
  function quantile(p,    low, high, step) {
    low = -5; high = 5
    for (step = 0; step < 40; step++)
      if (share((low + high) / 2) < p) low = (low + high) / 2; else high = (low + high) / 2
    return low
  }
  BEGIN {
    for (i = 0; i < side; i++) q[i] = quantile((i + 0.5) / side)
    for (i = side; i--;) for (j = 0; j < side; j++) printf "%.6f,%.6f\n", q[j], q[i]
  }' | tensor-csv --read | vae-decode "$model" |
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

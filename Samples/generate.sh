#!/usr/bin/env bash
# Digits that nobody wrote: random latents, decoded. The table says how well the model knows digits
# that it did not learn from: the bound, its two parts, and a closer estimate of the likelihood.
#
#   Samples/generate.sh [OUT]        MODEL=m.vae SET=fashion QUICK=1 as in Samples/README.md
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

model=$(model 20)
randn 100 "$(width "$model")" --seed 1 | vae-decode "$model" |
  png-grid --columns 10 >"$out/samples.png"

echo "nats an image of $set's test images"
printf '%-32s %8.2f\n' \
  "bound" "$(test_rows | mean "$model")" \
  "  reconstruction" "$(test_rows | mean "$model" --term recon)" \
  "  divergence" "$(test_rows | mean "$model" --term kl)" \
  "-ln p, 500 draws, 1,000 images" \
  "$(test_rows --limit 1000 | mean "$model" --term nll --particles "$(pick 50 500)")"
pictures "$out/samples.png"

#!/usr/bin/env bash
# The same hand writes every digit: a model that is given the label of each row keeps the style in its
# latents, so that eight points of the latent space, decoded as a nought, a one and so on, give eight
# columns of a hand each. It is a classifier, too: under which label is a digit most probable?
#
#   Samples/conditional.sh [OUT]     SET=set QUICK=1
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

train --labels >"$out/labels.npy"
test_rows >"$out/test.npy"
test_rows --labels >"$out/truth.npy"

model=$out/conditional$(pick -quick '').vae
if [[ ! -e $model ]]; then
  say "training $model"
  train | vae-fit --quiet -y "$out/labels.npy" --latent 10 \
    --epochs "$(pick 2 20)" -o "$model"
fi

randn 8 10 --seed 5 >"$out/z.npy"
for digit in {0..9}; do vae-decode "$model" --label "$digit" "$out/z.npy"; done |
  png-grid --columns 8 >"$out/hands.png"

# The label that makes a row most probable, beside the true one.
vae-score "$model" --classify "$out/test.npy" | tensor-csv |
  awk -F, '{ best = 1; for (i = 2; i <= NF; i++) if ($i > $best) best = i; print best - 1 }' |
  paste -d, - <(tensor-csv "$out/truth.npy") |
  awk -F, '{ right += $1 == $2 } END { printf "read as the right digit: %.1f %% of %d\n", 100 * right / NR, NR }'
pictures "$out/hands.png"

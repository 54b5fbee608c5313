#!/usr/bin/env bash
# Originals over reconstructions: what a model keeps of digits that it has not seen, with 2, 5 and
# 20 latents. More latents cost more divergence and save more reconstruction.
#
#   Samples/reconstruct.sh [OUT]     MODEL=m.vae SET=fashion QUICK=1 as in Samples/README.md
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

test_rows --float --limit 16 >"$out/rows.npy"
cp "$out/rows.npy" "$out/pictured.npy"

sizes='2 5 20'
if [[ -n ${MODEL-} ]]; then sizes=its; fi
echo "latents  reconstruction  divergence   bound  squared error a pixel"
for latents in $sizes; do
  model=$(model "$latents")
  vae-encode "$model" "$out/rows.npy" | vae-decode "$model" >>"$out/pictured.npy"
  printf '%7s  %14.2f  %10.2f  %6.2f  %21.4f\n' "$(width "$model")" \
    "$(test_rows | mean "$model" --term recon)" "$(test_rows | mean "$model" --term kl)" \
    "$(test_rows | mean "$model")" "$(test_rows | mean "$model" --term mse --at-mean)"
done

png-grid --columns 16 "$out/pictured.npy" >"$out/reconstructions.png"
pictures "$out/reconstructions.png"

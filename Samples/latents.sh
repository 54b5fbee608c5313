#!/usr/bin/env bash
# Where a model without labels puts the digits: its latents laid out in the plane by t-SNE and by
# their two principal components, coloured by label. The table counts the images whose nearest
# neighbour is the same digit, and those that a linear probe reads right.
#
#   Samples/latents.sh [OUT]         MODEL=m.vae SET=fashion QUICK=1 as in Samples/README.md
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

model=$(model 20)
rows=$(pick 500 2500)
test_rows --limit "$rows" | vae-encode "$model" >"$out/latents.npy"
test_rows --labels --limit "$rows" >"$out/labels.npy"

tsne --quiet "$out/latents.npy" >"$out/tsne.npy"
pca --quiet "$out/latents.npy" >"$out/pca.npy"
for map in tsne pca; do
  png-scatter --size 560x480 --labels "$out/labels.npy" --title "$set: latents by $map" \
    "$out/$map.npy" >"$out/$map.png"
done

# neighbours FILE: the share of the first 1,000 rows whose nearest has their label.
neighbours() {
  tensor-cat --columns --plain "$1" "$out/labels.npy" | tensor-csv | awk -F, '
      { for (i = 1; i < NF; i++) x[NR, i] = $i; label[NR] = $NF }
      END {
        rows = NR < 1000 ? NR : 1000
        for (a = 1; a <= rows; a++) {
          least = -1
          for (b = 1; b <= NR; b++) if (a != b) {
            square = 0
            for (i = 1; i < NF && (least < 0 || square < least); i++)
              square += (x[a, i] - x[b, i]) ^ 2
            if (least < 0 || square < least) { least = square; nearest = b }
          }
          right += label[nearest] == label[a]
        }
        printf "%.1f %%\n", 100 * right / rows
      }'
}

echo "nearest neighbour is the same digit"
for map in latents tsne pca; do
  printf '  %-10s %8s\n' "$map" "$(neighbours "$out/$map.npy")"
done

if [[ ! -e $out/$set.probe ]]; then
  train --labels >"$out/answers.npy"
  train | vae-encode "$model" | probe-fit --quiet --labels "$out/answers.npy" -o "$out/$set.probe"
fi
test_rows --labels >"$out/truth.npy"
printf 'a linear probe is right\n  %-10s %6s %%\n' latents \
  "$(test_rows | vae-encode "$model" | accuracy "$out/$set.probe" "$out/truth.npy")"
pictures "$out/tsne.png" "$out/pca.png"

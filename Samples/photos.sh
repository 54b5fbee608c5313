#!/usr/bin/env bash
# Photographs of mixed sizes: cut to squares, learned by convolutions and by a dense network for the
# same time, and compared by what they cost: bits a dimension, of pictures that neither saw. The grid
# has sixteen of these over their reconstructions by each model. Without a folder it draws pictures
# first, of soft discs, some wide, some high.
#
#   Samples/photos.sh [OUT]          IMAGES=folder SIZE=32x32 SECONDS_EACH=60 QUICK=1
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

# drawn COUNT HEIGHT WIDTH: as many lines, each the values of a picture.
drawn() {
  awk -v count="$1" -v height="$2" -v width="$3" '
    function random() { state = state * 16807 % 2147483647; return state / 2147483647 }
    BEGIN {
      for (state = height * 100 + width; count--;) {
        for (d = 0; d < 6; d++) {
          across[d] = width * random(); down[d] = height * random(); radius[d] = 4 + 12 * random()
          for (c = 0; c < 3; c++) light[d, c] = 255 * random()
        }
        for (c = 0; c < 3; c++) for (y = 0; y < height; y++) for (x = 0; x < width; x++) {
          value = 40 + 60 * y / height
          for (d = 0; d < 6; d++) {
            near = exp(-((x - across[d]) ^ 2 + (y - down[d]) ^ 2) / radius[d] ^ 2)
            value += near * (light[d, c] - value)
          }
          printf "%s%d", c + y + x ? "," : "", value
        }
        print ""
      }
    }'
}

images=${IMAGES:-$out/images}
if [[ ! -e $images ]]; then
  say "drawing $images"
  mkdir "$images.part"
  for size in 32x40 40x32 48x64; do
    drawn "$(pick 30 400)" "${size%x*}" "${size#*x}" |
      tensor-csv --read --type u1 --shape "3x$size" | png-split --prefix "$images.part/$size-"
  done
  mv "$images.part" "$images"
fi

printf '%s\n' "$images"/* >"$out/files.txt"
png-cat --rgb --size "${SIZE:-32x32}" --crop --files-from "$out/files.txt" >"$out/all.npy"
tensor-head :-16 "$out/all.npy" >"$out/known.npy"
tensor-head -16: "$out/all.npy" >"$out/unknown.npy"

learn=(--likelihood logistic --latent 64 --activation silu --batch 64 --epochs 100000
  --max-time "${SECONDS_EACH:-$(pick 2 60)}s" --bias-from-data)
for kind in convolutions dense; do
  model=$out/$kind$(pick -quick '').vae
  [[ ! -e $model ]] || continue
  say "training $model"
  layers=(--hidden "512,256")
  [[ $kind == dense ]] || layers=(--conv "32,64,128")
  vae-fit --quiet "${layers[@]}" "${learn[@]}" "$out/known.npy" -o "$model"
done

tensor-cat --unit "$out/unknown.npy" >"$out/rows.npy"
printf '%-14s %s\n' 'trained alike' 'bits a dimension'
for kind in convolutions dense; do
  model=$out/$kind$(pick -quick '').vae
  vae-encode "$model" "$out/unknown.npy" | vae-decode "$model" >>"$out/rows.npy"
  printf '%-14s %s\n' "$kind" \
    "$(vae-score --summary --json "$model" "$out/unknown.npy" |
      sed 's/.*"bits_per_dimension"[^0-9-]*\([0-9.e-]*\).*/\1/')"
done
png-grid --columns 16 "$out/rows.npy" >"$out/grid.png"
pictures "$out/grid.png"

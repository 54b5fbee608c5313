#!/usr/bin/env bash
# Your own images: a folder of PNGs in, a model of them and a grid out. Without a folder it draws
# one first, of discs, squares and rings in colour. The grid has sixteen images that the model did
# not learn from, over their reconstructions, over two rows of random ones.
#
#   Samples/own-images.sh [OUT]      IMAGES=folder SIZE=32x32 QUICK=1
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

# shapes COUNT: as many lines, each the red, green and blue values of 32×32 pixels.
shapes() {
  awk -v count="$1" '
    function random() { state = state * 16807 % 2147483647; return state / 2147483647 }
    function inside(x, y,    across, along) {
      across = x < 0 ? -x : x; along = y < 0 ? -y : y
      if (kind == 1) return across < radius && along < radius
      return x * x + y * y < radius ^ 2 && (kind == 0 || x * x + y * y > radius ^ 2 / 3)
    }
    BEGIN {
      for (state = 1; count--;) {
        kind = int(3 * random()); radius = 6 + 6 * random()
        left = 13 + 6 * random(); top = 13 + 6 * random(); hue = 6.2832 * random()
        for (channel = 0; channel < 3; channel++) {
          value = int(140 + 115 * cos(hue + channel * 2.0944))
          for (y = 0; y < 32; y++) for (x = 0; x < 32; x++)
            printf "%s%d", channel + y + x ? "," : "", inside(x - left, y - top) ? value : 20
        }
        print ""
      }
    }'
}

images=${IMAGES:-$out/images}
if [[ ! -e $images ]]; then
  say "drawing $images"
  mkdir "$images.part"
  count=$(pick 80 400)
  shapes "$count" | tensor-csv --read --type u1 --shape 3x32x32 |
    png-split --prefix "$images.part/"
  mv "$images.part" "$images"
fi

png-cat --rgb --size "${SIZE:-32x32}" --crop "$images"/*.png >"$out/all.npy"
tensor-head :-16 "$out/all.npy" >"$out/known.npy"
tensor-head -16: "$out/all.npy" >"$out/unknown.npy"

model=${MODEL:-$out/own$(pick -quick '').vae}
if [[ ! -e $model ]]; then
  say "training $model"
  vae-fit --quiet "$out/known.npy" --latent 12 --batch 16 --epochs "$(pick 40 200)" \
    -o "$model"
fi

{
  tensor-cat --unit "$out/unknown.npy"
  vae-encode "$model" "$out/unknown.npy" | vae-decode "$model"
  randn 32 "$(vae-encode "$model" "$out/unknown.npy" | tensor-csv | awk -F, 'END { print NF }')" \
    --seed 1 | vae-decode "$model"
} | png-grid --columns 16 >"$out/grid.png"

echo "nats an image      learned from  others"
for term in elbo recon kl; do
  printf '%-18s %12.1f %7.1f\n' "$term" "$(mean "$model" --term "$term" <"$out/known.npy")" \
    "$(mean "$model" --term "$term" <"$out/unknown.npy")"
done
pictures "$out/grid.png"

#!/usr/bin/env bash
# A walk from 0 through 1, 2 … 9 back to 0, in ten steps each: row d of a picture leaves digit d for
# the next. Between two digits lie digits when the latents are mixed, along the line or along the
# arc around the origin; when the pixels are, two ghosts. The table says what the model makes of
# the stops and of what lies half way: where its bound jumps, the images are no digits.
#
#   Samples/interpolate.sh [OUT]     MODEL=m.vae SET=fashion QUICK=1 as in Samples/README.md
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

model=$(model 10)
for class in 0 1 2 3 4 5 6 7 8 9 0; do
  # Of many, the one that the model finds neither the plainest nor the strangest.
  test_rows --classes "$class" --limit "$(pick 20 200)" >"$out/class.npy"
  row=$(vae-score "$model" --at-mean "$out/class.npy" | tensor-csv | nl | sort -k 2g |
    awk '{ row[NR] = $1 - 1 } END { print row[int((NR + 1) / 2)] }')
  tensor-head "$row:$((row + 1))" "$out/class.npy"
done >"$out/stops.npy"

# The last of the 101 rows is the first again.
vae-encode "$model" "$out/stops.npy" >"$out/latents.npy"
lerp "$out/latents.npy" | vae-decode "$model" | tensor-head :100 >"$out/line.npy"
lerp --spherical "$out/latents.npy" | vae-decode "$model" | tensor-head :100 >"$out/arc.npy"
lerp "$out/stops.npy" | tensor-head :100 >"$out/pixels.npy"

# at SLICE FILE: the bound of some images, without the noise of draws.
at() { tensor-head "$1" "$2" | mean "$model" --at-mean; }

echo "nats an image           stops  half way"
for path in line arc pixels; do
  png-grid --columns 10 "$out/$path.npy" >"$out/$path.png"
  printf '%-20s %8.2f  %8.2f\n' "$path" "$(at ::10 "$out/$path.npy")" "$(at 5::10 "$out/$path.npy")"
done
pictures "$out/line.png" "$out/arc.png" "$out/pixels.png"

#!/usr/bin/env bash
# Filters in other languages, in the middle of a pipeline: random latents are drawn in by a filter
# in C, which makes the digits more usual ones, and their images turned to dark on white by one in
# Python. Says which it skips: C without a compiler, Python without NumPy.
#
#   Samples/plugins/plugins.sh [OUT]    MODEL=m.vae SET=fashion QUICK=1 as in Samples/README.md
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=Samples/lib.sh
source "$here/../lib.sh"

scale=(cat) invert=(cat)
if command -v cc >/dev/null; then
  cc -O2 -o "$out/scale" "$here/scale.c"
  scale=("$out/scale" 0.6)
else
  say "skipped scale: no C compiler"
fi
if python3 -c 'import numpy' 2>/dev/null; then
  invert=(python3 -B "$here/invert.py")
else
  say "skipped invert: no Python 3 with NumPy"
fi

model=$(model 20)
randn 100 "$(width "$model")" --seed 1 >"$out/latents.npy"
"${scale[@]}" <"$out/latents.npy" >"$out/scaled.npy"

# The pipeline, as one would write it: randn … | scale 0.6 | vae-decode … | invert.py | png-grid
"${scale[@]}" <"$out/latents.npy" | vae-decode "$model" | "${invert[@]}" |
  png-grid --columns 10 --pad-value 1 >"$out/plugins.png"

# spread FIELD < rows: what tensor-info says of them.
spread() { tensor-info | awk -v field="$1" '$1 == field { printf "%.4f", $2 }'; }

printf '%-40s %s\n' \
  "deviation of random latents" "$(spread std <"$out/latents.npy")" \
  "the same after ${scale[*]##*/}" "$(spread std <"$out/scaled.npy")" \
  "mean of their images" "$(vae-decode "$model" "$out/scaled.npy" | spread mean)" \
  "the same after $(basename "${invert[${#invert[@]} - 1]}")" \
  "$(vae-decode "$model" "$out/scaled.npy" | "${invert[@]}" | spread mean)"
pictures "$out/plugins.png"

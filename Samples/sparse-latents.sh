#!/usr/bin/env bash
# Is it worth coding latents rather than pixels? Test images are written as the same small number
# of atoms, out of 256 each way: their latents as atoms of latents, then decoded; and their pixels
# as atoms of pixels. The table has the squared error a pixel, and how many of the results a
# network that reads the originals takes for the right digit.
#
#   Samples/sparse-latents.sh [OUT]  MODEL=m.vae SET=fashion QUICK=1 as in Samples/README.md
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

model=$(model 20)
rows=$(pick 200 2000)
test_rows --float --limit "$rows" >"$out/images.npy"
test_rows --labels --limit "$rows" >"$out/truth.npy"
vae-encode "$model" "$out/images.npy" >"$out/latents.npy"

# The dictionaries are learned from training images; so is the reader.
atoms=$(pick 64 256)
kept=$set$(pick -quick '')
if [[ ! -e $out/$kept.probe ]]; then
  say "learning dictionaries and a reader"
  train | vae-encode "$model" | sparse-code --quiet -k "$atoms" -o "$out/$kept-latents.dict" \
    >/dev/null
  train --float --limit "$(pick 2000 20000)" |
    sparse-code --quiet -k "$atoms" -o "$out/$kept-pixels.dict" >/dev/null
  train --labels >"$out/answers.npy"
  train | probe-fit --quiet --finetune "$model" --epochs "$(pick 10 5)" \
    --labels "$out/answers.npy" -o "$out/$kept.probe"
fi

# coded KIND ATOMS: rows → codes of so many atoms → rows.
coded() {
  local dictionary=$out/$kept-$1.dict
  sparse-code --quiet -d "$dictionary" --solver omp --sparsity "$2" | sparse-decode "$dictionary"
}

# error FILE: the mean squared difference from the images, of values cut to 0 … 1.
error() {
  paste -d , <(tensor-csv "$out/images.npy") <(tensor-csv "$1") | awk -F, '
    {
      for (i = 1; i <= NF / 2; i++) {
        x = $(i + NF / 2)
        sum += ($i - (x < 0 ? 0 : x > 1 ? 1 : x)) ^ 2
      }
    }
    END { printf "%.4f", sum / (NR * NF / 2) }'
}

# figures FILE: the error, and what is read right.
figures() { printf '%8s %7s' "$(error "$1")" "$(accuracy "$out/$kept.probe" "$out/truth.npy" <"$1")"; }

echo "$rows test images of $set, $atoms atoms of latents and of pixels"
echo "            latents           pixels"
echo "  atoms    error   right    error   right"
tensor-head -n 16 "$out/images.npy" >"$out/pictured.npy"
for count in $(pick '1 4' '1 2 3 5 8 12 16 20'); do
  coded latents "$count" <"$out/latents.npy" | vae-decode "$model" >"$out/from-latents.npy"
  coded pixels "$count" <"$out/images.npy" >"$out/from-pixels.npy"
  printf '%7d %s %s\n' "$count" "$(figures "$out/from-latents.npy")" \
    "$(figures "$out/from-pixels.npy")"
  case $count in 1 | 3 | 4 | 8)
    for kind in latents pixels; do
      tensor-head -n 16 "$out/from-$kind.npy"
    done >>"$out/pictured.npy"
    ;;
  esac
done
vae-decode "$model" "$out/latents.npy" >"$out/whole.npy"
printf '    all %s\n' "$(figures "$out/whole.npy")"
printf 'originals        - %7s\n' "$(accuracy "$out/$kept.probe" "$out/truth.npy" <"$out/images.npy")"

png-grid --columns 16 "$out/pictured.npy" >"$out/sparse-latents.png"
pictures "$out/sparse-latents.png"

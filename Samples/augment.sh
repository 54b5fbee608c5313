#!/usr/bin/env bash
# Few labels, more images: a model that learned all images without labels draws more of the few
# that have one, and a network is trained, for as many steps, on
#
#   alone    the labelled images
#   draws    these, and 20 draws from the posterior of each, decoded
#   walks    these, and 20 images on the way from each to the next of its digit
#
#   Samples/augment.sh [OUT]         MODEL=m.vae SET=fashion QUICK=1 as in Samples/README.md
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

model=$(model 20)
times=$(pick 4 20)
test_rows >"$out/test.npy"
test_rows --labels >"$out/truth.npy"

# repeat TIMES FILE
repeat() { for ((i = 0; i < $1; i++)); do cat "$2"; done; }

# add NAME LABEL: images, with their label, to the training set of that name.
add() {
  tee -a "$out/$1.npy" | tensor-info --json |
    sed 's/.*"shape" *: *\[ *\([0-9]*\).*/\1/' |
    awk -v label="$2" '{ while ($1--) print label }' >>"$out/$1.csv"
}

# read_by NAME PASSES: what a network reads right that passes so often over that training set.
read_by() {
  tensor-csv --read --type u1 "$out/$1.csv" >"$out/$1-labels.npy"
  probe-fit --quiet --finetune "$model" --reinitialise --batch 20 --epochs "$2" \
    --labels "$out/$1-labels.npy" "$out/$1.npy" -o "$out/$1.probe"
  accuracy "$out/$1.probe" "$out/truth.npy" <"$out/test.npy"
}

# compare EACH PART: one line, for so many labelled images of each class.
compare() {
  local few=$out/few.npy class name passes
  for name in alone draws walks; do : >"$out/$name.npy" && : >"$out/$name.csv"; done
  for class in 0 1 2 3 4 5 6 7 8 9; do
    train --float --classes "$class" --limit $(($1 * ($2 + 1))) >"$out/class.npy"
    tensor-head "$(($1 * $2)):" "$out/class.npy" >"$few"
    for name in alone draws walks; do add "$name" "$class" <"$few"; done
    # The noise of a draw depends on its place in the stream.
    repeat "$times" "$few" | vae-encode "$model" --sample --seed "$2" | vae-decode "$model" |
      add draws "$class"
    # All the way round, back to the first.
    tensor-head -n 1 "$few" | cat "$few" - | vae-encode "$model" | lerp --steps "$times" |
      vae-decode "$model" | add walks "$class"
  done
  passes=$((20000 / (10 * $1 * (times + 1)) + 1))
  printf '%s %s %s %s\n' $((10 * $1)) "$(read_by alone $((passes * (times + 1))))" \
    "$(read_by draws "$passes")" "$(read_by walks "$passes")"
}

parts=$(pick 1 3)
echo "% of $set's test images read right, mean of $parts choices of labelled images"
printf 'labels   alone   draws   walks\n'
for each in $(pick 5 '2 5 10 50'); do
  for ((part = 0; part < parts; part++)); do compare "$each" "$part"; done |
    awk '{ for (i = 1; i <= NF; i++) sum[i] += $i }
      END { printf "%6d %7.2f %7.2f %7.2f\n", $1, sum[2] / NR, sum[3] / NR, sum[4] / NR }'
done

# Five images, and beside each ten draws from its posterior.
for class in 1 2 3 4 5; do
  train --float --classes "$class" --limit 1 >"$out/few.npy"
  cat "$out/few.npy"
  repeat 10 "$out/few.npy" | vae-encode "$model" --sample | vae-decode "$model"
done | png-grid --columns 11 >"$out/draws.png"
pictures "$out/draws.png"

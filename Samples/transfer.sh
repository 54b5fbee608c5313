#!/usr/bin/env bash
# What is learned from some images without labels helps to read others with few labels. A model
# learns the digits 0 to 4; then 5 to 9 are read, from so many of them with their labels, by
#
#   pixels   softmax regression on the images
#   frozen   softmax regression on the latents of that model
#   tuned    its encoder and a head, trained further
#   fresh    the same network, from random weights
#
# Where Fashion-MNIST is found (mnist-fetch --set fashion), the same from digits to clothes.
#
#   Samples/transfer.sh [OUT]        SET=kmnist QUICK=1 as in Samples/README.md
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

sizes=$(pick '20 200' '20 50 200 1000 5000')
[[ $set != digits ]] || sizes=${sizes% 5000}
parts=$(pick 1 3)

# read_by MODEL LABELS PART: what the four read right with that part of all labels.
read_by() {
  local images=$out/images.npy labels=$out/labels.npy tune
  tensor-head $(($2 * $3)):$(($2 * ($3 + 1))) "$out/train.npy" >"$images"
  tensor-head $(($2 * $3)):$(($2 * ($3 + 1))) "$out/answers.npy" >"$labels"
  # As many steps for a few labels as for more.
  tune=(--finetune "$1" --batch 20 --epochs $(($2 < 1000 ? 10000 / $2 : 10)))
  probe-fit --quiet --labels "$labels" "$images" -o "$out/pixels.probe"
  vae-encode "$1" "$images" | probe-fit --quiet --labels "$labels" -o "$out/frozen.probe"
  probe-fit --quiet --labels "$labels" "${tune[@]}" "$images" -o "$out/tuned.probe"
  probe-fit --quiet --labels "$labels" "${tune[@]}" --reinitialise "$images" -o "$out/fresh.probe"
  printf '%d %s %s %s %s\n' "$2" \
    "$(accuracy "$out/pixels.probe" "$out/truth.npy" <"$out/test.npy")" \
    "$(vae-encode "$1" "$out/test.npy" | accuracy "$out/frozen.probe" "$out/truth.npy")" \
    "$(accuracy "$out/tuned.probe" "$out/truth.npy" <"$out/test.npy")" \
    "$(accuracy "$out/fresh.probe" "$out/truth.npy" <"$out/test.npy")"
}

# compare NAME MODEL MNIST-CAT-OPTION...: a table, and a picture of it.
compare() {
  local name=$1 model=$2 size part
  train "${@:3}" >"$out/train.npy"
  train "${@:3}" --labels >"$out/answers.npy"
  test_rows "${@:3}" >"$out/test.npy"
  test_rows "${@:3}" --labels >"$out/truth.npy"
  printf 'labels  pixels  frozen   tuned   fresh\n'
  for size in $sizes; do
    for ((part = 0; part < parts; part++)); do read_by "$model" "$size" "$part"; done |
      awk '{ for (i = 1; i <= NF; i++) sum[i] += $i }
        END {
          printf "%6d %7.2f %7.2f %7.2f %7.2f\n",
            $1, sum[2] / NR, sum[3] / NR, sum[4] / NR, sum[5] / NR
        }'
  done | tee "$out/$name.txt"
  draw "$name"
}

# draw NAME: the columns of the table as lines of points, over the logarithm of the first.
draw() {
  local way
  : >"$out/points.npy"
  : >"$out/ways.csv"
  for way in 0 1 2 3; do
    awk -v column=$((way + 2)) '{ printf "%.6f,%s\n", log($1) / log(10), $column }' "$out/$1.txt" |
      tensor-csv --read | lerp --steps 40 >"$out/line.npy"
    cat "$out/line.npy" >>"$out/points.npy"
    tensor-csv "$out/line.npy" | sed "s/.*/$way/" >>"$out/ways.csv"
  done
  tensor-csv --read --type u1 "$out/ways.csv" >"$out/ways.npy"
  png-scatter --stretch --size 640x440 --labels "$out/ways.npy" --names pixels,frozen,tuned,fresh \
    --title "$1" --x-label 'log10 of the number of labels' --y-label '% read right' \
    "$out/points.npy" >"$out/$1.png"
}

echo "% of test images read right, mean of $parts choices of labelled images"
echo "from the digits 0 to 4 of $set to 5 to 9"
compare "$set" "$(model 20 0,1,2,3,4)" --classes 5,6,7,8,9
left=("$out/$set.png")
if [[ $set != fashion ]] && has fashion; then
  echo "from $set to fashion"
  compare fashion "$(model 20)" --set fashion
  left+=("$out/fashion.png")
fi
pictures "${left[@]}"

#!/usr/bin/env bash
# Leave one digit out: a model learns nine digits, and scores test images of all ten. The table has
# the area under the ROC curve, the chance that an image of the digit it never saw scores worse
# than one of another digit: by the bound, and by the reconstruction alone. A 1 is hardly ever
# found, with many latents never: an image of few strokes costs few nats, known or not. Row d of
# the picture shows the test images that the model of two latents without digit d finds strangest.
#
#   Samples/anomaly.sh [OUT]         SET=fashion QUICK=1 as in Samples/README.md
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

digits=$(pick '0 1' '0 1 2 3 4 5 6 7 8 9')
few=2 many=32
# Narrow before the latents and normalised, like the convolutional networks of Tonnaer's thesis,
# whose areas the README beside this has for comparison.
shape=(--hidden "512,256,64" --batch-norm)
test_rows --labels | tensor-csv >"$out/labels.csv"
test_rows | tensor-csv >"$out/images.csv"

# auroc DIGIT < a score a line: the share of pairs in the right order; equal scores count half.
auroc() {
  paste -d ' ' - "$out/labels.csv" | sort -g | awk -v digit="$1" '
    $1 != last { share(); last = $1 }
    { if ($2 == digit) strange++; else known++ }
    END { share(); printf "%.3f\n", area / (below * above) }
    function share() {
      area += strange * (below + known / 2)
      above += strange; below += known; strange = known = 0
    }'
}

# strangest < a score a line: the ten test images with the highest, as a stream.
strangest() {
  paste -d , - "$out/images.csv" | sort -t , -k 1,1gr | awk 'NR <= 10' | cut -d , -f 2- |
    tensor-csv --read --type u1 --shape 28x28
}

: >"$out/strangest.npy"
printf 'area under the ROC curve, models of nine digits of %s\n\n' "$set"
printf '           %10d latents          %10d latents\n' "$few" "$many"
printf 'left out   bound  reconstruction   bound  reconstruction\n'
for digit in $digits; do
  others=0,1,2,3,4,5,6,7,8,9
  others=${others/$digit,/}
  others=${others/,$digit/}
  areas=()
  for latents in $few $many; do
    model=$(model "$latents" "$others")
    test_rows | vae-score "$model" --particles "$(pick 1 10)" | tensor-csv >"$out/scores.csv"
    areas+=("$(auroc "$digit" <"$out/scores.csv")"
      "$(test_rows | vae-score "$model" --term recon --at-mean | tensor-csv | auroc "$digit")")
    if ((latents == few)); then strangest <"$out/scores.csv" >>"$out/strangest.npy"; fi
  done
  printf '%8d %7s %15s %7s %15s\n' "$digit" "${areas[@]}"
done | tee "$out/areas.txt"
awk '{ for (i = 2; i <= 5; i++) sum[i] += $i }
  END { printf "    mean %7.3f %15.3f %7.3f %15.3f\n", sum[2]/NR, sum[3]/NR, sum[4]/NR, sum[5]/NR }' \
  "$out/areas.txt"

png-grid --columns 10 "$out/strangest.npy" >"$out/strangest.png"
pictures "$out/strangest.png"

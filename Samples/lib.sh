# shellcheck shell=bash
# What the samples share. Sourced, never run. Leaves these names:
#
#   out   the folder of what a sample makes, its models too: its operand, $OUT, or out/<sample>
#   set   the images: $SET, or MNIST where mnist-cat finds it, or the digits that come with it
#
# and heeds MODEL, a model to use rather than train one, and QUICK=1: small sizes, poor figures.

# The comment at the head of a sample is its help.
case ${1-} in
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" && exit ;;
esac

export LC_ALL=C # sort and awk take and write numbers with a point
# Installed tools are used first, then those of `swift build -c release`.
PATH=$PATH:$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.build/release

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

if ! command -v vae-fit >/dev/null; then
  say "no vae-fit: run Scripts/install, or swift build -c release"
  exit 69
fi

out=${1:-${OUT:-out/$(basename "$0" .sh)}}
mkdir -p "$out"

# has SET: whether mnist-cat finds it.
has() { mnist-cat test --set "$1" --limit 1 >/dev/null 2>&1; }

if has mnist; then set=${SET:-mnist}; else set=${SET:-digits}; fi

# pick QUICK FULL: the first with QUICK=1, else the second.
pick() { if [[ ${QUICK-} == 1 ]]; then printf '%s' "$1"; else printf '%s' "$2"; fi; }

train() { mnist-cat train --set "$set" --limit "$(pick 2000 60000)" "$@"; }
test_rows() { mnist-cat test --set "$set" --limit "$(pick 500 10000)" "$@"; }

shape=(--hidden "512,256")

# fit MODEL LATENTS: rows → a model of that shape.
fit() {
  say "training $1"
  local passes=(--epochs 20)
  [[ $set != digits ]] || passes=(--epochs "$(pick 10 60)" --batch 64)
  vae-fit --quiet "${shape[@]}" --latent "$2" "${passes[@]}" -o "$1"
}

# model LATENTS [CLASSES]: the path of a model of these classes of `set`: $MODEL where all will do,
# else one that is trained at the first run.
model() {
  local path
  path=$out/$set-$1${2:+-of-${2//,/}}$(pick -quick '').vae
  if [[ -n ${MODEL-} && -z ${2-} ]]; then
    path=$MODEL
  elif [[ ! -e $path ]]; then
    train --classes "${2:-0,1,2,3,4,5,6,7,8,9}" | fit "$path" "$1" || return
  fi
  printf '%s' "$path"
}

# width MODEL: how many latents it has.
width() { test_rows --limit 1 | vae-encode "$1" | tensor-csv | awk -F, '{ print NF }'; }

# mean MODEL [OPTION...]: rows → the mean of a score of vae-score.
mean() { vae-score "$1" --summary "${@:2}" | awk '{ print $2 }'; }

# accuracy PROBE LABELS: rows → the percentage that the probe reads right.
accuracy() {
  probe-predict --quiet "$1" | tensor-csv | paste - <(tensor-csv "$2") |
    awk '$1 == $2 { right++ } END { printf "%.2f", 100 * right / NR }'
}

# pictures FILE...: names what the sample left, in the end.
pictures() { printf '\n' && printf 'picture  %s\n' "$@"; }

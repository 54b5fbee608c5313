#!/usr/bin/env bash
# A sweep: a model for each number of latents and each weight of the divergence, several at once,
# by make. What is there already is not trained again, so that a sweep that was stopped goes on, and
# one with more values adds to it. The table has what each came to; the plot the loss of all runs.
#
#   Samples/sweep.sh [OUT]           LATENTS='2 10' BETAS='1 4' JOBS=2 SET=fashion QUICK=1
set -euo pipefail
# shellcheck source=Samples/lib.sh
source "$(dirname "$0")/lib.sh"

command -v make >/dev/null || { say "no make: apt-get install make" && exit 69; }
[[ -e $out/rows.npy ]] || train >"$out/rows.npy"

# One thread a run: several runs together finish sooner than one after the other.
cat >"$out/Makefile" <<'END'
runs := $(foreach l,$(LATENTS),$(foreach b,$(BETAS),latent$(l)-beta$(b)))
latent = $(patsubst latent%,%,$(word 1,$(subst -, ,$*)))
beta = $(patsubst beta%,%,$(word 2,$(subst -, ,$*)))

curves.png: $(runs:=.vae)
	png-curves --metrics loss --size 900x600 $(runs:=.jsonl) > $@

%.vae: rows.npy
	vae-fit --quiet --threads 1 --input rows.npy --valid 0.1 --epochs $(EPOCHS) \
	  --latent $(latent) --beta $(beta) --log $*.jsonl -o $@

.DELETE_ON_ERROR:
END
make -s -C "$out" -j "${JOBS:-2}" EPOCHS="$(pick 2 10)" \
  LATENTS="${LATENTS:-$(pick '2 10' '2 10 50')}" BETAS="${BETAS:-$(pick '1 4' '0.5 1 4')}"

# fact NAME: what vae-info, whose lines are in `info`, says of it.
fact() { awk -v name="$1" '$1 == name { print $2 }' <<<"$info"; }

echo "nats an image of $set that was held out"
printf '%-8s %6s %10s %15s %10s\n' latents beta loss reconstruction divergence
for model in "$out"/latent*.vae; do
  info=$(vae-info "$model")
  printf '%-8s %6s %10.2f %15.2f %10.2f\n' "$(fact config.latent)" "$(fact config.beta)" \
    "$(fact training.last.validation.loss)" "$(fact training.last.validation.reconstruction)" \
    "$(fact training.last.validation.kl)"
done | sort -n -k 1 -k 2 | tee "$out/table.txt"
pictures "$out/curves.png"

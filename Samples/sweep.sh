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
	vae-fit --quiet --threads 1 rows.npy --valid 0.1 --epochs $(EPOCHS) \
	  --latent $(latent) --beta $(beta) --log $*.jsonl -o $@

.DELETE_ON_ERROR:
END
make -s -C "$out" -j "${JOBS:-2}" EPOCHS="$(pick 2 10)" \
  LATENTS="${LATENTS:-$(pick '2 10' '2 10 50')}" BETAS="${BETAS:-$(pick '1 4' '0.5 1 4')}"

echo "nats an image of $set, those held out with valid_"
vae-info --table --columns latent,beta,loss,valid_loss,valid_reconstruction,valid_kl \
  "$out"/latent*.vae >"$out/table.tsv"
{ head -n 1 "$out/table.tsv" && tail -n +2 "$out/table.tsv" | sort -n -k 1 -k 2; } | expand -t 8,16,26,38,60
pictures "$out/curves.png"

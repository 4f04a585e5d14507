#!/bin/sh
# What a network gains that is told sigma: trains conv4 and conv4-sigma with three seeds each and
# prints the table of docs/training.md.
#
#   scripts/told_table.sh MNIST_FOLDER OUT_FOLDER
#
# An hour on one core. An interrupted training goes on where it stopped.
set -eu

if [ $# -ne 2 ]; then
    sed -n 2,7p "$0" >&2
    exit 2
fi
data=$1 out=$2
mkdir -p "$out"
for seed in 0 1 2; do
    for architecture in conv4 conv4-sigma; do
        name=$architecture-seed$seed resume=
        if [ -e "$out/$name-checkpoint/checkpoint.rsc" ]; then resume=--resume; fi
        # $resume is an option of its own, or nothing
        # shellcheck disable=SC2086
        .venv/bin/rs train --architecture "$architecture" --widths 16 32 32 64 --dataset mnist \
            --data "$data" --recipe universal_sigma --sigma 1 --epochs 8 --threads 1 \
            --seed "$seed" --out "$out" --name "$name" $resume >>"$out/$name.train.log"
    done
done
joined() {
    ls "$out/$1-seed"?-????????.safetensors | paste -sd, -
}
.venv/bin/python scripts/conditional_table.py mnist "$data" 0.01,0.1,0.25,0.5,0.75,1 \
    "$(joined conv4)" "$(joined conv4-sigma)"

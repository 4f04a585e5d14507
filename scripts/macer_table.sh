#!/bin/sh
# MACER's inverse temperature on a small network: trains gaussian and macer with beta 16 and 4 on
# MNIST without mnist5k, certifies 500 images of mnist5k, and prints the table of docs/training.md.
#
#   scripts/macer_table.sh MNIST_FOLDER OUT_FOLDER
#
# An hour on one core. An interrupted training goes on where it stopped.
set -eu

if [ $# -ne 2 ]; then
    sed -n 2,7p "$0" >&2
    exit 2
fi
data=$1 out=$2

# trained NAME RECIPE [OPTION ...]: the model and its certificates
trained() {
    name=$1 recipe=$2
    shift 2
    resume=
    if [ -e "$out/$name-checkpoint/checkpoint.rsc" ]; then resume=--resume; fi
    # $resume is an option of its own, or nothing
    # shellcheck disable=SC2086
    .venv/bin/rs train --architecture conv4 --widths 16 32 32 64 --dataset mnist --data "$data" \
        --exclude mnist5k --recipe "$recipe" --sigma 0.5 --epochs 5 --threads 1 --seed 0 \
        --out "$out" --name "$name" "$@" $resume >>"$out/$name.train.log"
    .venv/bin/rs certify --model "$(ls "$out/$name"-????????.safetensors)" --dataset mnist5k \
        --split train --sigma 0.5 --n 1000 --every 10 --limit 500 --seed 0 --resume \
        --tsv "$out/$name.tsv" >>"$out/$name.certify.log"
}

mkdir -p "$out"
macer="--learning-rate 0.1 --robust-weight 1 --deferral 1 --clip 1 --noises 4"
trained gaussian gaussian
# the words of $macer are options of their own
# shellcheck disable=SC2086
trained macer-beta-16 macer $macer --beta 16
# shellcheck disable=SC2086
trained macer-beta-4 macer $macer --beta 4
.venv/bin/python scripts/recipe_table.py 0,0.5,1 "$out/gaussian.tsv" "$out/macer-beta-16.tsv" \
    "$out/macer-beta-4.tsv"

#!/bin/sh
# Trains small networks with the recipes gaussian, smoothadv and macer on MNIST, certifies 500 test
# images of each (every 20th, n=10,000) and prints the table.
#
#   scripts/recipe_table.sh MNIST_FOLDER OUT_FOLDER
#
# An interrupted training goes on where it stopped.
set -eu

if [ $# -ne 2 ]; then
    sed -n 2,7p "$0" >&2
    exit 2
fi
mnist=$1 out=$2

train() {
    name=$1
    shift
    resume=
    if [ -e "$out/$name-checkpoint/checkpoint.rsc" ]; then resume=--resume; fi
    python -m rs_core train --architecture lenet --dataset mnist --data "$mnist" --sigma 0.5 \
        --epochs 10 --threads 1 --seed 0 --out "$out" --name "$name" $resume "$@"
}

train gaussian --recipe gaussian --learning-rate 0.05
train smoothadv --recipe smoothadv --learning-rate 0.05 --noises 2 --steps 2 --eps 1 \
    --eps-warm-up 4
train macer --recipe macer --learning-rate 0.02 --noises 4 --robust-weight 4 --deferral 1 --clip 1

for name in gaussian smoothadv macer; do
    python -m rs_core certify --model "$(ls "$out/$name"-*.safetensors)" --dataset mnist \
        --data "$mnist" --sigma 0.5 --n 10000 --every 20 --limit 500 --threads 1 --seed 0 \
        --tsv "$out/$name.tsv" >"$out/$name.certify.log"
done
python scripts/recipe_table.py 0,0.25,0.5,1,1.5 "$out/gaussian.tsv" "$out/smoothadv.tsv" \
    "$out/macer.tsv"

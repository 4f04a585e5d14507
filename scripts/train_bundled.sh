#!/bin/sh
# Trains the five networks whose weights lie in assets/weights, and measures them.
#
#   scripts/train_bundled.sh MNIST_FOLDER CIFAR10_FOLDER OUT_FOLDER
#
# About two and a half hours on two quiet CPU cores with bf16. An interrupted run goes on where it
# stopped.
# Afterwards copy the files into assets/weights and write their stems into
# rs_core/models/weights.py (WEIGHTS); old files stay, because certificates name them by their id.
set -eu

if [ $# -ne 3 ]; then
    sed -n 2,9p "$0" >&2
    exit 2
fi
mnist=$1 cifar10=$2 out=$3

train() { # --name NAME ...
    resume=
    [ -e "$out/$2-checkpoint" ] && resume=--resume
    .venv/bin/python -m rs_core train --out "$out" $resume "$@"
}

train --name mnist-conv4 --architecture conv4 --dataset mnist --data "$mnist" \
    --exclude mnist5k --recipe universal_sigma --sigma 1 --widths 32 64 64 128 \
    --epochs 15 --seed 0 --threads 1
train --name mnist-conv4-s050 --architecture conv4 --dataset mnist --data "$mnist" \
    --exclude mnist5k --recipe smoothadv --sigma 0.5 --noises 2 --steps 2 --eps 1 \
    --eps-warm-up 4 --widths 32 64 64 128 --epochs 10 --seed 0 --threads 1
train --name cifar10-conv4 --architecture conv4 --dataset cifar10 --data "$cifar10" \
    --recipe smoothadv --sigma 0.5 --sigma-low 0 --noises 1 --steps 1 --eps 0.35 \
    --eps-warm-up 4 --widths 32 64 128 256 --epochs 30 --seed 0 --threads 1
train --name cifar10-conv4-s025 --architecture conv4 --dataset cifar10 --data "$cifar10" \
    --recipe smoothadv --sigma 0.25 --noises 1 --steps 1 --eps 0.25 \
    --eps-warm-up 3 --widths 32 64 128 256 --epochs 28 --seed 0 --threads 1
train --name plane-mlp --architecture mlp --dataset plane \
    --recipe universal_sigma --sigma 0.1 --augment none \
    --epochs 200 --seed 0 --threads 1

for file in "$out"/mnist-conv4*.safetensors; do
    .venv/bin/python scripts/measure_bundled.py "$file" mnist "$mnist"
done
for file in "$out"/cifar10-conv4*.safetensors; do
    .venv/bin/python scripts/measure_bundled.py "$file" cifar10 "$cifar10"
done
for file in "$out"/plane-mlp*.safetensors; do
    .venv/bin/python scripts/measure_bundled.py "$file" plane . 0.02 0.05 0.1 0.2
done

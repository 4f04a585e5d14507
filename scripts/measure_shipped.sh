#!/bin/sh
# Measures the shipped weights again, into their json files; 25 minutes on two cores.
#
#   scripts/measure_shipped.sh MNIST_FOLDER CIFAR10_FOLDER
set -eu

if [ $# -ne 2 ]; then
    sed -n 2,4p "$0" >&2
    exit 2
fi
for file in assets/weights/mnist-conv4*.safetensors; do
    .venv/bin/python scripts/measure_bundled.py "$file" mnist "$1"
done
for file in assets/weights/cifar10-conv4*.safetensors; do
    .venv/bin/python scripts/measure_bundled.py "$file" cifar10 "$2"
done
for file in assets/weights/plane-mlp*.safetensors; do
    .venv/bin/python scripts/measure_bundled.py "$file" plane . 0.02 0.05 0.1 0.2
done

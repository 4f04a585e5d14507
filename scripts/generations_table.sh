#!/bin/sh
# What the second generation of shipped weights is worth: certifies the same 500 test images of both
# and prints a table for each pair.
#
#   scripts/generations_table.sh MNIST_FOLDER CIFAR10_FOLDER OUT_FOLDER
#
# Half an hour on two cores. Rows that OUT_FOLDER holds already are not made again.
set -eu

if [ $# -ne 3 ]; then
    sed -n 2,7p "$0" >&2
    exit 2
fi
mnist=$1 cifar10=$2 out=$3

# certified MODEL DATASET FOLDER SIGMA N
certified() {
    .venv/bin/rs certify --model "$1" --dataset "$2" --data "$3" --sigma "$4" --n "$5" --every 20 \
        --limit 500 --seed 0 --resume --tsv "$out/$1-$4.tsv" >"$out/$1-$4.log"
}

# pair DATASET FOLDER SIGMA N FIRST SECOND
pair() {
    certified "$5" "$1" "$2" "$3" "$4"
    certified "$6" "$1" "$2" "$3" "$4"
    .venv/bin/python scripts/recipe_table.py 0,0.25,0.5 "$out/$5-$3.tsv" "$out/$6-$3.tsv" |
        sed '/^[^|]/d'
}

mkdir -p "$out"
{
    pair cifar10 "$cifar10" 0.25 1000 cifar10-conv4-80c0aaa8 cifar10-conv4-fac8350c
    pair cifar10 "$cifar10" 0.5 1000 cifar10-conv4-80c0aaa8 cifar10-conv4-fac8350c
    pair cifar10 "$cifar10" 0.25 1000 cifar10-conv4-s025-0de394b5 cifar10-conv4-s025-00dccebe
    pair mnist "$mnist" 0.5 5000 mnist-conv4-s050-36c905c1 mnist-conv4-s050-b9f1dca6
} | sed '4,${/^| recipe/d;/^|---/d}'

#!/bin/sh
# Trains conv4 with the recipes gaussian, smoothadv and macer, certifies 500 test images of each
# (every 20th) and prints the table of docs/training.md.
#
#   scripts/recipe_table.sh mnist|cifar10 DATA_FOLDER OUT_FOLDER
#
# MNIST: sigma .5, 10 epochs, n=10,000, two hours on one core. CIFAR-10: sigma .25, 8 epochs,
# n=1,000, an hour. An interrupted training goes on where it stopped.
set -eu

if [ $# -ne 3 ]; then
    sed -n 2,9p "$0" >&2
    exit 2
fi
dataset=$1 data=$2 out=$3
macer="--learning-rate 0.1 --robust-weight 1 --beta 4 --deferral 1 --clip 1"
case $dataset in
mnist)
    sigma=0.5 epochs=10 n=10000 radii=0,0.25,0.5,1,1.5 exclude="--exclude mnist5k"
    smoothadv="--noises 2 --steps 2 --eps 1 --eps-warm-up 4"
    macer="$macer --noises 4"
    ;;
cifar10)
    sigma=0.25 epochs=8 n=1000 radii=0,0.25,0.5 exclude=
    smoothadv="--noises 2 --steps 1 --eps 0.25 --eps-warm-up 3"
    macer="$macer --noises 2"
    ;;
*)
    sed -n 2,9p "$0" >&2
    exit 2
    ;;
esac

for recipe in gaussian smoothadv macer; do
    case $recipe in
    gaussian) own= ;;
    smoothadv) own=$smoothadv ;;
    macer) own=$macer ;;
    esac
    name=$dataset-$recipe
    resume=
    if [ -e "$out/$name-checkpoint/checkpoint.rsc" ]; then resume=--resume; fi
    # the words of $own, $exclude and $resume are options of their own
    # shellcheck disable=SC2086
    .venv/bin/python -m rs_core train --architecture conv4 --widths 32 64 64 128 --dataset "$dataset" \
        --data "$data" $exclude --recipe $recipe --sigma $sigma --epochs $epochs --threads 1 \
        --seed 0 --out "$out" --name "$name" $own $resume
    .venv/bin/python -m rs_core certify --model "$(ls "$out/$name"-????????.safetensors)" \
        --dataset "$dataset" --data "$data" --sigma $sigma --n $n --every 20 --limit 500 \
        --threads 1 --seed 0 --resume --tsv "$out/$name.tsv" >>"$out/$name.certify.log"
done
.venv/bin/python scripts/recipe_table.py $radii "$out/$dataset-gaussian.tsv" "$out/$dataset-smoothadv.tsv" \
    "$out/$dataset-macer.tsv"

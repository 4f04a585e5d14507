"""Print every ratio; `.venv/bin/python -m benchmarks [--device cuda] [--mnist FOLDER]`."""

import argparse

import torch

from benchmarks.app import startup
from benchmarks.memory import certify as certify_memory
from benchmarks.memory import guarantee as memory_guarantee
from benchmarks.speed import (
    assigning,
    attack,
    certify,
    exact_noise,
    gpu,
    injected_noise,
    paper,
    regions,
    selection,
    sequential_draws,
    sweep,
    training,
)

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--device", default="cpu")
parser.add_argument("--mnist", help="folder of MNIST, for its test images")
choice = parser.parse_args()
print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {choice.device}")
startup.main()
certify.main(choice.device)  # before sweep, which changes the allocator for good
sweep.main(choice.device)
exact_noise.main(choice.device)
sequential_draws.main(choice.device, choice.mnist)
certify_memory.main(choice.device)
attack.main(choice.device)
regions.main()
selection.main(choice.device, choice.mnist)
memory_guarantee.main()
training.main(choice.device)
paper.main()
assigning.main([])
injected_noise.main(choice.device)
if choice.device != "cpu":
    gpu.main(choice.device)

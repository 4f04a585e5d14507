"""Print every ratio; `.venv/bin/python -m benchmarks [--device cuda] [--mnist FOLDER]`."""

import argparse

import torch

from benchmarks import (
    attack_speed,
    certify_speed,
    exact_noise,
    gpu_speed,
    memory,
    memory_guarantee,
    regions_speed,
    selection_speed,
    sequential_draws,
    startup,
    sweep_speed,
    training_speed,
)

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--device", default="cpu")
parser.add_argument("--mnist", help="folder of MNIST, for its test images")
choice = parser.parse_args()
print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {choice.device}")
startup.main()
certify_speed.main(choice.device)  # before sweep_speed, which changes the allocator for good
sweep_speed.main(choice.device)
exact_noise.main(choice.device)
sequential_draws.main(choice.device, choice.mnist)
memory.main(choice.device)
attack_speed.main(choice.device)
regions_speed.main()
selection_speed.main(choice.device, choice.mnist)
memory_guarantee.main()
training_speed.main(choice.device)
if choice.device != "cpu":
    gpu_speed.main(choice.device)

"""PGD and EPGD against the bare passes that they need, and against three public libraries.

Bare are autograd's passes of the prepared network (folded, channels last), each core alone, as in
the benchmark of certificates without normalisation. Beside them, without a bar, stand the engine's
own passes, which take the first convolution's gradient by a matrix product, pool before ReLU, and
normalise, and those of the network as it is given, in the best plain loop: parameters frozen,
channels last, one batch of all images on all threads.

In one process the heap may put the megabytes of a pass where caches hold them, in the next
elsewhere: a tenth of the time, for every contestant by itself. So each ratio is taken in
`PROCESSES` fresh ones, and their median counts.

The libraries are no dependencies of this project: `attack_libraries` says how to install them, and
what cannot be imported is named and left out. All get the same network, images, step size, budget
and steps. Whom they fool is counted by `attack_quality`.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor

from benchmarks.networks import SHAPES, four_conv
from benchmarks.speed.attack_libraries import PACKAGES, Budget, libraries, ours
from benchmarks.speed.reference import Normalised
from benchmarks.timing import interleaved, verdict
from rs_core.allocator import keep_freed_memory
from rs_core.attacks import ATTACKS, Attack
from rs_core.classifiers import Classifier
from rs_core.images import ImageInput, image_from_array
from rs_core.smoothing.threads import block_threads

Network = Callable[[Tensor], Tensor]
IMAGES, ROUNDS, ROWS, PROCESSES = 64, 7, 64, 3
BUDGET = Budget(norm="l2", eps=0.5, step_size=0.0625, steps=20)
# EPGD's own defaults. It judges points on 48 forward passes that no step climbs, whatever k and m.
EPGD_STEPS, EPGD_DRAWS, SIGMA = 40, 8, 0.25

_MEMORY = """
import sys
from benchmarks.memory.certify import forget_peak, peak
from rs_core.allocator import keep_freed_memory
keep_freed_memory()
from benchmarks.speed.attack import SHAPES, epgd, four_conv, images_for, ours
from rs_core.classifiers import Classifier
module, spec = four_conv(SHAPES["3x32x32"])
classifier = Classifier(module, spec, device=sys.argv[2], precision="fp32")
images = images_for(classifier, 2)
forget_peak()
before = peak()
ours(classifier, images, epgd(steps=3, draws=int(sys.argv[1])))
print(peak() - before)
"""


def images_for(classifier: Classifier, count: int) -> list[ImageInput]:
    """8-bit noise of the network's size, each image its own."""
    channels, height, width = classifier.spec.input_shape
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, height, width, channels), generator=generator)
    return [image_from_array(p.byte().numpy(), classifier.spec) for p in pixels]


def plain(model: Network, x: Tensor, passes: int) -> Tensor:
    """Forward and backward passes to the input, and nothing else."""
    gradient = x
    for _ in range(passes):
        points = x.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(model(points).logsumexp(dim=1).sum(), points)
    return gradient


def side_by_side(model: Network, batch: Tensor, passes: int) -> Tensor:
    """The same; on a CPU each core passes its share of the rows alone."""
    if batch.device.type != "cpu":
        return plain(model, batch, passes)
    threads = torch.get_num_threads()
    shares = [part.contiguous(memory_format=torch.channels_last) for part in batch.chunk(threads)]
    return torch.cat(list(block_threads(threads).map(lambda x: plain(model, x, passes), shares)))


def pgd() -> Attack:
    """Ours, at the settings that the libraries get."""
    return ATTACKS["pgd"](
        norm=BUDGET.norm, eps=BUDGET.eps, steps=BUDGET.steps, step_size=BUDGET.step_size
    )


def epgd(steps: int = EPGD_STEPS, draws: int = EPGD_DRAWS) -> Attack:
    """Ours on the smoothed network."""
    return ATTACKS["epgd"](eps=BUDGET.eps, sigma=SIGMA, steps=steps, draws=draws)


def seconds(size: str, device: str) -> dict[str, float]:
    """Of every contestant, in this process."""
    keep_freed_memory()  # as `rs` and the app's worker do
    module, spec = four_conv(SHAPES[size])
    classifier = Classifier(module, spec, device=device, precision="fp32")
    images = images_for(classifier, IMAGES)
    x = torch.stack([torch.tensor(image.pixels) for image in images]).to(device)
    model = Normalised(module, spec.mean, spec.std).to(device).eval()
    # The libraries get a network that could be trained.
    frozen = deepcopy(model).requires_grad_(False).to(memory_format=torch.channels_last)
    batch = x.contiguous(memory_format=torch.channels_last)
    y = model(x).argmax(dim=1)
    others = libraries(model, spec.input_shape, len(spec.class_names), BUDGET)
    pgd_passes, epgd_passes = (steps * IMAGES // ROWS for steps in (BUDGET.steps, EPGD_STEPS))
    contest: Mapping[str, Callable[[], object]] = {
        "bare": partial(side_by_side, classifier.module, batch, pgd_passes),
        "own": partial(side_by_side, classifier, batch, pgd_passes),
        "plain": partial(plain, frozen, batch, pgd_passes),
        "pgd": partial(ours, classifier, images, pgd()),
        "bare for epgd": partial(side_by_side, classifier.module, batch, epgd_passes),
        "plain for epgd": partial(plain, frozen, batch, epgd_passes),
        "epgd": partial(ours, classifier, images[: IMAGES // EPGD_DRAWS], epgd()),
        **{name: partial(run, x, y) for name, run in others.items()},
    }
    return interleaved(contest, ROUNDS)


def speed(size: str, device: str) -> None:
    """The ratios of the bar for one size of image."""
    code = "import json, sys; from benchmarks.speed.attack import seconds"
    code += "; print(json.dumps(seconds(*sys.argv[1:])))"
    command = [sys.executable, "-W", "ignore", "-c", code, size, device]
    runs = []
    for _ in range(PROCESSES):
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        *missing, last = run.stdout.splitlines()
        runs.append(json.loads(last))
        print(f"{size}: " + ", ".join(f"{name} {1000 * s:.0f} ms" for name, s in runs[-1].items()))
    print(*missing, sep="\n", end="\n" if missing else "")

    def ratio(one: str, other: str) -> float:
        return statistics.median(run[one] / run[other] for run in runs)

    label = f"our own passes {size} fp32 / bare forward and backward passes"
    print(f"{label:<62}{ratio('own', 'bare'):8.2f}")
    for name, suffix, bar in (("pgd", "", 1.10), ("epgd", " for epgd", 1.15)):
        label = f"{name} {size} fp32 / bare forward and backward passes"
        print(verdict(label, ratio(name, "bare" + suffix), bar, at_most=True))
        label = f"{name} {size} fp32 / plain loop over the network as given"
        print(f"{label:<62}{ratio(name, 'plain' + suffix):8.2f}")
    for name in [package for package in PACKAGES if package in runs[0]]:
        label = f"{name} {size} fp32 / our pgd"
        print(verdict(label, ratio(name, "pgd"), 1.0))


def grown(draws: int, device: str) -> float:
    """Peak MB that a fresh process gains while EPGD takes three steps of so many draws.

    The median of three: what the heap makes of two threads differs by 20 MB from run to run.
    """
    command = [sys.executable, "-W", "ignore", "-c", _MEMORY, str(draws), device]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(3)]
    return statistics.median(float(run.stdout) for run in runs)


def main(device: str = "cpu") -> None:
    for size in SHAPES:
        speed(size, device)
    few, many = grown(128, device), grown(2048, device)
    print(verdict("memory of epgd with 2,048 draws a step, MB", many, 300, at_most=True))
    print(verdict("memory with 2,048 minus 128 draws, MB", many - few, 30, at_most=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    main(parser.parse_args().device)

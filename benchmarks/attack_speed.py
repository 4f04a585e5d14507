"""PGD and EPGD against the bare passes that they need, and against three public libraries.

The libraries are no dependencies of this project: what cannot be imported is named and left out
(`pip install torchattacks foolbox adversarial-robustness-toolbox`, in an environment of their
own). All get the same network, images, step size, budget and steps. `python -m
benchmarks.attack_speed --compare` also counts whom each one fools on the shipped MNIST weights.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.networks import SHAPES, four_conv, shipped
from benchmarks.reference import Normalised
from benchmarks.timing import interleaved, verdict
from rs_core.allocator import keep_freed_memory
from rs_core.attacks import ATTACKS, Attack, Confirm
from rs_core.attacks.lanes import lane_map
from rs_core.classifiers import Classifier
from rs_core.datasets import load_dataset
from rs_core.events import drain
from rs_core.images import ImageInput, image_from_array

IMAGES, STEPS, DRAWS, ROUNDS = 64, 20, 8, 5
EPS, STEP, SIGMA, ROWS = 0.5, 0.0625, 0.25, 64
Run = Callable[[], Tensor]


def images_for(classifier: Classifier, count: int) -> list[ImageInput]:
    """8-bit noise of the network's size, each image its own."""
    channels, height, width = classifier.spec.input_shape
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, height, width, channels), generator=generator)
    return [image_from_array(p.byte().numpy(), classifier.spec) for p in pixels]


def bare(classifier: Classifier, passes: int) -> Tensor:
    """Forward and backward passes of the prepared network, to the input, and nothing else.

    Each core passes its share of the rows alone, the fastest arrangement that we know.
    """
    threads = torch.get_num_threads() if classifier.device.type == "cpu" else 1

    def share(_: int) -> Tensor:
        batch = torch.rand(ROWS // threads, *classifier.spec.input_shape, device=classifier.device)
        gradient = batch = batch.contiguous(memory_format=torch.channels_last)
        for _ in range(passes):
            x = batch.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(classifier(x).logsumexp(dim=1).sum(), x)
        return gradient

    return torch.cat(lane_map(threads, share, range(threads)))


def ours(classifier: Classifier, images: list[ImageInput], attack: Attack) -> Tensor:
    """Adversarial pixels (B, C, H, W) of one of our attacks."""
    found = drain(attack.run(classifier, images, seed=0))
    return torch.stack([torch.from_numpy(result.adversarial) for result in found])


def libraries(model: nn.Module, x: Tensor, y: Tensor, classes: int, eps: float) -> dict[str, Run]:
    """PGD in l2 of each library that can be imported, at the same settings as ours."""
    step, found = eps * STEP / EPS, {}
    try:
        import torchattacks
    except ImportError:
        print("torchattacks is not installed")
    else:
        attack = torchattacks.PGDL2(model, eps=eps, alpha=step, steps=STEPS, random_start=True)
        found["torchattacks"] = partial(attack, x, y)
    try:
        import foolbox
    except ImportError:
        print("foolbox is not installed")
    else:
        own = foolbox.attacks.L2ProjectedGradientDescentAttack(
            abs_stepsize=step, steps=STEPS, random_start=True
        )
        wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device=x.device)
        found["foolbox"] = lambda: own(wrapped, x, y, epsilons=eps)[1]
    try:
        from art.attacks.evasion import ProjectedGradientDescentPyTorch
        from art.estimators.classification import PyTorchClassifier
    except ImportError:
        print("adversarial-robustness-toolbox is not installed")
    else:
        estimator = PyTorchClassifier(
            model, nn.CrossEntropyLoss(), tuple(x.shape[1:]), classes, clip_values=(0, 1),
            device_type="cpu" if x.device.type == "cpu" else "gpu",
        )  # fmt: skip
        toolbox = ProjectedGradientDescentPyTorch(
            estimator, norm=2, eps=eps, eps_step=step, max_iter=STEPS, num_random_init=1,
            batch_size=len(x), verbose=False,
        )  # fmt: skip
        found["art"] = lambda: torch.from_numpy(toolbox.generate(x.cpu().numpy(), y.cpu().numpy()))
    return found


def pgd(eps: float) -> Attack:
    """Ours, at the settings that the libraries get."""
    return ATTACKS["pgd"](eps=eps, steps=STEPS, step_size=eps * STEP / EPS)


def speed(device: str) -> None:
    """The ratios of the bar, for both sizes."""
    for size, shape in SHAPES.items():
        module, spec = four_conv(shape)
        classifier = Classifier(module, spec, device=device, precision="fp32")
        images = images_for(classifier, IMAGES)
        x = torch.stack([torch.from_numpy(image.pixels) for image in images]).to(device)
        model = Normalised(module, spec.mean, spec.std).to(device).eval()
        y = model(x).argmax(dim=1)
        few = images[: IMAGES // DRAWS]
        epgd = ATTACKS["epgd"](eps=EPS, sigma=SIGMA, steps=STEPS, draws=DRAWS)
        contest: Mapping[str, Callable[[], object]] = {
            "bare": partial(bare, classifier, STEPS * IMAGES // ROWS),
            "pgd": partial(ours, classifier, images, pgd(EPS)),
            "epgd": partial(ours, classifier, few, epgd),
            **libraries(model, x, y, 10, EPS),
        }
        seconds = interleaved(contest, ROUNDS)
        print(f"{size}: " + ", ".join(f"{name} {1000 * s:.0f} ms" for name, s in seconds.items()))
        for name, bar in (("pgd", 1.10), ("epgd", 1.15)):
            label = f"{name} {size} fp32 / bare forward and backward passes"
            print(verdict(label, seconds[name] / seconds["bare"], bar, at_most=True))
        for name in ("torchattacks", "foolbox", "art"):
            if name in seconds:
                label = f"{name} {size} fp32 / our pgd"
                print(verdict(label, seconds[name] / seconds["pgd"], 1.0))


def compare(device: str, count: int, eps: float) -> None:
    """Robust accuracy of the shipped MNIST network under each library's PGD and under ours."""
    module, spec = shipped("mnist-conv4")
    classifier = Classifier(module, spec, device=device, precision="fp32")
    data = load_dataset("mnist5k", split="train")
    images = [data.image(row, spec) for row in range(0, len(data), len(data) // count)][:count]
    x = torch.stack([torch.from_numpy(image.pixels) for image in images]).to(device)
    y = torch.tensor([image.label for image in images], device=device)
    model = Normalised(module, spec.mean, spec.std).to(device).eval()
    contest = {"ours": partial(ours, classifier, images, pgd(eps))}
    contest |= libraries(model, x, y, 10, eps)
    for name, run in contest.items():
        moved = run().to(device)
        with torch.no_grad():
            right = (classifier(moved).argmax(dim=1) == y).double()
        error = float(right.std() / count**0.5)
        print(f"{name:<14} robust accuracy {float(right.mean()):.4f} (+-{error:.4f}), l2 {eps:g}")
    smoothed = {
        "pgd": ATTACKS["pgd"](eps=eps, steps=STEPS),
        "epgd": ATTACKS["epgd"](eps=eps, sigma=SIGMA, steps=STEPS, draws=DRAWS),
    }
    for name, attack in smoothed.items():
        found = drain(attack.run(classifier, images, seed=0))
        # Whatever the attack thought of it, the smoothed network is asked.
        asked = [replace(result, success=True, sigma=SIGMA) for result in found]
        sure = drain(Confirm(n=500).run(classifier, images, asked, seed=0))
        rate = sum(not result.confirmed for result in sure) / count
        print(f"smoothed network under {name:<5} keeps {rate:.4f} of its labels")


def main(device: str = "cpu") -> None:
    keep_freed_memory()  # as `rs` and the app's worker do
    speed(device)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compare", type=int, default=0, help="images to compare on")
    parser.add_argument("--eps", type=float, default=1.5)
    choice = parser.parse_args()
    main(choice.device)
    if choice.compare:
        compare(choice.device, choice.compare, choice.eps)

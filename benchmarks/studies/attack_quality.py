"""Whose PGD leaves fewer images standing at equal budget: ours, or that of three public libraries.

On the shipped MNIST and CIFAR-10 weights, every 20th test image, in l2 and linf. Then the same of
the smoothed network (sigma .25): our EPGD, torchattacks' EOTPGD, and plain PGD. All get the same
norm, radius, step size and number of steps. `attack_libraries` says how to install the others:

    libraries/bin/python -m benchmarks.studies.attack_quality --data FOLDER [--set mnist]

FOLDER holds MNIST's IDX files and CIFAR-10. An answer is paired: each image counts 1 where it is
still classified as its label says, and the difference to ours has the standard error of the mean
of the differences, which is smaller than that of either mean. Random starts alone move a result
by about .01, so `--seeds` averages over several.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from benchmarks.networks import shipped
from benchmarks.speed.attack_libraries import Budget, eot_pgd, libraries, ours, versions
from benchmarks.speed.reference import Normalised
from rs_core.allocator import keep_freed_memory
from rs_core.attacks import ATTACKS
from rs_core.attacks.norms import Norm
from rs_core.classifiers import Classifier
from rs_core.datasets import load_dataset
from rs_core.images import ImageInput

STEPS, STEP = 20, 1 / 8  # the length of a step as a share of the radius
SIGMA, DRAWS, COPIES, BATCH = 0.25, 8, 64, 50
# The networks of the tables in docs/attack-benchmarks.md; a plain name may mean a later one.
MODELS = {"mnist": "mnist-conv4-5276a3b2", "cifar10": "cifar10-conv4-80c0aaa8"}
EPS: Mapping[str, Mapping[Norm, float]] = {
    "mnist": {"l2": 2.0, "linf": 0.15},
    "cifar10": {"l2": 0.5, "linf": 4 / 255},
}


class Noisy(nn.Module):
    """The network behind Gaussian noise, new at every pass: what EOT averages over."""

    def __init__(self, network: nn.Module, sigma: float) -> None:
        super().__init__()
        self.network, self.sigma = network, sigma

    def forward(self, x: Tensor) -> Tensor:
        """Logits of noisy pixels."""
        logits: Tensor = self.network(x + self.sigma * torch.randn_like(x))
        return logits


class Arena:
    """A shipped network with every 20th image of its test set."""

    def __init__(self, dataset: str, folder: str, device: str, count: int) -> None:
        module, spec = shipped(MODELS[dataset])
        self.classifier = Classifier(module, spec, device=device, precision="fp32")
        self.model = Normalised(module, spec.mean, spec.std).to(device).eval()
        self.model.requires_grad_(False)
        data = load_dataset(dataset, split="test", root=folder)
        rows = range(0, len(data), len(data) // count)[:count]
        self.images: list[ImageInput] = [data.image(row, spec) for row in rows]
        self.pixels = torch.stack([torch.tensor(i.pixels) for i in self.images]).to(device)
        self.labels = torch.tensor([image.label for image in self.images], device=device)

    def theirs(self, run: Callable[[Tensor, Tensor], Tensor], seed: int) -> Tensor:
        """A library's adversarial pixels; its generators start at the seed."""
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the toolbox draws from the global generator
        pairs = zip(self.pixels.split(BATCH), self.labels.split(BATCH), strict=True)
        return torch.cat([run(x, y).detach() for x, y in pairs])

    @torch.no_grad()
    def standing(self, pixels: Tensor) -> np.ndarray:
        """(B,) 1 where the network still says the label."""
        found = [self.classifier(x).argmax(dim=1) for x in pixels.split(BATCH)]
        return (torch.cat(found) == self.labels).double().cpu().numpy()

    @torch.no_grad()
    def standing_smoothed(self, pixels: Tensor) -> np.ndarray:
        """(B,) 1 where most of 64 noisy copies say the label; the noise that nobody attacked."""
        generator = torch.Generator(pixels.device).manual_seed(1)
        found = []
        for x in pixels.split(BATCH):
            votes = 0
            for _ in range(COPIES):
                z = torch.empty_like(x).normal_(generator=generator)
                said = self.classifier(x + SIGMA * z).argmax(dim=1)
                votes = votes + one_hot(said, self.classifier.num_classes)
            found.append(votes.argmax(dim=1))
        return (torch.cat(found) == self.labels).double().cpu().numpy()


def reach(pixels: Tensor, start: Tensor, norm: Norm) -> float:
    """The largest norm of all images."""
    away = (pixels.to(start.device) - start).flatten(1)
    return float(torch.linalg.vector_norm(away, ord=2 if norm == "l2" else torch.inf, dim=1).max())


def report(title: str, standing: Mapping[str, np.ndarray], reaches: Mapping[str, float]) -> None:
    """One table in Markdown; the first row is ours, to which the others are compared.

    Ours may not be above theirs by more than one standard error of the paired difference; where
    noise is averaged over, ours must be below every attack that does not.
    """
    print(f"\n{title}\n")
    print("| attack | left | ours minus this |")
    print("|---|---|---|")
    first, mine = next(iter(standing.items()))
    weaker = []
    for name, kept in standing.items():
        gap = mine - kept
        error = float(gap.std(ddof=1) / len(gap) ** 0.5)
        # An attack that averages is compared with its like; rounding decides no tie.
        like = "EOT" in name or "epgd" not in first
        holds = gap.mean() <= error + 1e-9 if like else gap.mean() < 0
        weaker += [] if holds or name.startswith("our") else [name]
        paired = "" if name == first else f"{gap.mean():+.4f} ({error:.4f})"
        print(f"| {name} | {kept.mean():.3f} | {paired} |", flush=True)
    print("\nlargest norms: " + ", ".join(f"{name} {reaches[name]:.4f}" for name in standing))
    print(f"ours is weaker than {', '.join(weaker)}" if weaker else "ours is weaker than none")


def plain(arena: Arena, budget: Budget, seed: int) -> dict[str, Tensor]:
    """Adversarial pixels of every plain PGD; ours first, then ours with falling steps."""
    same = {"norm": budget.norm, "eps": budget.eps, "steps": budget.steps}
    attacks = {
        "our pgd": ATTACKS["pgd"](**same, step_size=budget.step_size),
        "our pgd, falling steps": ATTACKS["pgd"](**same),
    }
    found = {name: ours(arena.classifier, arena.images, a, seed) for name, a in attacks.items()}
    shape, classes = arena.classifier.spec.input_shape, arena.classifier.num_classes
    for name, run in libraries(arena.model, shape, classes, budget).items():
        found[name] = arena.theirs(run, seed)
    return {name: pixels.to(arena.pixels.device) for name, pixels in found.items()}


def on_smoothed(arena: Arena, budget: Budget, seed: int) -> dict[str, Tensor]:
    """Adversarial pixels of the attacks that average over noise."""
    attack = ATTACKS["epgd"](
        norm=budget.norm, eps=budget.eps, steps=budget.steps, step_size=budget.step_size,
        sigma=SIGMA, draws=DRAWS,
    )  # fmt: skip
    found = {"our epgd": ours(arena.classifier, arena.images, attack, seed).to(arena.pixels.device)}
    try:
        found["torchattacks EOTPGD"] = arena.theirs(
            eot_pgd(Noisy(arena.model, SIGMA), budget, DRAWS), seed
        )
    except ImportError as missing:
        print(f"torchattacks is left out: {missing}")
    return found


def contest(arena: Arena, norm: Norm, eps: float, seeds: range) -> None:
    """A table of the norm; with linf, all that EOTPGD knows, one of the smoothed network too."""
    budget = Budget(norm, eps, eps * STEP, STEPS)
    size = f"{norm}, eps {eps:.4g}, step {eps * STEP:.3g}, {STEPS} steps, {len(seeds)} seeds"
    alone: list[dict[str, np.ndarray]] = []
    smoothed: list[dict[str, np.ndarray]] = []
    reaches: dict[str, float] = {}
    for seed in seeds:
        found = plain(arena, budget, seed)
        alone.append({name: arena.standing(pixels) for name, pixels in found.items()})
        if norm == "linf":
            found = on_smoothed(arena, budget, seed) | found
            smoothed.append({n: arena.standing_smoothed(pixels) for n, pixels in found.items()})
        for name, pixels in found.items():
            reaches[name] = max(reaches.get(name, 0.0), reach(pixels, arena.pixels, norm))
    report(f"{arena.classifier.spec.name} itself, {size}", averaged(alone), reaches)
    if smoothed:
        title = f"{arena.classifier.spec.name} smoothed at sigma {SIGMA}, {size}, {DRAWS} draws"
        report(title, averaged(smoothed), reaches)


def averaged(runs: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """(B,) per attack, over seeds: the share of them after which an image still stands."""
    return {name: np.mean([run[name] for run in runs], axis=0) for name in runs[0]}


def main(choice: argparse.Namespace) -> None:
    keep_freed_memory()
    print(versions())
    for dataset in choice.set or sorted(EPS):
        arena = Arena(dataset, choice.data, choice.device, choice.images)
        clean = arena.standing(arena.pixels).mean()
        smoothed = arena.standing_smoothed(arena.pixels).mean()
        print(f"{dataset}: {choice.images} images, clean {clean:.3f}, smoothed {smoothed:.3f}")
        for norm in choice.norm or ("l2", "linf"):
            contest(arena, norm, EPS[dataset][norm], range(choice.seeds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of MNIST and CIFAR-10")
    parser.add_argument("--set", action="append", choices=sorted(EPS), help="both by default")
    parser.add_argument("--norm", action="append", choices=("l2", "linf"), help="both by default")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seeds", type=int, default=1)
    main(parser.parse_args())

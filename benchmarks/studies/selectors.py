"""Every way of choosing sigma on the same test images: ACR, accuracy, draws, badge.

    .venv/bin/python -m benchmarks.studies.selectors --dataset mnist --data FOLDER [--limit 500]

Every row is certified on fresh draws; ACR is mean(radius * correct) over one printed index set;
"gain" is against the best single sigma, found afterwards, with its standard error over the images.
The oracle takes each image's largest radius after looking, so it is a bound and no method.
`--several` leaves out what would take hours at a large n: the oracle and the weaker methods.
`--rows uniform "no cap" --sigmas 0.7` makes some rows alone, against a sigma that is known already.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_core import load_classifier
from rs_core.allocator import keep_freed_memory
from rs_core.classifiers import Classifier
from rs_core.datasets import load_dataset
from rs_core.events import drain
from rs_core.guarantees import (
    Frozen,
    GridMinimum,
    Guarantee,
    Memory,
    Regions,
    Sukenik,
)
from rs_core.images import ImageInput
from rs_core.results import Certificate, Selection
from rs_core.selectors import (
    Fixed,
    Gradient,
    GreedyGrid,
    Grid,
    Knn,
    Multistart,
    MultistartUniform,
    Selector,
)
from rs_core.smoothing import Sweep

# The networks of the tables in docs/selectors.md; a plain name may mean a later one.
MODELS = {"mnist": "mnist-conv4-5276a3b2", "cifar10": "cifar10-conv4-80c0aaa8"}
LEVELS = tuple(0.25 * k**0.5 for k in range(1, 17))


@dataclass(frozen=True)
class Trial:
    """A row of the table: who picks, who certifies, and whether it is made at a large n too."""

    name: str
    selector: Selector
    guarantee: Guarantee
    several: bool = False


def trials(dataset: str, folder: str | None, draws: int, start: float | None) -> Iterator[Trial]:
    """The methods as published, and settings that suit these networks better."""
    low = {"mnist": 0.25, "cifar10": 0.1}[dataset]
    grid = Grid(n=draws, sigma_min=0.12 if dataset == "mnist" else 0.05)
    search = Multistart(m=draws, sigma_0=low)
    climb = Gradient(step_size=0.05, n=8, sigma_min=0.05, start=start)
    knn = Knn(
        dataset=dataset, folder=folder or "", sigma_b=0.5 if dataset == "mnist" else 0.25,
        offset=1.5 if dataset == "mnist" else 5.0,
    )  # fmt: skip
    yield Trial("fixed at .25", Fixed(sigma=0.25), Frozen())
    yield Trial(f"grid ({len(grid.sigmas)} sigmas)", grid, Frozen(), several=True)
    yield Trial("greedy_grid, n=1, clamped", GreedyGrid(), Frozen())
    yield Trial("greedy_grid, n=10, clamped", GreedyGrid(n=10), Frozen())
    yield Trial("greedy_grid, n=1, as published", GreedyGrid(paper=True), Frozen())
    yield Trial("greedy_grid, n=10, as published", GreedyGrid(n=10, paper=True), Frozen())
    yield Trial("gradient, as published", Gradient(paper=True, start=start), Frozen())
    yield Trial("gradient, step .05, n=8", climb, Frozen(), several=True)
    yield Trial("multistart, no cap, as published", Multistart(m=draws, alpha=1), Frozen())
    capped = Multistart(m=draws, alpha=0.999**draws)
    yield Trial("multistart, scores capped at .999", capped, Frozen())
    yield Trial(f"multistart from {low:g}", search, Frozen(), several=True)
    yield Trial("multistart_uniform", MultistartUniform(m=draws, sigma_0=low), Frozen())
    yield Trial("knn", knn, Frozen())
    yield Trial("knn, sigma may move", knn, Sukenik())
    yield Trial("grid, in a memory", grid, Memory())
    yield Trial("grid, in regions", grid, Regions())
    yield Trial("all 16 levels agree", Fixed(sigma=LEVELS[0]), GridMinimum())


def radii(certificates: Sequence[Certificate], images: Sequence[ImageInput]) -> np.ndarray:
    """Certified radius where the class is right, 0 elsewhere."""
    return np.array(
        [
            c.radius if c.predicted == image.label else 0.0
            for c, image in zip(certificates, images, strict=True)
        ]
    )


def row(name: str, badge: str, found: np.ndarray, base: np.ndarray, more: str = "") -> None:
    """One printed row of a Markdown table; `more` are the cells of draws and sigma."""
    gain = (found - base) / base.mean()
    error = gain.std(ddof=1) / len(gain) ** 0.5
    print(
        f"| {name} | {badge} | {found.mean():.4f} | {100 * gain.mean():+.1f} % ({100 * error:.1f}) "
        f"| {(found > 0).mean():.3f} | {more} |",
        flush=True,
    )


def curves(
    classifier: Classifier, images: Sequence[ImageInput], sigmas: Sequence[float], n: int
) -> np.ndarray:
    """Radii (B, S) where the class is right, pointwise."""
    sweep = Sweep(sigmas=tuple(sigmas), n=n, simultaneous=False, recertify=False)
    found = drain(sweep.run(classifier, images, seed=1))
    return np.stack([
        radii(curve.certificates, [image] * len(sigmas))
        for curve, image in zip(found, images, strict=True)
    ])  # fmt: skip


def words(picked: Sequence[Selection]) -> str:
    """Mean draws of the choice, and quartiles of the chosen sigmas."""
    low, middle, high = np.quantile([s.sigma for s in picked], [0.25, 0.5, 0.75])
    draws = float(np.mean([s.draws for s in picked]))
    return f"{draws:,.0f} | {low:.2f} {middle:.2f} {high:.2f}"


def table(choice: argparse.Namespace, classifier: Classifier, images: Sequence[ImageInput]) -> None:
    """All rows at one n."""
    sigmas = sorted(choice.sigmas)
    seen = curves(classifier, images, sigmas, choice.n)
    best = int(seen.mean(axis=0).argmax())
    base = seen[:, best]
    first = "best single sigma, seen afterwards" if len(sigmas) > 1 else "one sigma for all"
    row(first, "-", base, base, f" | {sigmas[best]:.2f}")
    if not choice.several and not choice.rows:
        row("oracle, not a certificate", "-", seen.max(axis=1), base, " | each its best")
    known: dict[Selector, tuple[Selection, ...]] = {}
    for trial in trials(choice.dataset, choice.data, choice.select, choice.start):
        if choice.several and not trial.several:
            continue
        if choice.rows and not any(part in trial.name for part in choice.rows):
            continue
        if trial.selector not in known:
            known[trial.selector] = drain(trial.selector.run(classifier, images, seed=0))
        picked = known[trial.selector]
        guarantee = replace(trial.guarantee, n=choice.n)
        certificates = drain(guarantee.run(classifier, images, picked, seed=0))
        row(trial.name, guarantee.badge, radii(certificates, images), base, words(picked))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", choices=sorted(MODELS), default="mnist")
    parser.add_argument("--data", help="folder of the data set")
    parser.add_argument("--limit", type=int, default=500)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--select", type=int, default=500, help="selection draws per sigma")
    parser.add_argument("--sigmas", type=float, nargs="+", default=[s / 20 for s in range(1, 21)])
    parser.add_argument("--several", action="store_true", help="only the main methods")
    parser.add_argument("--start", type=float, help="first sigma of gradient, not the training one")
    parser.add_argument("--rows", nargs="+", help="only methods with one of these in their names")
    choice = parser.parse_args()
    keep_freed_memory()
    classifier = load_classifier(MODELS[choice.dataset])
    data = load_dataset(choice.dataset, root=choice.data)
    rows = np.arange(0, len(data), max(len(data) // choice.limit, 1))[: choice.limit]
    images = [data.image(int(index), classifier.spec) for index in rows]
    print(
        f"{data.name} {data.split}, {len(rows)} images (0, {rows[1]}, ... {rows[-1]}), "
        f"{classifier.spec.name}, n={choice.n:,}, alpha=0.001\n"
    )
    print("| method | badge | ACR | gain | accuracy | draws to choose | sigma (quartiles) |")
    print("|---|---|---|---|---|---|---|")
    table(choice, classifier, images)


if __name__ == "__main__":
    main()

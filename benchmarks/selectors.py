"""Every selector on the same test images: ACR, accuracy, draws, badge; and the best single sigma.

`python -m benchmarks.selectors --dataset mnist --data FOLDER --limit 500 --n 1000`. Every row is
certified on fresh draws; ACR is mean(radius * correct) over one printed index set. The oracle
takes each image's largest radius after looking, so it is a bound and no method.
"""

import argparse
import time
from collections.abc import Sequence

import numpy as np

from rs_core import load_classifier
from rs_core.allocator import keep_freed_memory
from rs_core.classifiers import Classifier
from rs_core.datasets import load_dataset
from rs_core.events import drain
from rs_core.guarantees import Frozen, GridMinimum
from rs_core.images import ImageInput
from rs_core.results import Certificate, Selection
from rs_core.selectors import Fixed, Gradient, GreedyGrid, Grid, Multistart, MultistartUniform
from rs_core.smoothing import Sweep

MODELS = {"mnist": "mnist-conv4", "cifar10": "cifar10-conv4"}
LEVELS = tuple(0.25 * k**0.5 for k in range(1, 17))


def radii(certificates: Sequence[Certificate], images: Sequence[ImageInput]) -> np.ndarray:
    """Certified radius where the class is right, 0 elsewhere."""
    return np.array(
        [
            c.radius if c.predicted == image.label else 0.0
            for c, image in zip(certificates, images, strict=True)
        ]
    )


def row(name: str, badge: str, found: np.ndarray, draws: float, sigmas: str, base: float) -> None:
    """One printed line; the gain is against the best single sigma's ACR."""
    gain = f"{100 * (found.mean() / base - 1):+.1f} %" if base else ""
    print(
        f"{name:<34}{badge:<4}ACR {found.mean():.4f}  {gain:>8}  accuracy {(found > 0).mean():.3f}"
        f"  draws {draws:>8,.0f}  sigma {sigmas}",
        flush=True,
    )


def spread(selections: Sequence[Selection]) -> str:
    """Quartiles of the chosen sigmas."""
    low, middle, high = np.quantile([s.sigma for s in selections], [0.25, 0.5, 0.75])
    return f"{low:.2f} {middle:.2f} {high:.2f}"


def curves(
    classifier: Classifier, images: Sequence[ImageInput], n: int
) -> tuple[np.ndarray, np.ndarray]:
    """(radii (B, S) where right, sigmas) of the grid that `grid` searches, pointwise."""
    sweep = Sweep(sigmas=tuple(Grid().sigmas), n=n, simultaneous=False, recertify=False)
    rows = drain(sweep.run(classifier, images, seed=1))
    return np.stack([radii(r.certificates, [image] * len(r.certificates)) for r, image in zip(
        rows, images, strict=True)]), np.array(sweep.sigmas)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", choices=sorted(MODELS), default="mnist")
    parser.add_argument("--data")
    parser.add_argument("--limit", type=int, default=500)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--select", type=int, default=500, help="selection draws per sigma")
    choice = parser.parse_args()
    keep_freed_memory()
    classifier = load_classifier(MODELS[choice.dataset])
    data = load_dataset(choice.dataset, root=choice.data)
    rows = np.arange(0, len(data), max(len(data) // choice.limit, 1))[: choice.limit]
    images = [data.image(int(index), classifier.spec) for index in rows]
    print(
        f"{data.name} {data.split}, {len(rows)} images (0, {rows[1]}, ... {rows[-1]}), "
        f"{classifier.spec.name}, n={choice.n:,}, alpha=0.001"
    )
    grid, sigmas = curves(classifier, images, choice.n)
    means = grid.mean(axis=0)
    base = float(means.max())
    best = f"{sigmas[means.argmax()]:.2f}"
    row("best single sigma (seen the set)", "-", grid[:, means.argmax()], 0, best, base)
    row("oracle, not a certificate", "-", grid.max(axis=1), 0, "each its best", base)
    for selector in (
        Fixed(sigma=0.25),
        Grid(n=choice.select),
        GreedyGrid(),
        Gradient(),
        Gradient(step_size=0.05, n=8, start=0.4),
        Multistart(m=choice.select),
        MultistartUniform(m=choice.select),
    ):
        started = time.perf_counter()
        picked = drain(selector.run(classifier, images, seed=0))
        seconds = time.perf_counter() - started
        certificates = drain(Frozen(n=choice.n).run(classifier, images, picked, seed=0))
        draws = float(np.mean([s.draws for s in picked]))
        name = selector.name + (" (step .05, n 8)" if selector == Gradient(
            step_size=0.05, n=8, start=0.4) else "")  # fmt: skip
        row(name, "C", radii(certificates, images), draws, spread(picked), base)
        print(f"{'':<34}    {sum(s.draws for s in picked) / max(seconds, 1e-9):,.0f} draws/s")
    declared = [Selection("fixed", LEVELS[0], (), 0)] * len(images)
    joint = drain(GridMinimum(n=choice.n).run(classifier, images, declared, seed=0))
    row("grid_minimum over 16 levels", "A", radii(joint, images), 0, "any of them", base)


if __name__ == "__main__":
    main()

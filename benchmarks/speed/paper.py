"""What the runner of papers' tables adds to its parts: they alone, and in a table."""

import tempfile
import time
from pathlib import Path

from rs_core.classifiers import load_classifier
from rs_core.datasets import load_dataset
from rs_core.events import drain
from rs_core.papers.factory import pair_of
from rs_core.papers.runner import RepeatTable, chunk_of
from rs_core.papers.table import Certified, Choice, Row, Shipped, Table

PAIRS = 5
LIMIT = 1.02


def table() -> Table:
    """36 digits of 28x28 pixels, each certified with a small grid's sigma at n=4,000."""
    grid = Choice("grid", {"sigma_min": 0.25, "sigma_max": 0.75, "interval": 0.25, "n": 200})
    row = Row("picked", Shipped("mnist-conv4"), grid, Choice("frozen"))
    certified = Certified("mnist5k", "train", count=36, n=4_000)
    return Table("speed", "ours", "What the runner adds", "small", certified, (row,))


def parts(one: Table) -> float:
    """Seconds of loading, choosing and certifying, in batches as the runner's."""
    started = time.perf_counter()
    (row,), certified = one.rows, one.certified
    assert isinstance(row.network, Shipped)
    data = load_dataset(certified.dataset, split=certified.split, count=certified.count)
    classifier = load_classifier(row.network.model)
    pair = pair_of(row, certified)
    images = [data.image(place, classifier.spec) for place in range(len(data))]
    size = chunk_of(pair, len(images))
    for start in range(0, len(images), size):
        some = images[start : start + size]
        picked = drain(pair.selector.run(classifier, some, seed=0))
        drain(pair.guarantee.run(classifier, some, picked, seed=0))
    return time.perf_counter() - started


def whole(one: Table) -> float:
    """Seconds of the same in a table's folder."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        drain(RepeatTable(table=one).run(Path(folder) / "out", seed=0))
        return time.perf_counter() - started


def main() -> None:
    """Print the smallest of some ratios of pairs, taken in turns: other work only adds."""
    one = table()
    parts(one), whole(one)
    alone, kept = zip(*((parts(one), whole(one)) for _ in range(PAIRS)), strict=True)
    ratio = min(kept) / min(alone)
    print(f"a table's runner: {ratio:.3f} of its parts (at most {LIMIT}), {min(kept):.1f} s")


if __name__ == "__main__":
    main()

"""What a table costs, said before it starts: passes counted, and how fast this machine is."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.classifiers.devices import resolve_device
from rs_core.datasets import DATASETS, Dataset
from rs_core.events import Finished
from rs_core.experiments.pairs import Pair
from rs_core.images import image_from_array
from rs_core.models import build_network
from rs_core.models.weights import load_model
from rs_core.papers.factory import pair_of, recipe_of, spec_of
from rs_core.papers.table import Choice, Row, Shipped, Table, Training
from rs_core.smoothing import draw_votes

_SECONDS = 0.5  # of each sample, the first step left out
_BACKWARD = 3  # forward passes that a pass with its gradient costs, about


@dataclass(frozen=True)
class Price:
    """What a table costs at most.

    Fields:
        networks: trainings, seeds counted.
        training_images: that all of them see, epochs counted.
        passes: forward passes that choose and certify.
        training_seconds, certifying_seconds: at the speed that was measured; NaN where it was not.
    """

    networks: int
    training_images: int
    passes: int
    training_seconds: float
    certifying_seconds: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.training_seconds + self.certifying_seconds

    @property
    def words(self) -> str:
        """One line."""
        learning = f"{self.networks} trainings on {self.training_images:,} images in all"
        return f"{learning}, at most {self.passes:,} forward passes: {time_words(self.seconds)}"


@dataclass
class Speeds:
    """How fast this machine is, measured once for each kind of work and kept.

    Samples are random images, so that nothing need be loaded; the networks are new.

    Fields:
        device, precision: as `Classifier` takes them.
        alone: makes what is held while a sample is taken.
        kept: units per second by kind of work.
    """

    device: str = "auto"
    precision: str = "auto"
    alone: Callable[[], AbstractContextManager[object]] = nullcontext
    kept: dict[str, float] = field(default_factory=dict)

    def training(self, training: Training) -> float:
        """Images per second of one training; half a second is measured."""
        recipe = recipe_of(_sampled(training.recipe))
        # What changes how many passes a step takes; sigma and rates do not.
        shape = {
            name: getattr(recipe, name, None)
            for name in (
                *("noises", "steps", "attack", "batch_size", "precision", "multi_noise"),
                "per_image",
            )
        }
        key = repr((type(recipe).__name__, shape, training.architecture, training.dataset))
        if key not in self.kept:
            data = _random_images(training.dataset, max(2 * recipe.batch_size, 256))
            spec = spec_of(training, data, "sample")
            stream = recipe.run(spec, data, seed=0, device=resolve_device(self.device))
            done = (event.done for event in stream if not isinstance(event, Finished))
            with self.alone():
                self.kept[key] = recipe.images_per_step * _rate(done)
        return self.kept[key]

    def passes(self, network: Training | Shipped, dataset: str) -> float:
        """Forward passes per second of a network in the precision that votes."""
        name = network.model if isinstance(network, Shipped) else network.architecture
        key = f"votes of {name} on {dataset}"
        if key not in self.kept:
            data = _random_images(dataset, 1)
            with self.alone():
                if isinstance(network, Shipped):
                    module, spec = load_model(network.model)
                else:
                    spec = spec_of(network, data, "sample")
                    shape, classes = spec.input_shape, len(spec.class_names)
                    module = build_network(network.architecture, shape, classes, spec.options)
                classifier = Classifier(
                    module.eval(), spec, device=self.device, precision=self.precision,
                    weights_id="sample",
                )  # fmt: skip
                image = image_from_array(data.images[0], spec, label=0, name="sample")
                stream = draw_votes(
                    classifier, [image], np.array([[0.25]]), 10**7,
                    seed=0, caller="cost", stage="predict",
                )  # fmt: skip
                done = (event.done for event in stream if not isinstance(event, Finished))
                self.kept[key] = _rate(done)
        return self.kept[key]


def price_of(table: Table, *, seeds: int, images: int, speeds: Speeds | None = None) -> Price:
    """What a table costs, by samples of half a second for each kind of work.

    Args:
        table: of any size.
        seeds: how many trainings of each network.
        images: that are certified.
        speeds: measured before; None: nothing is measured, and the seconds are NaN.
    """
    seen, passes, learning, certifying = 0, 0, 0.0, 0.0
    for training in table.trainings:
        count = seeds * recipe_of(training.recipe).epochs * _training_images(training)
        seen += count
        learning += count / speeds.training(training) if speeds else float("nan")
    for row in table.rows:
        count = _passes(row, table, seeds) * images
        passes += count
        speed = speeds.passes(row.network, table.certified.dataset) if speeds else float("nan")
        certifying += count / speed
    return Price(seeds * len(table.trainings), seen, passes, learning, certifying)


def certifying_passes(pair: Pair) -> int:
    """The most forward passes that one image can take."""
    return pair.selector.most_draws + pair.guarantee.most_draws


def training_passes(training: Training, images: int) -> int:
    """About so many forward passes a training on these images takes."""
    recipe = recipe_of(training.recipe)
    attack = 1 + int(getattr(recipe, "steps", 0))
    return int(recipe.epochs * images * recipe.copies * attack * _BACKWARD)


def time_words(seconds: float) -> str:
    """A time for people: "about 40 s", "about 12 min", "about 5.2 h"; "" where it is not known."""
    if seconds != seconds:
        return "time not measured"
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 6000 else f"about {seconds / 3600:.1f} h"


def _sampled(choice: Choice) -> Choice:
    """The recipe as it can be sampled alone: stored sigmas cost what one fixed sigma does."""
    own = choice.settings.get("per_image")
    if not own or own["name"] != "stored":
        return choice
    return Choice(choice.name, {**choice.settings, "per_image": None})


def _passes(row: Row, table: Table, seeds: int) -> int:
    count = seeds if isinstance(row.network, Training) else 1
    return count * certifying_passes(pair_of(row, table.certified))


def _training_images(training: Training) -> int:
    official = DATASETS[training.dataset].train
    return official if training.images is None else min(training.images, official)


def _random_images(dataset: str, count: int) -> Dataset:
    facts, chance = DATASETS[dataset], np.random.default_rng(0)
    channels, height, width = facts.input_shape
    images = chance.integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    labels = np.arange(count) % len(facts.class_names)
    indices = np.arange(count)
    return Dataset("random", "train", images, labels, facts.class_names, indices, "a sample")


def _rate(done: Iterator[int]) -> float:
    """Units per second of a count that grows, after its first step; the stream is left there."""
    first = next(done)
    started, reached, spent = time.perf_counter(), first, 0.0
    for count in done:
        reached, spent = count, time.perf_counter() - started
        if spent > _SECONDS:
            break
    return max(reached - first, 1) / max(spent, 1e-6)

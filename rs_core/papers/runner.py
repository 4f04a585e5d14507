"""The one runner: trains, certifies and scores any table, and goes on from what is finished."""

import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rs_core import __version__
from rs_core.classifiers import Classifier
from rs_core.classifiers.devices import resolve_device, resolve_precision
from rs_core.datasets import Dataset
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream
from rs_core.experiments.pairs import Pair
from rs_core.fields import shown, whole_number
from rs_core.guarantees import Memory, Regions
from rs_core.images import ImageInput
from rs_core.logs.certificates import row_from_certificate
from rs_core.logs.origin import Origin
from rs_core.papers.factory import pair_of, recipe_of
from rs_core.papers.folder import Pick, RowLog, TableFolder
from rs_core.papers.images import TableImages, load_images
from rs_core.papers.networks import Networks
from rs_core.papers.price import certifying_passes, training_passes
from rs_core.papers.progress import RowDone, TableProgress, TableStep, finished_part
from rs_core.papers.scores import Measured
from rs_core.papers.summary import summary
from rs_core.papers.table import Row, Shipped, Table, Training
from rs_core.results import to_json
from rs_core.results.paper import RepeatedTable
from rs_core.selectors import MultistartUniform
from rs_core.smoothing.sampling import BATCH_SIZE

_COPIES_AT_ONCE = 65_536  # of the images that are certified before their rows are kept


@dataclass(frozen=True, kw_only=True)
class RepeatTable:
    """A paper's table, repeated in a folder of its own.

    Fields:
        table: what is trained, certified and claimed.
        seeds: of the trainings; () for 0, 1, ... as many as the table asks for.
        limit: certify only so many images, evenly spread; all by default.

    Raises:
        ParameterError: a seed twice or below 0, no image, or a row that cannot be built.
        UnknownNameError: a row names what no registry holds.
    """

    table: Table
    seeds: tuple[int, ...] = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        seeds = tuple(self.seeds) or tuple(range(self.table.seeds))
        whole = [whole_number(seed) for seed in seeds]
        if any(seed is None or seed < 0 for seed in whole):
            raise ParameterError(f"seeds={shown(seeds)} are no seeds: give whole numbers from 0.")
        if twice := [seed for place, seed in enumerate(whole) if seed in whole[:place]]:
            raise ParameterError(
                f"seed {twice[0]} is given twice, and would count twice: give each once."
            )
        if self.limit is not None and (whole_number(self.limit) or 0) < 1:
            raise ParameterError(f"limit={shown(self.limit)} leaves no image: give 1 or more.")
        object.__setattr__(self, "seeds", tuple(whole))
        for training in self.table.trainings:
            recipe_of(training.recipe)
        for row in self.table.rows:
            pair = pair_of(row, self.table.certified)
            pair.guarantee.check_n(pair.guarantee.level(self.count))

    @property
    def count(self) -> int:
        """How many images are certified, where the split has as many."""
        asked = self.table.certified.count
        return asked if self.limit is None else min(self.limit, asked)

    def seeds_of(self, row: Row) -> tuple[int | None, ...]:
        """One for every training of the row's network; (None,) for a shipped one."""
        return self.seeds if isinstance(row.network, Training) else (None,)

    def run(
        self,
        folder: Path,
        *,
        seed: int,
        data: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        batch_size: int = BATCH_SIZE,
        resume: bool = False,
        seed_given: bool | None = None,
        images: TableImages | None = None,
    ) -> Stream[RepeatedTable]:
        """Yields `TableStep`s and a `RowDone` a row and seed, then the table.

        Every finished image is on disk; a run that was ended anywhere goes on to the same bytes.

        Args:
            folder: gets all files.
            seed: of the noise of every row; those of one network and guarantee share it.
            data: folder of the data files.
            device, precision: as `Classifier` takes them.
            batch_size: forward passes between two steps.
            resume: go on from what the folder holds, if anything.
            seed_given: whether somebody gave the seed; a folder that is gone on with knows.
            images: of the table, where they are read already.

        Raises:
            DataError: the data are missing.
            CheckpointError: the folder is another table's, size's or setting's, or not to be
                gone on with.
        """
        images = images or load_images(self.table, self.count, data)
        store = TableFolder(Path(folder))
        with store.held():
            machine = resolve_device(device)
            precision = resolve_precision(precision, machine)
            decides = self._decides(seed, machine, precision, images)
            given = store.begin(decides, resume=resume, seed_given=seed_given)
            networks = Networks(store.path / "networks", images.learned, str(machine), precision)
            progress = TableProgress(self._work(images.certified, networks))
            options = {"seed": seed, "batch_size": batch_size}
            results: dict[str, list[Measured]] = {}
            found: RepeatedTable | None = None
            for number, row in enumerate(self.table.rows, 1):
                for own in self.seeds_of(row):
                    name = f"row{number:02d}" + ("" if own is None else f"-seed{own}")
                    log = RowLog(store, name)
                    measured = yield from self._row(
                        progress, networks, row, own, log, images.certified, options
                    )
                    results.setdefault(row.label, []).append(measured)
                    if (finished := self._finished(results)) is not None:
                        found = summary(
                            finished, results, images.certified, seed=seed, seed_given=given
                        )
                    yield RowDone(
                        progress.done, progress.total, row.label, row.label, measured.scores(),
                        found,
                    )  # fmt: skip
            assert found is not None  # a table has a row
            ids = {
                f"{row.label}, seed {one.seed}": one.weights_id
                for row in found.rows
                for one in row.scores
            }
            store.finish(ids, to_json(found))
            yield Finished(found)

    def _row(
        self,
        progress: TableProgress,
        networks: Networks,
        row: Row,
        own: int | None,
        log: RowLog,
        images: Dataset,
        options: dict[str, int],
    ) -> Generator[Step, None, Measured]:
        """One row with one seed, certified to its end."""
        pair = pair_of(row, self.table.certified)
        chunk, indices = chunk_of(pair, len(images)), images.indices.tolist()
        done = log.restore(indices, chunk)
        progress.skip(done * certifying_passes(pair))
        if done == len(images):
            return Measured(own, log.rows, log.picks)
        classifier = yield from progress.part(
            networks.classifier(row.network, own or 0),
            f"{row.label}: its network",
            _training_cost(row.network, own or 0, networks),
        )
        inputs = [images.image(place, classifier.spec) for place in range(len(images))]
        if any(image.label is None for image in inputs):
            raise ParameterError(
                f"{classifier.spec.name} has other classes than {images.name}: take a network of "
                "its classes."
            )
        for start in range(done, len(images), chunk):
            part = inputs[start : start + chunk]
            yield from self._images(
                progress, row, pair, classifier, part, indices[start:], log, options
            )
        return Measured(own, log.rows, log.picks)

    def _images(
        self,
        progress: TableProgress,
        row: Row,
        pair: Pair,
        classifier: Classifier,
        part: Sequence[ImageInput],
        indices: Sequence[int],
        log: RowLog,
        options: dict[str, int],
    ) -> Generator[Step, None, None]:
        """Some images: chosen, certified on fresh draws, kept."""
        selections = yield from progress.part(
            pair.selector.run(classifier, part, **options),
            f"{row.label}: {pair.selector.name} chooses sigma",
            len(part) * pair.selector.most_draws,
        )
        certificates = yield from progress.part(
            pair.guarantee.run(classifier, part, selections, **options),
            f"{row.label}: {pair.guarantee.name} certifies",
            len(part) * pair.guarantee.most_draws,
        )
        certified, command = self.table.certified, f"rs paper {self.table.name}"
        origin = Origin(certified.dataset, certified.split, f"{command} --size {self.table.size}")
        rows = [
            row_from_certificate(i, image.label, made, None, name=image.name, origin=origin)
            for i, image, made in zip(indices, part, certificates, strict=False)
        ]
        picks = [
            Pick(i, chosen.sigma, chosen.draws, len({sigma for sigma, _ in chosen.candidates}))
            for i, chosen in zip(indices, selections, strict=False)
        ]
        log.add(rows, picks)
        yield TableStep(progress.done, progress.total, f"{row.label}: kept", kept=True)

    def _finished(self, results: Mapping[str, Sequence[Measured]]) -> Table | None:
        """The table of the rows that have all their seeds; None where there is none."""
        seeds = {row.label: len(self.seeds_of(row)) for row in self.table.rows}
        return finished_part(self.table, results, seeds)

    def _decides(
        self, seed: int, device: torch.device, precision: str, images: TableImages
    ) -> dict[str, Any]:
        """Everything that decides the result, as JSON values."""
        return {
            "table": to_json(self.table),
            "seeds": list(self.seeds),
            "images": len(images.certified),
            "seed": seed,
            "device": device.type,
            "precision": precision,
            "threads": torch.get_num_threads(),
            "data": images.digests,
            "version": __version__,
        }

    def _work(self, images: Dataset, networks: Networks) -> int:
        """The forward passes of all parts that are left, at most."""
        learning = [
            training_passes(one, len(networks.sets[one.dataset, one.images]))
            for one in self.table.trainings
            for seed in self.seeds
            if networks.trained(one, seed) is None
        ]
        each = [
            len(self.seeds_of(row)) * certifying_passes(pair_of(row, self.table.certified))
            for row in self.table.rows
        ]
        return sum(learning) + sum(each) * len(images)


def _training_cost(network: Training | Shipped, seed: int, networks: Networks) -> int:
    """Forward passes that it takes to have the network; 0 where it is there."""
    if isinstance(network, Shipped) or networks.trained(network, seed) is not None:
        return 0
    return sum(
        training_passes(one, len(networks.sets[one.dataset, one.images]))
        for one in network.stages
        if networks.trained(one, seed) is None
    )


def chunk_of(pair: Pair, images: int) -> int:
    """How many images are certified before their rows are kept.

    It hangs on the settings alone, so that a resumed run has the same batches. Where a row claims
    of all images together, or one sigma is chosen for all, it is all of them.
    """
    joint = isinstance(pair.guarantee, Memory | Regions)
    if joint or isinstance(pair.selector, MultistartUniform):
        return max(images, 1)
    return max(1, min(50, _COPIES_AT_ONCE // certifying_passes(pair)))

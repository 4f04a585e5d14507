"""Images labelled by their radii: how far a network is certified at each of several sigmas."""

import io
import time
import zipfile
from collections.abc import Generator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.datasets import Dataset
from rs_core.durable import write_durably
from rs_core.errors import ParameterError
from rs_core.events import Finished, PhaseStep, Step, Stream, relay
from rs_core.results.picker import picker_classes
from rs_core.smoothing.sampling import draw_votes
from rs_core.statistics import l2_radius, lower_confidence_bound
from rs_core.training.checkpoints.fingerprint import data_digest

FILE_NAME = "radii-{}.npz"
_ROWS = 64
_KEEP_EVERY = 30.0


@dataclass(frozen=True)
class Radii:
    """What is asked of every image.

    Fields:
        sigmas: ascending, pixels of [0,1].
        n: noisy copies at each.
        alpha: level of each radius.
    """

    sigmas: tuple[float, ...]
    n: int
    alpha: float

    @property
    def class_names(self) -> tuple[str, ...]:
        """A class for each sigma."""
        return picker_classes(self.sigmas)

    def source(self, classifier: Classifier) -> str:
        """What images so labelled say of themselves."""
        return f"radii of {classifier.title}, n={self.n}, alpha={self.alpha:g}"

    def run(
        self, classifier: Classifier, data: Dataset, *, seed: int, folder: Path | None = None
    ) -> Stream[Dataset]:
        """Yields steps, then the images with radii as targets and the best sigma as label.

        A radius is that of the image's own class, 0 where its votes do not certify it. The draws
        choose (stage "select"), so none of them can certify.

        Args:
            classifier: whose radii they are; its classes are those of the data.
            data: N labelled images of its input size.
            seed: of the draws.
            folder: keeps what is finished, so that a run goes on from there.

        Raises:
            ParameterError: the network has other classes, or one sigma is the best of all images.
        """
        height, width, channels = data.images.shape[1:]
        is_size = classifier.spec.input_shape == (channels, height, width)
        if not is_size or not data.fits(classifier.spec):  # radii belong to an input size
            raise ParameterError(
                f"{classifier.title} was told other classes or another input size than those of "
                f"{data.title}: take a network that was trained on such images."
            )
        key = self._key(classifier, data, seed)
        path = None if folder is None else folder / FILE_NAME.format(key[:16])
        found = yield from relay(self._measured(classifier, data, seed, path))
        best = found.argmax(axis=1)
        if (best == best[0]).all():
            raise ParameterError(
                f"sigma={self.sigmas[best[0]]:g} is the best for each of {len(data):,} images of "
                f"{data.title}: there is nothing to tell apart, give other sigmas."
            )
        yield Finished(
            replace(
                data, labels=best.astype(np.int64), targets=found, class_names=self.class_names,
                numbered=False,
                source=self.source(classifier),
            )
        )  # fmt: skip

    def _measured(
        self, classifier: Classifier, data: Dataset, seed: int, path: Path | None
    ) -> Stream[np.ndarray]:
        """Radii float32 (N, K)."""
        found, kept_at = _kept(path, len(self.sigmas)), time.monotonic()
        parts, done, kept = [found], len(found), len(found)
        try:
            while done < len(data):
                rows = list(range(done, min(done + _ROWS, len(data))))
                parts.append((yield from self._of(classifier, data, rows, seed)))
                done += len(rows)
                if path is not None and time.monotonic() - kept_at > _KEEP_EVERY:
                    _keep(path, np.concatenate(parts))
                    kept, kept_at = done, time.monotonic()
        finally:  # whoever stops here loses one part at most
            if path is not None and done > kept:
                _keep(path, np.concatenate(parts))
        yield Finished(np.concatenate(parts))

    def _of(
        self, classifier: Classifier, data: Dataset, rows: list[int], seed: int
    ) -> Generator[Step, None, np.ndarray]:
        images = [data.image(row, classifier.spec) for row in rows]
        stream = draw_votes(
            classifier, images, np.tile(self.sigmas, (len(rows), 1)), self.n,
            seed=seed, caller="radii", stage="select",
        )  # fmt: skip
        said = f"certifying at {len(self.sigmas)} sigmas: {rows[0]:,} of {len(data):,} images"
        for event in stream:
            if isinstance(event, Finished):
                counts = event.result.counts
            else:
                yield PhaseStep(done=rows[0], total=len(data), phase=said)
        own = np.take_along_axis(counts, data.labels[rows][:, None, None], axis=-1)[..., 0]
        lower = lower_confidence_bound(own, self.n, self.alpha)
        return np.asarray(l2_radius(np.array(self.sigmas), lower), dtype=np.float32)

    def _key(self, classifier: Classifier, data: Dataset, seed: int) -> str:
        facts = (self.sigmas, self.n, self.alpha, classifier.weights_id, classifier.precision)
        return sha256(repr((facts, data_digest(data), seed)).encode()).hexdigest()


def _kept(path: Path | None, sigmas: int) -> np.ndarray:
    """What an earlier run finished; nothing where there is no such file, or it is damaged."""
    if path is None or not path.exists():
        return np.zeros((0, sigmas), dtype=np.float32)
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            found = np.asarray(file["radii"], dtype=np.float32)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        return np.zeros((0, sigmas), dtype=np.float32)
    is_whole = found.ndim == 2 and found.shape[1] == sigmas and np.isfinite(found).all()
    return found if is_whole else np.zeros((0, sigmas), dtype=np.float32)


def _keep(path: Path, radii: np.ndarray) -> None:
    raw = io.BytesIO()
    np.savez_compressed(raw, radii=radii)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, raw.getvalue())

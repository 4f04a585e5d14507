"""Labelled images of one split, and what may be taken from them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np

from rs_core.errors import ParameterError
from rs_core.fields import shown, whole_number
from rs_core.images import ImageInput, image_from_array
from rs_core.results import ModelSpec


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images of one split.

    Fields:
        name: shown with every number, e.g. "CIFAR-10 (JPEG 75)".
        split: "train" or "test"; "" for a set that has no splits.
        images: uint8 (N,H,W,C).
        labels: int64 (N,).
        class_names: one per class.
        indices: int64 (N,), each image's position in the official order.
        source: where the images came from.
        notes: sentences that belong beside the numbers.
        numbered: its classes have no names, so that labels are a network's class numbers.
        targets: float32 (N, classes), what is learned in place of labels alone; None for labels.
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    indices: np.ndarray
    source: str
    notes: tuple[str, ...] = ()
    numbered: bool = False
    targets: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def title(self) -> str:
        """Its name and split."""
        return f"{self.name} {self.split}".rstrip()

    def subset(self, rows: slice | Sequence[int] | np.ndarray) -> "Dataset":
        """The images at these rows (0 to len - 1) in the given order, or where a mask is True.

        Raises:
            ParameterError: a row is not there or no whole number, or a mask of another length.
        """
        if not isinstance(rows, slice):
            rows = self._chosen(rows)
        return replace(
            self, images=self.images[rows], labels=self.labels[rows], indices=self.indices[rows],
            targets=None if self.targets is None else self.targets[rows],
        )  # fmt: skip

    def _chosen(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        where = f"{self.title} has rows 0 to {len(self) - 1}"
        try:
            chosen = np.asarray(rows)
        except (TypeError, ValueError, RuntimeError):  # ragged lists; tensors with a gradient
            chosen = np.asarray(None)
        if chosen.shape == (0,):
            return np.zeros(0, dtype=np.int64)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
            raise ParameterError(f"rows={shown(rows)} are no row numbers: {where}.")
        if chosen.dtype.kind == "b":
            if len(chosen) != len(self):
                raise ParameterError(f"the mask has {len(chosen)} values: {where}, give one each.")
            return np.flatnonzero(chosen)
        if not 0 <= chosen.min() <= chosen.max() < len(self):
            raise ParameterError(f"rows reach from {chosen.min()} to {chosen.max()}: {where}.")
        return chosen.astype(np.int64)

    def digests(self) -> tuple[str, ...]:
        """The `pixel_digest` of each image."""
        return tuple(map(pixel_digest, self.images))

    def without(self, digests: Collection[str]) -> "Dataset":
        """The images whose pixels are not among these digests, e.g. to keep samples unseen."""
        refused = frozenset(digests)
        return self.subset([row for row, own in enumerate(self.digests()) if own not in refused])

    def image(self, row: int, spec: ModelSpec) -> ImageInput:
        """One image as a network's input, named by its official index.

        Its label is None for a network with other classes, whose numbers mean something else.

        Raises:
            ParameterError: no such row.
        """
        whole = whole_number(row)
        if whole is None:
            raise ParameterError(
                f"row={shown(row)} is no row number: {self.title} has rows 0 to {len(self) - 1}."
            )
        one = self.subset([whole])
        name = f"{self.title} {one.indices[0]}"
        label = int(one.labels[0]) if self.fits(spec) else None
        return image_from_array(one.images[0], spec, label=label, name=name)

    def fits(self, spec: ModelSpec) -> bool:
        """Whether a network's classes are those of the labels, name by name."""
        if self.numbered:
            return len(self.class_names) <= len(spec.class_names)
        return self.class_names == spec.class_names


def pixel_digest(image: np.ndarray) -> str:
    """A 16-byte blake2b of an image's pixels, uint8 (H, W, C), hex."""
    return blake2b(image.tobytes(), digest_size=16).hexdigest()


def chooser(count: int | None) -> Callable[[int], np.ndarray]:
    """The rows of a split of N: all, or `count` that lie evenly spread."""
    if count is None:
        return np.arange
    whole = whole_number(count)
    if whole is None or whole < 1:
        raise ParameterError(f"count={shown(count)} is not possible: give 1 or more images.")
    return lambda total: np.arange(min(whole, total)) * total // min(whole, total)

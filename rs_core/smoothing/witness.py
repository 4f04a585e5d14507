"""One pass of a draw, which is asked for again at the draw's end."""

from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.classifiers.prepare import ThreadCopy
from rs_core.classifiers.probe import agree, same_size_share, tried_rows
from rs_core.errors import ModelFileError
from rs_core.smoothing.threads import voting_threads


@dataclass(frozen=True)
class _Pass:
    """Rows (R, C, H, W) as they were asked, their noise levels, and the logits (R, K)."""

    rows: Tensor
    levels: Tensor | None
    logits: Tensor


@dataclass(eq=False)
class Witness:
    """What a network said early in a draw, and which of its copies were asked.

    A network that keeps a count, drifts, or was exchanged meanwhile is no function, and nothing can
    be certified of it. Each thread asks a copy of its own, and any of them may have changed.
    """

    classifier: Classifier
    _kept: _Pass | None = None
    _copies: dict[int, ThreadCopy] = field(default_factory=dict)

    def saw(self, rows: Tensor, levels: Tensor | None, logits: Tensor) -> None:
        """A pass was made by this thread; the first is kept."""
        copy = self.classifier.own_copy()
        self._copies[id(copy)] = copy
        if self._kept is not None:
            return
        if self.classifier.device.type != "cpu":  # blocks are large there, and few
            rows = rows[: self._few]
            levels = None if levels is None else levels[: self._few]
            logits = self.classifier(rows, levels)
        self._kept = _Pass(rows, levels, logits)

    def hold(self) -> None:
        """Refuse all that the network said if one of its copies answers otherwise by now.

        Raises:
            ModelFileError: the network changed while it was asked.
        """
        if self._kept is None:
            return
        pool = voting_threads(self.classifier)
        ask, copies = partial(self._changed, self._kept), self._copies.values()
        if any(pool.map(ask, copies) if pool else map(ask, copies)):
            raise ModelFileError(
                f"{self.classifier.spec.name}: the network changed while it was asked: asked again "
                "at the end, it answered noisy copies otherwise, and nothing is certified. Let its "
                "answer hang on the image alone, without counters, chance or other images."
            )

    @property
    def _few(self) -> int:
        return tried_rows(self.classifier.spec)

    @torch.inference_mode()
    def _changed(self, kept: _Pass, copy: ThreadCopy) -> bool:
        share = same_size_share(self.classifier.device, self.classifier.precision)
        # Few rows mostly have the bits that they have among many, and cost little.
        for count in dict.fromkeys((self._few, len(kept.rows))):
            levels = None if kept.levels is None else kept.levels[:count]
            found = self.classifier(kept.rows[:count], levels, by=copy)
            if agree(kept.logits[:count], found, share):
                return False
        return True

"""Certificates of a classifier that remembers its answers and keeps to them: DDRS's memory."""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, relay
from rs_core.fields import param
from rs_core.guarantees.base import Guarantee
from rs_core.guarantees.memory.balls import BallMemory
from rs_core.guarantees.memory.file import Ball
from rs_core.images import ImageInput
from rs_core.results import Badge, Certificate, Selection
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.smoothing.statements import class_label, statement
from rs_core.statistics import floor_decimals


@dataclass(frozen=True, kw_only=True)
class Memory(Guarantee):
    """Later queries inside a ball get its label, whatever sigma a selector picks for them.

    Says nothing of queries answered before, and depends on the order in which points came. The
    label is enforced; the Monte Carlo radius caps it, so that where a label was not inherited
    the smoothed classifier frozen at sigma has it too, at error alpha. Alfarra et al. (2022),
    Algorithm 3, repaired.
    """

    name: ClassVar[str] = "memory"
    badge: ClassVar[Badge] = "B"

    path: str = param("", help="file of the memory; empty for one that ends with this run")
    policy: str = param("", help="the selector's settings in words; one memory holds one policy")

    @property
    def file(self) -> Path:
        """Where the memory lies, `~` written out; of no meaning without a path."""
        return Path(self.path).expanduser()

    def under(self, policy: str) -> "Memory":
        """This memory with the selector's settings as its policy, unless it names one."""
        return self if self.policy else replace(self, policy=policy)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        selections: Sequence[Selection],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Certificate, ...]]:
        """Yields the loop's steps, one per stored point, then the certificates.

        The images are placed in order; each is on disk before it counts as done.

        Raises:
            ParameterError: several selectors, or a memory made under another key.
            StoreError: the memory is foreign, damaged, locked, or of another version.
        """
        self.check_pairs(images, selections)
        self.check_n(self.alpha)
        memory = self.open(classifier, selections[0].selector)
        with closing(memory):
            drawn = len(images) * (self.n0 + self.n)
            total = drawn + len(images)
            stream = self.at_selected(
                classifier, images, selections, seed=seed, batch_size=batch_size
            )
            rows = yield from relay(stream, total=total)
            issued: list[Certificate] = []
            for image, row in zip(images, rows, strict=True):
                placed = memory.place(image.pixels, image.digest, row.predicted, row.radius)
                ball = memory.balls[placed.position - 1]
                issued.append(self._issued(row, ball, memory.key_hash, classifier))
                yield Step(drawn + len(issued), total)
        yield Finished(tuple(issued))

    def check_pairs(self, images: Sequence[ImageInput], selections: Sequence[Selection]) -> None:
        """Refuse selections of no selector or of several."""
        super().check_pairs(images, selections)
        names = sorted({s.selector for s in selections})
        if len(names) != 1:
            raise ParameterError(
                f"a memory holds the answers of one selector, not of {names or 'none'}: run each "
                "with its own path."
            )

    def open(self, classifier: Classifier, selector: str) -> BallMemory:
        """The memory of this network and selector; close it after use.

        The device is no part of its key: inside a ball the stored label is enforced whoever asks,
        and votes are claimed only for a certificate, which names its device.
        """
        spec = classifier.spec
        key = {
            "weights": classifier.weights_id,
            "normalisation": f"mean {list(spec.mean)} std {list(spec.std)}",
            "precision": classifier.precision,
            "sigma policy": f"{selector} {self.policy}".strip(),
        }
        path = str(self.file) if self.path else ""
        return BallMemory(path, key, spec.input_shape)

    def _issued(
        self, drawn: Certificate, ball: Ball, key_hash: str, classifier: Classifier
    ) -> Certificate:
        """The stored answer; with these draws behind it only where they say the same."""
        backed = drawn.predicted == ball.label and drawn.radius >= ball.radius
        if ball.label is None and backed:
            return drawn
        stored = (
            f"valid for queries after this point was stored (memory {key_hash}, entry "
            f"{ball.position})"
        )
        if backed and ball.kind != "inherited":
            cut = f"; radius cut by entry {ball.conflict}" if ball.kind == "cut" else ""
            sentence = statement(
                guarantee=self.badge, predicted=ball.label, radius=ball.radius,
                class_names=classifier.spec.class_names, sigma=drawn.sigma, alpha=self.alpha,
                own_noise=classifier.random,
                n=self.n, n0=self.n0, noise=self.noise_kind, level=drawn.level,
                caveat=stored + cut,
            )  # fmt: skip
            return replace(drawn, predicted=ball.label, radius=ball.radius, statement=sentence)
        return replace(
            drawn,
            predicted=ball.label,
            radius=ball.radius,
            p_lower=math.nan,
            p_upper_runner_up=None,
            level=None,
            n_top=0 if ball.label is None else drawn.counts[ball.label],
            statement=f"{_enforced(ball, classifier.spec.class_names)} \u00b7 {stored}",
        )


def _enforced(ball: Ball, class_names: tuple[str, ...]) -> str:
    """What is said of an answer that the query's own draws do not support."""
    if ball.kind == "inherited":
        reason = f"label enforced, inherited from entry {ball.conflict}"
    else:
        reason = f"answer of entry {ball.position} repeated"
    reason += "; no \u03c3 and no votes stand behind it (no p_lower)"
    if ball.label is None:
        return f"Abstained: nothing is certified \u00b7 {reason}"
    return (
        f"Certified \u21132 radius {floor_decimals(ball.radius, 3)} (pixels in [0,1]) \u00b7 class "
        f"{class_label(ball.label, class_names)} \u00b7 {reason}"
    )

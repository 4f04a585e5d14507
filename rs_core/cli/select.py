"""`rs select`: the sigma that a selector proposes for images, and what may be claimed at it."""

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from rs_core.cli.choices import ModelChoice
from rs_core.cli.outputs import Tables, print_json
from rs_core.cli.pictures import ImageChoice, Picked
from rs_core.cli.pictures import Selection as Chosen
from rs_core.cli.progress import follow
from rs_core.cli.scores import print_scores
from rs_core.cli.selecting import (
    SELECTOR,
    Extra,
    hold_possible,
    named,
    paired,
    selector_of,
    with_selector,
)
from rs_core.cli.tables import certificate_table, network_line, notes_below
from rs_core.errors import ParameterError
from rs_core.evaluation.logs import row_from_certificate, write_log
from rs_core.fields import param
from rs_core.guarantees import GUARANTEES, Guarantee, Memory, Regions
from rs_core.plots.wording import tidy
from rs_core.results import Certificate, Selection, to_json


@dataclass(frozen=True, kw_only=True)
class SelectCommand:
    """The sigma that a selector picks per image; with --guarantee, certified there on fresh draws.

    The fields of the selector are options `--selector-FIELD`, those of the guarantee plain ones.
    A network that answers with sigma, and dual smoothing of it, are in Python alone:
    rs_core.selectors.FromNetwork, rs_core.guarantees.Dual and PublishedDual.
    """

    declared: ClassVar[bool] = False  # whether --sigmas was given

    image: ImageChoice = field(default_factory=ImageChoice)
    model: ModelChoice = field(default_factory=ModelChoice)
    output: Tables = field(default_factory=Tables)
    selector: str = SELECTOR
    guarantee: str | None = param(
        None, help="certify at the picked sigma; none: only pick", choices=tuple(GUARANTEES)
    )
    settings: Guarantee | None = None

    @classmethod
    def for_arguments(cls, arguments: Sequence[str]) -> type["SelectCommand"]:
        """This command with the fields of the selector and the guarantee that are named."""
        guarantee = named(arguments, "--guarantee", GUARANTEES, None)
        extra: list[Extra] = [("settings", type(None), field(default=None, init=False))]
        if guarantee is not None:
            kind = GUARANTEES[guarantee]
            extra = [("settings", kind, field(default_factory=kind))]
            extra.append(("guarantee", str, param(guarantee, help="what may be claimed")))
        command = with_selector(cls, arguments, extra)
        command.declared = any(word.partition("=")[0] == "--sigmas" for word in arguments)
        return command

    def run(self) -> int:
        """Compute, print, write; the exit code."""
        self.output.check(*self.image.files(), *self.model.files(), *_stored(self.settings))
        if self.output.tsv is not None and self.settings is None:
            raise ParameterError("--tsv holds certificates: give --guarantee, or leave it out.")
        if self.output.tsv is not None and self.settings is not None and self.settings.norm != "l2":
            raise ParameterError(
                f"--tsv holds l2 radii, and {self.guarantee} certifies {self.settings.norm} radii: "
                "leave it out, or take --json."
            )
        selector, settings = selector_of(self), self.settings
        if settings is not None:
            settings = paired(selector, settings, declared=self.declared).under(str(selector))
        classifier = self.model.load()
        chosen = self.image.load(classifier.spec)
        images = [item.image for item in chosen.items]
        hold_possible(selector, settings, classifier, images)
        options = {"seed": self.model.seed, "batch_size": self.model.batch_size}
        started = time.perf_counter()
        picked = follow(selector.run(classifier, images, **options), label=self.selector)
        spent = time.perf_counter() - started
        certificates: tuple[Certificate, ...] = ()
        if settings is not None:
            stream = settings.run(classifier, images, picked, **options)
            certificates = follow(stream, label=str(self.guarantee))
        self._write(chosen.items, certificates, time.perf_counter() - started)
        if self.output.json:
            _print_json(chosen, picked, certificates)
            return chosen.ended("select")
        print(network_line(classifier))
        print_selections(chosen, picked, spent)
        if settings is not None:
            print(certificate_table(certificates, classifier.spec.class_names, chosen.names))
            print(f"error of each row: {settings.budget}")
            print(tidy(certificates[0].statement))
            for note in _unkept(settings):
                print(f"note: {note}")
        for note in notes_below(chosen):
            print(note)
        if certificates and not chosen.single:
            print_scores(chosen, certificates)
        return chosen.ended("select")

    def _write(
        self, items: Sequence[Picked], certificates: Sequence[Certificate], seconds: float
    ) -> None:
        if not certificates or self.output.tsv is None:
            return
        share = seconds / len(items)
        rows = [
            row_from_certificate(item.index, item.image.label, certificate, share)
            for item, certificate in zip(items, certificates, strict=True)
        ]
        text = io.StringIO()
        write_log(text, rows)
        with self.output.growing_table() as table:
            table.add(text.getvalue())


def _stored(settings: Guarantee | None) -> tuple[Path, ...]:
    """The memory's file, which no output may replace: its answers were given."""
    return (settings.file,) if isinstance(settings, Memory) and settings.path else ()


def _unkept(settings: Guarantee) -> Iterator[str]:
    """That nothing is left that would answer a later query as the certificates say."""
    if isinstance(settings, Memory) and not settings.path:
        yield "this memory ended with the command, nothing answers from it: --path keeps one"
    if isinstance(settings, Regions):
        yield (
            "these regions were not kept, nothing answers from them: rs regions allocate freezes "
            "them in a file"
        )


def _print_json(
    chosen: Chosen, picked: Sequence[Selection], certificates: Sequence[Certificate]
) -> None:
    rows: list[dict[str, Any]] = [
        {
            "name": item.image.name,
            "index": item.index,
            "label": item.image.label,
            "selection": to_json(selection),
            "certificate": to_json(certificates[row]) if certificates else None,
        }
        for row, (item, selection) in enumerate(zip(chosen.items, picked, strict=True))
    ]
    print_json(rows[0] if chosen.single else rows)


def print_selections(
    chosen: Chosen, picked: Sequence[Selection], seconds: float | None = None
) -> None:
    """Print the sigma of each image and what choosing cost."""
    width = max(len("image"), *map(len, chosen.names))
    level = "lambda" if {selection.norm for selection in picked} == {"l1"} else "sigma"
    print(f"{'image'.rjust(width)}  {level:>8}  {'draws':>9}")
    for name, selection in zip(chosen.names, picked, strict=True):
        notes = f"  {'; '.join(selection.notes)}" if selection.notes else ""
        print(f"{name.rjust(width)}  {selection.sigma:>8.4g}  {selection.draws:>9,}{notes}")
    draws = sum(selection.draws for selection in picked)
    took = "" if seconds is None else f" in {seconds:.1f} s"
    print(f"{picked[0].selector}: {draws:,} selection draws{took}; none certifies")

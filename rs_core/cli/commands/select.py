"""`rs select`: the sigma that a selector proposes for images, and what may be claimed at it."""

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from rs_core.classifiers import Classifier
from rs_core.cli.choices import ModelChoice
from rs_core.cli.nested import (
    SELECTOR,
    Extra,
    check_possible,
    named,
    paired,
    selector_of,
    with_selector,
)
from rs_core.cli.outputs.growing import GrowingTable
from rs_core.cli.outputs.origins import facts_of, origin_of
from rs_core.cli.outputs.results import ResumableTables, print_json
from rs_core.cli.outputs.resume import expected_rows, rows_done
from rs_core.cli.outputs.scores import joint_lines, print_scores
from rs_core.cli.outputs.text import certificate_table, heading, notes_below
from rs_core.cli.pictures import ImageChoice, Picked
from rs_core.cli.pictures import Selection as Chosen
from rs_core.cli.progress import follow
from rs_core.cli.remarks import print_remarks
from rs_core.errors import ParameterError
from rs_core.experiments import notes_of_selector
from rs_core.fields import param
from rs_core.guarantees import GUARANTEES, Guarantee, Memory, Regions
from rs_core.logs.certificates import row_from_certificate, write_log
from rs_core.logs.columns import COLUMNS
from rs_core.logs.origin import Origin
from rs_core.plots.text import tidy
from rs_core.results import Certificate, Selection, to_json
from rs_core.selectors import MultistartUniform, Selector

_COPIES_AT_ONCE = 8192  # so many fill a GPU; more would keep finished rows waiting


@dataclass(frozen=True, kw_only=True)
class SelectCommand:
    """The sigma that a selector picks per image; with --guarantee, certified there on fresh draws.

    The fields of the selector are options `--selector-FIELD`, those of the guarantee plain ones.
    A network that answers with sigma, and dual smoothing of it, are in Python alone:
    rs_core.selectors.FromNetwork and SigmaClassifier, rs_core.guarantees.Dual, PublishedDual and
    DualRS.
    """

    declared: ClassVar[bool] = False  # whether --sigmas was given

    image: ImageChoice = field(default_factory=ImageChoice)
    model: ModelChoice = field(default_factory=ModelChoice)
    output: ResumableTables = field(default_factory=ResumableTables)
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
        self._check_table()
        selector, settings = selector_of(self), self.settings
        if settings is not None:
            settings = paired(selector, settings, declared=self.declared).under(str(selector))
        classifier = self.model.load()
        chosen = self.image.load(classifier.spec)
        check_possible(selector, settings, classifier, [item.image for item in chosen.items])
        expected = expected_rows(
            chosen, classifier, origin_of(self.image), self.model.noise_seed,
            "" if settings is None else settings.noise_kind,
        )  # fmt: skip
        with self.output.growing_table() as table:
            done = rows_done(table, self.output.tsv, self, COLUMNS, expected)
            if done < len(chosen.items):
                self._answer(classifier, chosen.after(done), selector, settings, table)
        return chosen.ended("select")

    def _check_table(self) -> None:
        """Refuse a --tsv that could not be written, or not be gone on from."""
        if self.output.tsv is not None and self.settings is None:
            raise ParameterError("--tsv holds certificates: give --guarantee, or leave it out.")
        if self.output.tsv is not None and self.settings is not None and self.settings.norm != "l2":
            raise ParameterError(
                f"--tsv holds l2 radii, and {self.guarantee} certifies {self.settings.norm} radii: "
                "leave it out, or take --json."
            )
        if self.output.resume and self.selector == MultistartUniform.name:
            raise ParameterError(
                f"{self.selector} picks one sigma from all images together, and those that are "
                "left are another set: leave --resume out."
            )
        if self.output.resume and self.settings is not None and _joint(self.settings):
            raise ParameterError(
                f"{self.guarantee} claims of all images together, so no row of it can be added: "
                "leave --resume out."
            )

    def _answer(
        self,
        classifier: Classifier,
        chosen: Chosen,
        selector: Selector,
        settings: Guarantee | None,
        table: GrowingTable,
    ) -> None:
        """Compute, print, write."""
        picked: list[Selection] = []
        certificates: list[Certificate] = []
        spent = 0.0
        options = {"seed": self.model.noise_seed, "batch_size": self.model.batch_size}
        for items in self._parts(chosen.items, settings):
            started = time.perf_counter()
            images = [item.image for item in items]
            if len(picked) == len(certificates):
                whole = chosen.items if isinstance(selector, MultistartUniform) else items
                asked = [item.image for item in whole]
                picks = follow(selector.run(classifier, asked, **options), label=self.selector)
                picked += picks
                spent += time.perf_counter() - started
            if settings is None:
                continue
            found = picked[len(certificates) : len(certificates) + len(items)]
            stream = settings.run(classifier, images, found, **options)
            made = follow(stream, label=str(self.guarantee))
            certificates += made
            if self.output.tsv is not None:
                table.add(self._rows(items, made, time.perf_counter() - started))
        if self.output.json:
            _print_json(chosen, picked, certificates, origin_of(self.image))
            return
        print(heading(classifier))
        print_selections(chosen, picked, spent)
        if settings is not None:
            _print_certificates(classifier, chosen, settings, certificates)
        for note in (*notes_below(chosen), *_unlike_alone(selector, chosen)):
            print(note)
        print_remarks(classifier, [selection.sigma for selection in picked])
        if certificates and not chosen.single:
            print_scores(chosen, certificates)

    def _parts(
        self, items: Sequence[Picked], settings: Guarantee | None
    ) -> Iterator[Sequence[Picked]]:
        """The images that are certified before the table grows: few, unless they are claimed of
        together, or nothing is to be kept."""
        size = len(items)
        if self.output.tsv is not None and settings is not None and not _joint(settings):
            size = max(1, _COPIES_AT_ONCE // settings.most_draws)
        for start in range(0, len(items), size):
            yield items[start : start + size]

    def _rows(
        self, items: Sequence[Picked], certificates: Sequence[Certificate], seconds: float
    ) -> str:
        """The table of these images."""
        text, share = io.StringIO(), seconds / len(items)
        rows = [
            row_from_certificate(
                item.index, item.image.label, certificate, share,
                name=item.image.name, origin=origin_of(self.image),
            )
            for item, certificate in zip(items, certificates, strict=True)
        ]  # fmt: skip
        write_log(text, rows)
        return text.getvalue()


def _joint(settings: Guarantee) -> bool:
    """Whether an image's certificate depends on the images before it."""
    return isinstance(settings, Memory | Regions)


def _shares_risk(settings: Guarantee) -> bool:
    """Whether the risk of each row is that of all of them together already."""
    return isinstance(settings, Regions) and settings.mode == "label_aware"


def _unlike_alone(selector: Selector, chosen: Chosen) -> Iterator[str]:
    """That the choice would be another for the image alone, without its label or the others."""
    if not (chosen.single and isinstance(selector, MultistartUniform)):
        yield from (f"note: {note}" for note in notes_of_selector(selector))


def _print_certificates(
    classifier: Classifier,
    chosen: Chosen,
    settings: Guarantee,
    certificates: Sequence[Certificate],
) -> None:
    print(certificate_table(certificates, classifier.spec.class_names, chosen.names))
    print(f"error of each row: {settings.budget}")
    for line in () if _shares_risk(settings) else joint_lines([c.alpha for c in certificates]):
        print(line)
    whose = "" if chosen.single else f"{chosen.names[0]}: "
    print(whose + tidy(certificates[0].statement))
    for note in _unkept(settings):
        print(f"note: {note}")


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
    chosen: Chosen,
    picked: Sequence[Selection],
    certificates: Sequence[Certificate],
    origin: Origin,
) -> None:
    rows: list[dict[str, Any]] = [
        {
            **facts_of(origin, item),
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
    print(f"{picked[0].selector}: {draws:,} selection draws{took}; none of them certifies")

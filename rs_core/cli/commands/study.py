"""`rs study`: accuracies under attack on part of a data set, as curves; nothing is certified."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass, field, fields, make_dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_type_hints

from rs_core.classifiers import Classifier
from rs_core.cli.choices import DataChoice, ModelChoice
from rs_core.cli.outputs.origins import facts_of, origin_of
from rs_core.cli.outputs.results import Output, print_json
from rs_core.cli.progress import announce_cost, follow
from rs_core.cli.seeds import seed_line
from rs_core.datasets import Dataset
from rs_core.errors import ParameterError
from rs_core.experiments.studies import Frontier, NoiseCurve, StrengthCurve
from rs_core.fields import param
from rs_core.logs.study import write_study
from rs_core.plots.report import Table
from rs_core.plots.study.text import STUDY_NOTES
from rs_core.results import to_json
from rs_core.results.study import Study
from rs_core.selectors import SELECTORS

C = TypeVar("C", bound="_StudyCommand")
_HIDDEN = ("dataset", "indices", "selectors")
AnyStudy = NoiseCurve | StrengthCurve | Frontier


@dataclass(frozen=True, kw_only=True)
class SetChoice(DataChoice):
    """Which images of a data set: some that lie evenly spread over a split."""

    split: str | None = param(
        None, help="train or test; test by default", choices=("train", "test")
    )
    limit: int = param(500, help="images, evenly spread over the split", low=1)

    def load_spread(self) -> Dataset:
        """The images.

        Raises:
            ParameterError: no data set was named.
            DataError: it is not where it was said to be.
        """
        return self.load_split(self.split, count=self.limit)


@dataclass(frozen=True, kw_only=True)
class StudyOutput(Output):
    """Where a study goes besides the terminal."""

    tsv: Path | None = param(None, help="write a row per point to this file")


@dataclass(frozen=True, kw_only=True)
class _StudyCommand:
    """Fields that every study's command has; `for_arguments` adds those of the study."""

    kind: ClassVar[type[NoiseCurve] | type[StrengthCurve] | type[Frontier]]

    data: SetChoice = field(default_factory=SetChoice)
    model: ModelChoice = field(default_factory=ModelChoice)
    output: StudyOutput = field(default_factory=StudyOutput)
    paper: bool = param(False, help="the paper's grids and steps where an option is not given")

    @classmethod
    def for_arguments(cls: type[C], arguments: Sequence[str]) -> type[C]:
        """This command with the study's fields, their defaults the paper's with --paper."""
        preset = cls.kind.published() if "--paper" in arguments else cls.kind()
        return make_dataclass(
            cls.__name__, list(_options_of(preset)), bases=(cls,), frozen=True, kw_only=True,
            namespace={"__doc__": cls.__doc__},
        )  # fmt: skip

    def run(self) -> int:
        """Compute, print, write; the exit code."""
        self.output.check(*self.model.files())
        study = self.study()
        classifier = self.model.load()
        data = self.data.load_spread()
        words = data.name if data.split in data.name else f"{data.name} {data.split}"
        study = replace(study, dataset=words, indices=tuple(data.indices.tolist()))
        with self.output.growing_table() as table:
            found = self._followed(study, classifier, data)
            about = replace(found.about, notes=(*found.about.notes, *data.notes))
            found = replace(found, about=about)
            text = io.StringIO()
            write_study(text, found, origin_of(self.data, self.data.split))
            table.add(text.getvalue())
        self._write(found)
        if self.output.json:
            origin = origin_of(self.data, self.data.split)
            print_json({**to_json(found), **facts_of(origin)})
            return 0
        self._print(found)
        return 0

    def study(self) -> AnyStudy:
        """The study that the options describe."""
        names = [own.name for own in fields(self.kind) if own.name not in _HIDDEN]
        return self.kind(**{name: getattr(self, name) for name in names})

    def _followed(self, study: AnyStudy, classifier: Classifier, data: Dataset) -> Study:
        images = [data.image(row, classifier.spec) for row in range(len(data))]
        study.check(classifier, images)
        passes = study.cost(len(images), random=classifier.random)
        announce_cost(classifier, images[0], passes, rows=1)
        stream: Any = study.run(
            classifier, images, seed=self.model.noise_seed, batch_size=self.model.batch_size
        )
        found: Study = follow(stream, label="study")
        return found

    def _write(self, found: Study) -> None:
        if self.output.html is not None:
            from rs_core.plots import study_report

            settings = {"model": self.model.model, "study": to_json(self.study())}
            self.output.write_report(study_report(found, settings=settings))

    def _print(self, found: Study) -> None:
        from rs_core.plots.study.report import study_statement, study_table

        print(f"{seed_line()}\n{text_table(study_table(found))}")
        print(f"D Empirical: {study_statement(found)}")
        for note in (*found.about.notes, STUDY_NOTES[1]):
            print(f"note: {note}")


@dataclass(frozen=True, kw_only=True)
class NoiseCommand(_StudyCommand):
    """Accuracy of the voted network against noise strength, under no attack, PGD and EPGD."""

    kind = NoiseCurve


@dataclass(frozen=True, kw_only=True)
class StrengthCommand(_StudyCommand):
    """Accuracy against attack radius, of the plain and of the voted network."""

    kind = StrengthCurve


@dataclass(frozen=True, kw_only=True)
class FrontierCommand(_StudyCommand):
    """Clean against robust accuracy for fixed noise levels and selectors, weaker and stronger."""

    kind = Frontier

    selectors: tuple[str, ...] = field(
        default=(), metadata={"help": f"who else picks sigma: {', '.join(SELECTORS)}"}
    )

    def study(self) -> AnyStudy:
        """With the selectors that are named, at their defaults."""
        for name in self.selectors:
            if name not in SELECTORS:
                known = ", ".join(SELECTORS)
                raise ParameterError(f"--selectors {name!r} is not known: choose of {known}.")
        chosen = tuple(SELECTORS[name]() for name in self.selectors)
        made = super().study()
        assert isinstance(made, Frontier)
        return replace(made, selectors=chosen)


def text_table(table: Table) -> str:
    """A table in columns of text, its caption above."""
    rows = [[str(cell) for cell in row] for row in (table.header, *table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.header))]
    lines = ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([table.caption, *lines])


def _options_of(preset: AnyStudy) -> Iterable[tuple[str, Any, Any]]:
    """(name, type, field) of each option, at the preset's values."""
    hints = get_type_hints(type(preset))
    for own in fields(preset):
        if own.name not in _HIDDEN:
            assert own.default is not MISSING
            default = field(default=getattr(preset, own.name), metadata=own.metadata)
            yield own.name, hints[own.name], default

"""`rs sandwich`: certified radius <= true radius <= smallest confirmed attack, per image."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

from rs_core.classifiers import Classifier
from rs_core.cli.choices import ModelChoice
from rs_core.cli.nested import selector_of, with_selector
from rs_core.cli.outputs.growing import GrowingTable
from rs_core.cli.outputs.origins import facts_of, origin_of
from rs_core.cli.outputs.results import ResumableOutput, print_json
from rs_core.cli.outputs.resume import expected_rows, rows_done
from rs_core.cli.outputs.sandwich_text import sandwich_table
from rs_core.cli.outputs.scores import joint_lines
from rs_core.cli.outputs.text import heading, notes_below
from rs_core.cli.pictures import ImageChoice, Selection
from rs_core.cli.progress import announce_cost, follow
from rs_core.cli.remarks import print_remarks
from rs_core.events import Finished, Stream
from rs_core.experiments.sandwich import MakeSandwiches, SandwichOptions, SandwichStep
from rs_core.fields import check_params, param
from rs_core.logs.columns import SANDWICH_COLUMNS
from rs_core.logs.origin import Origin
from rs_core.logs.sandwich import write_sandwiches
from rs_core.plots.sandwich.facts import pipeline_text
from rs_core.plots.text import tidy
from rs_core.results import to_json
from rs_core.results.crossings import crossing_report, crossing_sentence
from rs_core.results.sandwich import SandwichStrip
from rs_core.selectors import SELECTORS
from rs_core.statistics import ceil_digits


@dataclass(frozen=True, kw_only=True)
class SandwichCommand:
    """Both ends of what is known of each image: a certificate below, a confirmed attack above.

    Give --sigma, or a --selector that picks it, whose fields are options `--selector-FIELD`.
    --tsv writes one row per image, as soon as it is finished: both ends, what they rest on, and
    what repeats them.
    """

    image: ImageChoice = field(default_factory=ImageChoice)
    settings: SandwichOptions = field(default_factory=SandwichOptions)
    model: ModelChoice = field(default_factory=ModelChoice)
    output: ResumableOutput = field(default_factory=ResumableOutput)
    selector: str | None = param(
        None, help="who picks sigma; none where --sigma fixes it", choices=tuple(SELECTORS)
    )

    @classmethod
    def for_arguments(cls, arguments: Sequence[str]) -> type["SandwichCommand"]:
        """This command, with the fields of the selector that is named."""
        if any(word.partition("=")[0] == "--selector" for word in arguments):
            return with_selector(cls, arguments)
        return cls

    def __post_init__(self) -> None:
        check_params(self)

    def run(self) -> int:
        """Compute, print, write; the exit code."""
        self.output.check(*self.image.files(), *self.model.files())
        own = {f.name: getattr(self.settings, f.name) for f in fields(SandwichOptions)}
        selector = None if self.selector is None else selector_of(self)
        made = MakeSandwiches(**own, selector=selector)
        classifier = self.model.load()
        chosen = self.image.load(classifier.spec)
        expected = expected_rows(
            chosen, classifier, origin_of(self.image), self.model.noise_seed, made.noise_kind
        )
        with self.output.growing_table() as table:
            done = rows_done(table, self.output.tsv, self, SANDWICH_COLUMNS, expected)
            if done < len(chosen.items):
                self._answer(classifier, chosen.after(done), made, table)
        return chosen.ended("sandwich")

    def _answer(
        self, classifier: Classifier, chosen: Selection, made: MakeSandwiches, table: GrowingTable
    ) -> None:
        """Compute, print, write."""
        images = [item.image for item in chosen.items]
        indices = tuple(item.index for item in chosen.items)
        made = replace(made, dataset=self.image.set_name, indices=indices)
        made.check(classifier, images)
        announce_cost(classifier, images[0], len(images) * made.most_passes, rows=1)
        stream = made.run(
            classifier, images, seed=self.model.noise_seed, batch_size=self.model.batch_size
        )
        strip = follow(_kept(stream, table, origin_of(self.image)), label="sandwich")
        self._write(classifier, chosen, strip)

    def _write(self, classifier: Classifier, chosen: Selection, strip: SandwichStrip) -> None:
        if self.output.html is not None:
            from rs_core.plots import sandwich_report

            report = sandwich_report(
                strip,
                names=chosen.names,
                class_names=classifier.spec.class_names,
                notes=notes_below(chosen),
            )
            self.output.write_report(report)
        if self.output.json:
            more = {"crossing_report": crossing_report(strip)} if strip.crossings else {}
            print_json({**to_json(strip), **facts_of(origin_of(self.image)), **more})
            return
        print(heading(classifier))
        print(_told(strip, classifier.spec.class_names, chosen.names))
        own = (
            f"{tidy(name)}: {note}"
            for name, one in zip(chosen.names, strip.sandwiches, strict=True)
            if not one.misclassified
            for note in one.notes
        )
        for note in (*own, *notes_below(chosen)):
            print(note)
        print_remarks(classifier, [one.certificate.sigma for one in strip.sandwiches])
        if strip.crossings:
            for one in strip.crossings:
                print(tidy(crossing_sentence(one)))
            print("crossing report, to keep for a bug report:")
            print_json(crossing_report(strip))


def _kept(
    stream: Stream[SandwichStrip], table: GrowingTable, origin: Origin
) -> Stream[SandwichStrip]:
    """The stream; the images that are finished meanwhile are rows of the table."""
    rows = 0
    for event in stream:
        if isinstance(event, Finished | SandwichStep):
            strip = event.result if isinstance(event, Finished) else event.partial
            if len(strip.sandwiches) > rows:
                table.add(_rows(strip, rows, origin))
                rows = len(strip.sandwiches)
        yield event


def _rows(strip: SandwichStrip, first: int, origin: Origin) -> str:
    """The strip's table without the rows before `first`."""
    text, new = io.StringIO(), slice(first, None)
    more = replace(strip, sandwiches=strip.sandwiches[new], indices=strip.indices[new])
    write_sandwiches(text, more, origin)
    return text.getvalue()


def _told(strip: SandwichStrip, class_names: tuple[str, ...], names: Sequence[str]) -> str:
    """The table, and what its two ends rest on."""
    alpha, attack, joint = (
        ceil_digits(risk, 3) for risk in (strip.alpha, strip.alpha_attack, strip.joint_alpha)
    )
    return "\n".join([
        sandwich_table(strip, class_names, names),
        f"l2, pixels of [0,1]; sigma {strip.sigma_from}; lower ends rounded down, upper ends up",
        f"P(an end of one row is false) <= alpha + alpha_attack = {alpha} + {attack} = {joint}",
        f"an attack counts once fresh noise confirms it, asked at most {strip.confirmations} "
        "times; none found is no proof",
        *joint_lines([strip.joint_alpha] * len(strip.sandwiches)),
        *filter(None, [pipeline_text(strip)]),
    ])  # fmt: skip

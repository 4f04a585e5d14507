"""`rs certify`: certificates of an image, a folder, or images of a data set."""

import io
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from rs_core.classifiers import Classifier
from rs_core.cli.choices import ModelChoice
from rs_core.cli.outputs.growing import GrowingTable
from rs_core.cli.outputs.origins import facts_of, origin_of
from rs_core.cli.outputs.results import ResumableOutput, print_json
from rs_core.cli.outputs.resume import expected_rows, rows_done
from rs_core.cli.outputs.scores import joint_lines, print_scores
from rs_core.cli.outputs.text import (
    RowsInTurn,
    certificate_table,
    heading,
    image_notes,
    levels_text,
    notes_below,
)
from rs_core.cli.pictures import ImageChoice, Picked, Selection
from rs_core.cli.progress import announce_cost, follow
from rs_core.cli.remarks import print_remarks
from rs_core.errors import ParameterError
from rs_core.fields import check_params, param
from rs_core.logs.certificates import row_from_certificate, write_log
from rs_core.logs.columns import COLUMNS
from rs_core.logs.origin import Origin
from rs_core.plots.text import tidy
from rs_core.results import Certificate, Decision, to_json
from rs_core.smoothing import Certify, CertifySequential
from rs_core.smoothing.options import SIGMA_MAX, CertifyOptions, DrawOptions
from rs_core.statistics import add_risks, ceil_digits

Answer = Certificate | Decision


@dataclass(frozen=True, kw_only=True)
class CertifyCommand:
    """Certified radius of an image (or of each image of a folder or data set) at one sigma.

    Several values of --sigma make as many statements about each image, each at level alpha.

    With --target-radius the test is sequential: it stops as soon as "radius >= target" is
    decided, and n is the most it may draw. Rows are printed and written as they are finished.
    """

    certify: CertifyOptions = field(default_factory=CertifyOptions)
    sigma: tuple[float, ...] = param(
        help="noise level; several are as many statements about each image",
        unit="pixels of [0,1]", low=0, high=SIGMA_MAX, low_open=True,
    )  # fmt: skip
    image: ImageChoice = field(default_factory=ImageChoice)
    model: ModelChoice = field(default_factory=ModelChoice)
    output: ResumableOutput = field(default_factory=ResumableOutput)
    target_radius: float | None = param(
        None,
        help="decide sequentially whether the radius reaches this",
        unit="l2, pixels of [0,1]",
        low=0,
        high=100,
        low_open=True,
    )

    @classmethod
    def for_arguments(cls, arguments: Sequence[str]) -> type:
        """This command; `rs select` with a guarantee where a selector is to pick sigma."""
        if not any(word.partition("=")[0] == "--selector" for word in arguments):
            return cls
        from rs_core.cli.commands.select import SelectCommand

        return SelectCommand.for_arguments(["--guarantee", "frozen", *arguments])

    def __post_init__(self) -> None:
        check_params(self)
        if len(set(self.sigma)) < len(self.sigma):
            raise ParameterError("--sigma names a level twice: leave one of them out.")
        if self.output.resume and len(self.sigma) > 1:
            raise ParameterError("--resume goes on at one --sigma: leave the other ones out.")
        if self.target_radius is not None and self.certify.bound != "clopper-pearson":
            raise ParameterError(
                "--bound does not apply with --target-radius, whose bound is anytime-valid: leave "
                "one of the two out."
            )

    def run(self) -> int:
        """Compute, print, write; the exit code."""
        self.output.check(*self.image.files(), *self.model.files())
        classifier = self.model.load()
        if self.target_radius is None:
            self.certify.check_n(self.certify.alpha)
        chosen = self.image.load(classifier.spec)
        with self.output.growing_table() as table:
            selection = self._left(table, _at_each(chosen, len(self.sigma)), classifier)
            if selection.items:
                self._answer(classifier, selection, table)
        return chosen.ended("certify")

    def _answer(self, classifier: Classifier, selection: Selection, table: GrowingTable) -> None:
        """Compute, print, write."""
        passes = len(selection.items) * (self.certify.n0 + self.certify.n)
        announce_cost(classifier, selection.items[0].image, passes, rows=1)
        answers = self._each(classifier, selection, table)
        if self.output.json:
            _print_json(selection, answers, origin_of(self.image))
        elif selection.single:
            _print_single(classifier, selection.items[0], answers[0])
        else:
            certificates = [_certificate(answer) for answer in answers]
            _summarise(certificates, selection, len(self.sigma))
        if not self.output.json:
            print_remarks(classifier, self.sigma)
        if self.output.html is not None:
            self._report(classifier, selection, answers)

    def _left(self, table: GrowingTable, chosen: Selection, classifier: Classifier) -> Selection:
        """The images that the table has no row of yet."""
        expected = expected_rows(
            chosen,
            classifier,
            origin_of(self.image),
            self.model.noise_seed,
            self.certify.noise_kind,
        )  # fmt: skip
        return chosen.after(rows_done(table, self.output.tsv, self, COLUMNS, expected))

    def _each(
        self, classifier: Classifier, selection: Selection, table: GrowingTable
    ) -> list[Answer]:
        """The answers; each is told and written as soon as it is there."""
        names, class_names = selection.names, classifier.spec.class_names
        rows = RowsInTurn(names, class_names, self.sigma[0], self.certify.n)
        told = not (self.output.json or selection.single)
        if told:
            print(f"{heading(classifier)}\n{rows.header}", flush=True)
        answers, count = [], len(selection.items)  # of a resumed run, what is left at the end
        for k, item in enumerate(selection.items):
            started = time.perf_counter()
            sigma = self.sigma[(k - count) % len(self.sigma)]
            answer = self._one(classifier, item, sigma)
            answers.append(answer)
            seconds = time.perf_counter() - started
            table.add(_log(item, _certificate(answer), seconds, origin_of(self.image)))
            if told:
                print(rows.line(item.image.name, _certificate(answer)), flush=True)
                if isinstance(answer, Decision):
                    print(f"  {item.image.name}: {_outcome(answer)}", flush=True)
        return answers

    def _one(self, classifier: Classifier, item: Picked, sigma: float) -> Answer:
        how = {"seed": self.model.noise_seed, "batch_size": self.model.batch_size}
        kind = DrawOptions if self.target_radius is not None else CertifyOptions
        shared = {own.name: getattr(self.certify, own.name) for own in fields(kind)}
        if self.target_radius is None:
            stream = Certify(sigma=sigma, **shared).run(classifier, [item.image], **how)
            return follow(stream, label=item.image.name)[0]
        test = CertifySequential(sigma=sigma, target_radius=self.target_radius, **shared)
        decisions = test.run(classifier, [item.image], **how)
        return follow(decisions, label=item.image.name)[0]

    def _report(
        self, classifier: Classifier, selection: Selection, answers: Sequence[Answer]
    ) -> None:
        from rs_core.plots import certificates_report

        names = [
            f"{name}: {_outcome(answer)}" if isinstance(answer, Decision) else name
            for name, answer in zip(selection.names, answers, strict=True)
        ]
        certificates = [_certificate(answer) for answer in answers]
        self.output.write_report(
            certificates_report(certificates, names=names, class_names=classifier.spec.class_names)
        )


def _certificate(answer: Answer) -> Certificate:
    return answer.certificate if isinstance(answer, Decision) else answer


def _log(item: Picked, certificate: Certificate, seconds: float, origin: Origin) -> str:
    text, image = io.StringIO(), item.image
    row = row_from_certificate(
        item.index, image.label, certificate, seconds, name=image.name, origin=origin
    )
    write_log(text, [row])
    return text.getvalue()


def _print_json(selection: Selection, answers: Sequence[Answer], origin: Origin) -> None:
    if selection.single:
        print_json({**to_json(answers[0]), **facts_of(origin, selection.items[0])})
        return
    listed: list[dict[str, Any]] = [
        {
            **facts_of(origin, item),
            "decision" if isinstance(answer, Decision) else "certificate": to_json(answer),
        }
        for item, answer in zip(selection.items, answers, strict=True)
    ]
    print_json(listed)
    if selection.unscored:
        print(f"rs certify: note: {selection.unscored}", file=sys.stderr)


def _print_single(classifier: Classifier, item: Picked, answer: Answer) -> None:
    certificate, class_names = _certificate(answer), classifier.spec.class_names
    print(heading(classifier))
    for note in image_notes(item.image, class_names):
        print(f"  image: {note}")
    print(certificate_table([certificate], class_names, names=[item.image.name]))
    if isinstance(answer, Decision):
        print(f"{item.image.name}: {_outcome(answer)}")
    print(tidy(certificate.statement))


def _outcome(decision: Decision) -> str:
    """What the sequential test showed, and about which claim."""
    target = f"radius >= {decision.target_radius:.10g}"
    if decision.outcome == "certified":
        return f"{target}: certified"
    if decision.outcome == "undecided":
        return f"{target}: undecided after {decision.certificate.n:,} draws"
    return f"{target}: refuted for the class of the n0 draws at this sigma (no claim about others)"


def _at_each(selection: Selection, sigmas: int) -> Selection:
    """Each image once for each sigma, one after the other."""
    if sigmas == 1:
        return selection
    items = tuple(item for item in selection.items for _ in range(sigmas))
    return replace(selection, items=items, single=False)


def _summarise(certificates: Sequence[Certificate], selection: Selection, sigmas: int) -> None:
    for note in notes_below(replace(selection, items=tuple(dict.fromkeys(selection.items)))):
        print(note)
    rows = list(zip(selection.items, certificates, strict=True))
    for sigma in dict.fromkeys(certificate.sigma for certificate in certificates):
        own = [(item, one) for item, one in rows if one.sigma == sigma]
        if sigmas > 1:
            print(f"sigma {sigma:g}:", end=" ")
        part = replace(selection, items=tuple(item for item, _ in own))
        print_scores(part, [one for _, one in own])
    if sigmas > 1:
        each = [certificate.alpha for certificate in certificates[:sigmas]]
        for line in joint_lines(each, "statements about each image"):
            print(f"{line}: so does that of the largest radius")
    abstained = sum(c.predicted is None for c in certificates)
    what = "images" if sigmas == 1 else "rows"
    alpha = certificates[0].alpha
    print(
        f"{len(certificates)} {what}, {abstained} abstained; each row is false with probability "
        f"\u2264 {ceil_digits(alpha, 3)}{levels_text(certificates, alpha)} (expect at most "
        f"{ceil_digits(add_risks(*[alpha] * len(certificates)), 2)} false rows)"
    )
    for line in joint_lines([certificate.alpha for certificate in certificates]):
        print(line)

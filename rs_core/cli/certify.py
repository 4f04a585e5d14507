"""`rs certify`: certificates of an image, a folder, or images of a data set."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from rs_core.classifiers import Classifier
from rs_core.cli.choices import ImageChoice, ModelChoice, Output, Picked
from rs_core.cli.progress import announce_cost, follow
from rs_core.cli.tables import certificate_table, image_notes
from rs_core.durable import write_durably
from rs_core.errors import ParameterError
from rs_core.evaluation.logs import row_from_certificate, write_log
from rs_core.fields import check_params, param
from rs_core.results import Certificate, Decision, to_json
from rs_core.smoothing import Certify, CertifySequential
from rs_core.statistics import ceil_digits


@dataclass(frozen=True, kw_only=True)
class CertifyCommand:
    """Certified radius of an image (or of each image of a folder or data set) at one sigma.

    With --target-radius the test is sequential: it stops as soon as "radius >= target" is
    decided, and n is the most it may draw.
    """

    certify: Certify
    image: ImageChoice = field(default_factory=ImageChoice)
    model: ModelChoice = field(default_factory=ModelChoice)
    output: Output = field(default_factory=Output)
    target_radius: float | None = param(
        None,
        help="decide sequentially whether the radius reaches this",
        unit="l2, pixels of [0,1]",
        low=0,
        high=100,
        low_open=True,
    )

    def __post_init__(self) -> None:
        check_params(self)
        if self.target_radius is not None and self.certify.bound != "clopper-pearson":
            raise ParameterError(
                "--bound does not apply with --target-radius, whose bound is anytime-valid: leave "
                "one of the two out."
            )

    def run(self) -> int:
        """Compute, print, write; the exit code."""
        self.output.check()
        classifier = self.model.load()
        if self.target_radius is None:
            self.certify.check_n(self.certify.alpha, classifier.num_classes)
        picked = self.image.load(classifier.spec)
        passes = len(picked) * (self.certify.n0 + self.certify.n)
        announce_cost(classifier, picked[0].image, passes, rows=1)
        answers, seconds = [], []
        for item in picked:
            started = time.perf_counter()
            answers.append(self._one(classifier, item))
            seconds.append(time.perf_counter() - started)
        self._write(classifier, picked, answers, seconds)
        return 0

    def _one(self, classifier: Classifier, item: Picked) -> Certificate | Decision:
        seed, batch_size = self.model.seed, self.model.batch_size
        if self.target_radius is None:
            stream = self.certify.run(classifier, [item.image], seed=seed, batch_size=batch_size)
            return follow(stream, label=item.image.name)[0]
        shared = {f.name for f in fields(CertifySequential)} & {f.name for f in fields(Certify)}
        options = {name: getattr(self.certify, name) for name in shared}
        test = CertifySequential(target_radius=self.target_radius, **options)
        decisions = test.run(classifier, [item.image], seed=seed, batch_size=batch_size)
        return follow(decisions, label=item.image.name)[0]

    def _write(
        self,
        classifier: Classifier,
        picked: Sequence[Picked],
        answers: Sequence[Certificate | Decision],
        seconds: Sequence[float],
    ) -> None:
        certificates = [a.certificate if isinstance(a, Decision) else a for a in answers]
        if self.output.json:
            single = self.image.is_single
            print(json.dumps(to_json(answers[0] if single else answers), ensure_ascii=False))
        else:
            self._print(classifier, picked, answers, certificates)
        if self.output.tsv is not None:
            rows = [
                row_from_certificate(item.index, item.image.label, certificate, spent)
                for item, certificate, spent in zip(picked, certificates, seconds, strict=True)
            ]
            write_log(self.output.tsv, rows)
        if self.output.html is not None:
            from rs_core.plots import certificates_report

            names = [
                f"{item.image.name}: {_outcome(a)}" if isinstance(a, Decision) else item.image.name
                for item, a in zip(picked, answers, strict=True)
            ]
            report = certificates_report(
                certificates, names=names, class_names=classifier.spec.class_names
            )
            write_durably(self.output.html, report.encode())

    def _print(
        self,
        classifier: Classifier,
        picked: Sequence[Picked],
        answers: Sequence[Certificate | Decision],
        certificates: Sequence[Certificate],
    ) -> None:
        names = [item.image.name for item in picked]
        print(f"{classifier.spec.name} \u00b7 {classifier.precision} \u00b7 {classifier.device}")
        if self.image.is_single:
            for note in image_notes(picked[0].image, classifier.spec.class_names):
                print(f"  image: {note}")
        print(certificate_table(certificates, classifier.spec.class_names, names=names))
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, Decision):
                print(f"{name}: {_outcome(answer)}")
        if self.image.is_single:
            print(certificates[0].statement)
        if not self.image.is_single:
            _summarise(certificates)


def _outcome(decision: Decision) -> str:
    """What the sequential test showed, and about which claim."""
    target = f"radius >= {decision.target_radius:.10g}"
    if decision.outcome == "certified":
        return f"{target}: certified"
    if decision.outcome == "undecided":
        return f"{target}: undecided after {decision.certificate.n:,} draws"
    return f"{target}: refuted for the class of the n0 draws at this sigma (no claim about others)"


def _summarise(certificates: Sequence[Certificate]) -> None:
    abstained = sum(c.predicted is None for c in certificates)
    alpha = certificates[0].alpha
    print(
        f"{len(certificates)} images, {abstained} abstained; each row is false with probability "
        f"\u2264 {ceil_digits(alpha, 3)} (expect at most "
        f"{ceil_digits(alpha * len(certificates), 2)} false rows)"
    )

"""`rs sweep`: the radius curve of an image."""

import io
import time
from dataclasses import dataclass, field

from rs_core.classifiers import Classifier
from rs_core.cli.choices import ModelChoice
from rs_core.cli.outputs.growing import GrowingTable
from rs_core.cli.outputs.origins import facts_of, origin_of
from rs_core.cli.outputs.results import Output, print_json
from rs_core.cli.outputs.text import certificate_table, heading, image_notes, levels_text
from rs_core.cli.pictures import ImageChoice, Picked
from rs_core.cli.progress import announce_cost, follow
from rs_core.errors import ParameterError
from rs_core.images import ImageInput
from rs_core.logs.certificates import row_from_certificate, write_log
from rs_core.plots.text import tidy
from rs_core.results import RadiusCurve, to_json
from rs_core.smoothing import Sweep, noisy_copies
from rs_core.statistics import ceil_digits


@dataclass(frozen=True, kw_only=True)
class SweepCommand:
    """The certified radius of one image against the noise level sigma."""

    image: ImageChoice = field(default_factory=ImageChoice)
    sweep: Sweep = field(default_factory=Sweep)
    model: ModelChoice = field(default_factory=ModelChoice)
    output: Output = field(default_factory=Output)

    def run(self) -> int:
        """Compute, print, write; the exit code."""
        self.output.check(*self.image.files(), *self.model.files())
        classifier = self.model.load()
        self.sweep.check_n(self.sweep.point_alpha)
        if not self.image.is_single:
            raise ParameterError("rs sweep takes one image: name a file, or use rs certify.")
        items = self.image.load(classifier.spec).items
        images = [item.image for item in items]
        draws = self.sweep.n0 + self.sweep.n
        rows = len(self.sweep.sigmas)
        announce_cost(classifier, images[0], draws * (rows + 1), rows=rows)
        started = time.perf_counter()
        stream = self.sweep.run(
            classifier, images, seed=self.model.noise_seed, batch_size=self.model.batch_size
        )
        with self.output.growing_table() as table:
            curve = follow(stream, label=images[0].name)[0]
            self._keep(table, items[0], curve, time.perf_counter() - started)
        self._write(classifier, items[0], curve)
        return 0

    def _keep(self, table: GrowingTable, item: Picked, curve: RadiusCurve, seconds: float) -> None:
        text, per_row = io.StringIO(), seconds / len(curve.certificates)
        rows = [
            row_from_certificate(
                item.index, item.image.label, c, per_row,
                name=item.image.name, origin=origin_of(self.image),
            )
            for c in curve.certificates
        ]  # fmt: skip
        write_log(text, rows)
        table.add(text.getvalue())

    def _write(self, classifier: Classifier, item: Picked, curve: RadiusCurve) -> None:
        image, origin = item.image, origin_of(self.image)
        if self.output.json:
            print_json({**to_json(curve), **facts_of(origin, item)})
        else:
            print(describe(image, curve, classifier))
        if self.output.html is not None:
            self.output.write_report(report(classifier, image, curve, self.model.noise_seed))


def describe(image: ImageInput, curve: RadiusCurve, classifier: Classifier) -> str:
    """The curve as text: what was done to the image, a row per sigma, the best one's sentence."""
    scope = "all rows together" if curve.simultaneous else "each row alone"
    scope += levels_text(curve.certificates, curve.alpha)
    lines = [f"{image.name} \u00b7 {heading(classifier)}"]
    lines += [f"  image: {note}" for note in image_notes(image, classifier.spec.class_names)]
    lines += [certificate_table(curve.certificates, classifier.spec.class_names)]
    lines += [f"P(a radius above is false) \u2264 {ceil_digits(curve.alpha, 3)}, {scope}"]
    if curve.best is not None:
        lines += ["", f"best sigma, certified again (badge C): {tidy(curve.best.statement)}"]
    return "\n".join(lines)


def report(classifier: Classifier, image: ImageInput, curve: RadiusCurve, seed: int) -> str:
    """The self-contained report of a curve."""
    from rs_core.plots import noisy_copies_figure, sweep_report

    sigmas = [c.sigma for c in curve.certificates]
    copies = noisy_copies(classifier, image, sigmas, seed=seed)
    return sweep_report(
        curve,
        title=f"{image.name}: certified radius against noise level",
        class_names=classifier.spec.class_names,
        more_figures=[noisy_copies_figure(image.pixels, sigmas, copies)],
        notes=[
            f"Network: {classifier.title}.",
            *(f"Image: {n}." for n in image_notes(image, classifier.spec.class_names)),
        ],
    )

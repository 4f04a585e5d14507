"""`rs predict`: the smoothed class of images, and its accuracy where labels are known."""

import io
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rs_core.classifiers import Classifier
from rs_core.cli.choices import ModelChoice
from rs_core.cli.outputs.growing import GrowingTable
from rs_core.cli.outputs.origins import facts_of, origin_of
from rs_core.cli.outputs.results import ResumableOutput, print_json
from rs_core.cli.outputs.resume import expected_rows, rows_done
from rs_core.cli.outputs.scores import joint_lines, unlabelled
from rs_core.cli.outputs.text import heading, image_notes, notes_below
from rs_core.cli.pictures import ImageChoice, Picked, Selection
from rs_core.cli.progress import announce_cost, follow
from rs_core.cli.remarks import print_remarks
from rs_core.evaluation.summary import predicted_summary
from rs_core.logs import PREDICTION_COLUMNS, Origin, write_predictions
from rs_core.plots.text import tidy
from rs_core.results import Prediction, to_json
from rs_core.smoothing import Predict
from rs_core.smoothing.options import noise_kind
from rs_core.smoothing.statements import class_label
from rs_core.statistics import ceil_digits

_MOST_LINES = 50
_COPIES_AT_ONCE = 8192  # so many fill a GPU; fewer would wait between images


@dataclass(frozen=True, kw_only=True)
class PredictCommand:
    """Smoothed class of an image, or of each image of a folder or data set, with abstention."""

    predict: Predict
    image: ImageChoice = field(default_factory=ImageChoice)
    model: ModelChoice = field(default_factory=ModelChoice)
    output: ResumableOutput = field(default_factory=ResumableOutput)

    def run(self) -> int:
        """Compute, print, write; the exit code."""
        self.output.check(*self.image.files(), *self.model.files())
        classifier = self.model.load()
        chosen = self.image.load(classifier.spec)
        expected = expected_rows(
            chosen,
            classifier,
            origin_of(self.image),
            self.model.noise_seed,
            noise_kind(self.predict.noise),
        )
        with self.output.growing_table() as table:
            done = rows_done(table, self.output.tsv, self, PREDICTION_COLUMNS, expected)
            if done < len(chosen.items):
                self._answer(classifier, chosen.after(done), table)
        return chosen.ended("predict")

    def _answer(self, classifier: Classifier, selection: Selection, table: GrowingTable) -> None:
        """Compute, print, write."""
        items, class_names = selection.items, classifier.spec.class_names
        announce_cost(classifier, items[0].image, len(items) * self.predict.n, rows=1)
        if not self.output.json:
            print(heading(classifier), flush=True)
        if selection.single and not self.output.json:
            for note in image_notes(items[0].image, class_names):
                print(f"  image: {note}")
        started = time.perf_counter()
        predictions = self._each(classifier, selection, table)
        if self.output.json:
            _print_json(selection, predictions, origin_of(self.image))
        elif not selection.single:
            for note in notes_below(selection):
                print(note)
            print(_accuracy(selection, predictions, time.perf_counter() - started))
            for line in joint_lines([found.alpha for found in predictions], "answers"):
                print(line)
        if not self.output.json:
            print_remarks(classifier, [self.predict.sigma])
        if self.output.html is not None:
            from rs_core.plots import predictions_report

            report = predictions_report(predictions, names=selection.names, class_names=class_names)
            self.output.write_report(report)

    def _each(
        self, classifier: Classifier, selection: Selection, table: GrowingTable
    ) -> list[Prediction]:
        """The predictions; each is told and written as soon as it is there."""
        told = not self.output.json and len(selection.items) <= _MOST_LINES
        predictions: list[Prediction] = []
        for items in self._parts(selection.items):
            started = time.perf_counter()
            stream = self.predict.run(
                classifier,
                [item.image for item in items],
                seed=self.model.noise_seed,
                batch_size=self.model.batch_size,
            )
            found = follow(stream, label=f"{len(predictions)}/{len(selection.items)} images")
            seconds = (time.perf_counter() - started) / len(items)
            predictions += found
            table.add(_log(items, found, seconds, origin_of(self.image)))
            for item, prediction in zip(items, found, strict=True):
                if told:
                    print(_sentence(item, prediction, classifier.spec.class_names), flush=True)
        return predictions

    def _parts(self, items: Sequence[Picked]) -> Iterator[Sequence[Picked]]:
        size = max(1, max(_COPIES_AT_ONCE, self.model.batch_size) // self.predict.n)
        for start in range(0, len(items), size):
            yield items[start : start + size]


def _log(
    items: Sequence[Picked], predictions: Sequence[Prediction], seconds: float, origin: Origin
) -> str:
    text = io.StringIO()
    rows = zip(items, predictions, strict=True)
    write_predictions(
        text,
        ((i.index, i.image.label, found) for i, found in rows),
        seconds,
        names=[item.image.name for item in items],
        origin=origin,
    )
    return text.getvalue()


def _print_json(selection: Selection, predictions: Sequence[Prediction], origin: Origin) -> None:
    if selection.single:
        print_json({**to_json(predictions[0]), **facts_of(origin, selection.items[0])})
        return
    print_json(
        [
            {**facts_of(origin, item), "prediction": to_json(prediction)}
            for item, prediction in zip(selection.items, predictions, strict=True)
        ]
    )
    if selection.unscored:
        print(f"rs predict: note: {selection.unscored}", file=sys.stderr)


def _sentence(item: Picked, prediction: Prediction, class_names: tuple[str, ...]) -> str:
    first, second = prediction.top_counts
    p_value = ceil_digits(prediction.p_value, 3)
    votes = f"{first:,} against {second:,} of {prediction.n:,} votes, p={p_value}"
    if prediction.counts[-1] == first:
        return f"{item.image.name}: abstain (the network gave NaN or infinite logits)"
    if prediction.predicted is None:
        return f"{item.image.name}: abstain ({votes} > alpha={ceil_digits(prediction.alpha, 6)})"
    name = tidy(class_label(prediction.predicted, class_names))
    return f"{item.image.name}: class {name} ({votes})"


def _accuracy(selection: Selection, predictions: Sequence[Prediction], seconds: float) -> str:
    labels = [item.image.label for item in selection.items]
    abstained = sum(p.predicted is None for p in predictions)
    counted = f"{len(labels)} images, {abstained} abstained, {seconds:.1f} s"
    summary = predicted_summary(labels, predictions)
    if summary is None:
        return f"{counted}; {unlabelled(labels)}"
    first = predictions[0]
    return (
        f"{counted}; accuracy of the majority of {first.n} votes at sigma={first.sigma:g}: "
        f"{summary.majority_accuracy:.4f}; with abstentions counted as wrong: "
        f"{summary.accuracy:.4f} (standard error {summary.standard_error:.4f})"
    )

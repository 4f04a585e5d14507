"""`rs predict`: the smoothed class of images, and its accuracy where labels are known."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rs_core.cli.choices import ImageChoice, ModelChoice, Output, Picked
from rs_core.cli.progress import announce_cost, follow
from rs_core.durable import write_durably
from rs_core.evaluation import write_predictions
from rs_core.results import Prediction, to_json
from rs_core.smoothing import Predict
from rs_core.smoothing.statements import class_label

_MOST_LINES = 50


@dataclass(frozen=True, kw_only=True)
class PredictCommand:
    """Smoothed class of an image, or of each image of a folder or data set, with abstention."""

    predict: Predict
    image: ImageChoice = field(default_factory=ImageChoice)
    model: ModelChoice = field(default_factory=ModelChoice)
    output: Output = field(default_factory=Output)

    def run(self) -> int:
        """Compute, print, write; the exit code."""
        self.output.check()
        classifier = self.model.load()
        picked = self.image.load(classifier.spec)
        announce_cost(classifier, picked[0].image, len(picked) * self.predict.n, rows=1)
        started = time.perf_counter()
        stream = self.predict.run(
            classifier,
            [item.image for item in picked],
            seed=self.model.seed,
            batch_size=self.model.batch_size,
        )
        predictions = follow(stream, label="votes")
        seconds = time.perf_counter() - started
        self._print(picked, predictions, classifier.spec.class_names, seconds)
        self._write(picked, predictions, classifier.spec.class_names, seconds)
        return 0

    def _print(
        self,
        picked: Sequence[Picked],
        predictions: Sequence[Prediction],
        class_names: tuple[str, ...],
        seconds: float,
    ) -> None:
        single = self.image.is_single
        if self.output.json:
            print(json.dumps(to_json(predictions[0] if single else predictions)))
            return
        for item, prediction in zip(picked, predictions, strict=True):
            if len(picked) <= _MOST_LINES:
                print(_sentence(item, prediction, class_names))
        if not single:
            print(_accuracy(picked, predictions, seconds))

    def _write(
        self,
        picked: Sequence[Picked],
        predictions: Sequence[Prediction],
        class_names: tuple[str, ...],
        seconds: float,
    ) -> None:
        if self.output.tsv is not None:
            rows = [
                (item.index, item.image.label, prediction)
                for item, prediction in zip(picked, predictions, strict=True)
            ]
            write_predictions(self.output.tsv, rows, seconds / len(rows))
        if self.output.html is not None:
            from rs_core.plots import predictions_report

            names = [item.image.name for item in picked]
            report = predictions_report(predictions, names=names, class_names=class_names)
            write_durably(self.output.html, report.encode())


def _sentence(item: Picked, prediction: Prediction, class_names: tuple[str, ...]) -> str:
    first, second = prediction.top_counts
    votes = f"{first:,} against {second:,} of {prediction.n:,} votes, p={prediction.p_value:.3g}"
    if prediction.counts[-1] == first:
        return f"{item.image.name}: abstain (the network gave NaN or infinite logits)"
    if prediction.predicted is None:
        return f"{item.image.name}: abstain ({votes} > alpha={prediction.alpha:g})"
    return f"{item.image.name}: class {class_label(prediction.predicted, class_names)} ({votes})"


def _accuracy(picked: Sequence[Picked], predictions: Sequence[Prediction], seconds: float) -> str:
    labels = [item.image.label for item in picked]
    abstained = sum(p.predicted is None for p in predictions)
    counted = f"{len(picked)} images, {abstained} abstained, {seconds:.1f} s"
    if any(label is None for label in labels):
        return f"{counted}; no labels, so no accuracy"
    votes = [max(range(len(p.counts)), key=p.counts.__getitem__) for p in predictions]
    majority = sum(v == y for v, y in zip(votes, labels, strict=True)) / len(labels)
    correct = sum(p.predicted == y for p, y in zip(predictions, labels, strict=True)) / len(labels)
    first = predictions[0]
    return (
        f"{counted}; accuracy of the majority of {first.n} votes at sigma={first.sigma:g}: "
        f"{majority:.4f}; with abstentions counted as wrong: {correct:.4f}"
    )

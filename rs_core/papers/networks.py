"""The networks of a table: shipped ones loaded, others trained once a seed and kept as files."""

import dataclasses
import json
from collections.abc import Generator, Mapping
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

from rs_core.classifiers import Classifier, load_classifier
from rs_core.classifiers.devices import resolve_device
from rs_core.datasets import Dataset
from rs_core.events import Finished, Step, Stream, relay
from rs_core.models.weights import save_model
from rs_core.papers.factory import recipe_of, spec_of
from rs_core.papers.table import Shipped, Training
from rs_core.results import to_json
from rs_core.training.checkpoints.sigma_file import save_sigmas, sigma_file

_SUFFIX = ".safetensors"


def network_name(training: Training, seed: int) -> str:
    """What a network is called: two trainings have one name only if they are the same."""
    text = json.dumps(to_json(training), sort_keys=True)
    digest = sha256(text.encode()).hexdigest()[:8]
    return f"{training.recipe.name}-{training.architecture}-{digest}-s{seed}"


@dataclasses.dataclass(frozen=True)
class Networks:
    """Where the networks of a table lie, and on what they run.

    Fields:
        folder: of model files; a training under way has a folder of its own in it.
        sets: training data by (name, number of images).
        device, precision: as `Classifier` takes them.
    """

    folder: Path
    sets: Mapping[tuple[str, int | None], Dataset]
    device: str
    precision: str

    def classifier(self, network: Training | Shipped, seed: int) -> Stream[Classifier]:
        """Yields the steps of the training, if one is needed or was broken off; the classifier.

        Raises:
            RsError: what training and loading refuse.
        """
        if isinstance(network, Training):
            source: str | Path = yield from self._model(network, seed)
        else:
            source = network.model
        yield Finished(load_classifier(source, device=self.device, precision=self.precision))

    def trained(self, training: Training, seed: int) -> Path | None:
        """The model file of a finished training, None where there is none."""
        # The json is written after the weights, so its file says that both are whole.
        found = sorted(self.folder.glob(f"{network_name(training, seed)}-????????.json"))
        path = found[0].with_suffix(_SUFFIX) if found else None
        if path is None or not training.recipe.settings.get("per_image"):
            return path
        return path if sigma_file(path).exists() else None  # which is written after the json

    def _model(self, training: Training, seed: int) -> Generator[Step, None, Path]:
        """The model file of a training, which is done or gone on with if it is not there."""
        found = self.trained(training, seed)
        checkpoint = self.folder / network_name(training, seed)
        if found is None:
            first = None
            if training.after is not None:
                first = yield from self._model(training.after, seed)
            found = yield from self._train(training, seed, checkpoint, first)
        rmtree(checkpoint, ignore_errors=True)
        return found

    def _train(
        self, training: Training, seed: int, checkpoint: Path, first: Path | None
    ) -> Generator[Step, None, Path]:
        data = self.sets[training.dataset, training.images]
        stream = recipe_of(training.recipe).run(
            spec_of(training, data, checkpoint.name), data,
            seed=seed, device=resolve_device(self.device), checkpoint=checkpoint, resume=True,
            init=first,
        )  # fmt: skip
        result = yield from relay(stream)
        spec = dataclasses.replace(result.spec, name=checkpoint.name)
        path = self.folder / save_model(result.module, spec, self.folder).weights
        save_sigmas(result, path)
        return path

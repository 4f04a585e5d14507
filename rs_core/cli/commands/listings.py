"""`rs models`, `rs datasets`, `rs --version`: what is here."""

import json
import platform
from dataclasses import dataclass
from typing import Any

from rs_core import __version__
from rs_core.assets import sample_names, samples
from rs_core.datasets import DATASETS
from rs_core.fields import param
from rs_core.models import MODELS
from rs_core.models.weights import WEIGHTS, bundled_names, bundled_stems, read_spec
from rs_core.results import ModelSpec, to_json


@dataclass(frozen=True, kw_only=True)
class ModelsCommand:
    """The weights that ship, with their measured accuracies, and the networks to train."""

    json: bool = param(False, help="print as JSON")

    def run(self) -> int:
        """Print; the exit code."""
        specs = [read_spec(name) for name in bundled_names()]
        if self.json:
            earlier = sorted(set(bundled_stems()) - set(WEIGHTS.values()))
            listed = {"weights": to_json(specs), "earlier": earlier, "networks": sorted(MODELS)}
            print(json.dumps(listed))
            return 0
        print("shipped weights (--model NAME):")
        for spec in specs:
            print(f"  {spec.name}  id {spec.sha256[:8]}  {spec.input_shape}  {_training(spec)}")
            print("    " + _pairs(spec.provenance.get("measured", {})))
        print("earlier weights (--model NAME-ID, or the id alone):")
        for stem in sorted(set(bundled_stems()) - set(WEIGHTS.values())):
            print(f"  {stem}  {_training(read_spec(stem))}")
        print(f"networks to train (rs train --architecture NAME): {', '.join(sorted(MODELS))},")
        print("  and torchvision's classification models by name")
        return 0


@dataclass(frozen=True, kw_only=True)
class DatasetsCommand:
    """The data sets, whether they need a download, and the sample images."""

    json: bool = param(False, help="print as JSON")

    def run(self) -> int:
        """Print; the exit code."""
        if self.json:
            print(json.dumps({"datasets": to_json(DATASETS), "samples": to_json(samples())}))
            return 0
        print("data sets (--dataset NAME, with --data FOLDER where they need one):")
        for name, facts in DATASETS.items():
            shape = "x".join(map(str, facts.input_shape))
            home = "embedded" if facts.bundled else "--data FOLDER or --download"
            size = f"{facts.train:,} train, {facts.test:,} test"
            print(f"  {name:<15}{shape:<9}{size:<28}{home:<29}{facts.licence}")
        print(f"sample images (--image NAME): {', '.join(sample_names())}")
        return 0


def version() -> str:
    """The package, what it runs on, and the weights it ships, for a bug report."""
    import torch

    cuda = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no CUDA device"
    lines = [
        f"rs-lab {__version__}",
        f"python {platform.python_version()}, torch {torch.__version__}, {cuda}",
    ]
    specs = [read_spec(name) for name in bundled_names()]
    lines += [f"weights {spec.name} {spec.sha256[:8]}" for spec in specs]
    return "\n".join(lines)


def _training(spec: ModelSpec) -> str:
    """How weights came about, in a few words."""
    low, high = spec.train_sigma or (0.0, 0.0)
    noise = f"sigma {low:g}" if low == high else f"sigma in U({low:g}, {high:g})"
    return f"{spec.provenance.get('recipe', 'trained')} with {noise}"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())

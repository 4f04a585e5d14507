"""`rs transfer`: adversarial images made on some networks, tried on others."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rs_core.attacks import Attack, Epgd, Pgd, Transfer
from rs_core.classifiers import Classifier
from rs_core.cli.choices import MODEL_HELP, MachineChoice, files_of
from rs_core.cli.outputs.attack_text import transfer_lines
from rs_core.cli.outputs.origins import facts_of, origin_of
from rs_core.cli.outputs.results import Tables, print_json
from rs_core.cli.outputs.text import notes_below
from rs_core.cli.pictures import ImageChoice
from rs_core.cli.progress import follow
from rs_core.cli.seeds import seed_line
from rs_core.errors import ParameterError, UnknownNameError
from rs_core.fields import param
from rs_core.logs.transfer import write_transfer
from rs_core.results import to_json
from rs_core.results.attack import TransferMatrix
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.statistics import ceil_digits

ATTACKS = ("pgd", "pgd-s", "epgd")
_UNIT = "pixels of [0,1]"
_SOURCE_SIGMA = 0.25


@dataclass(frozen=True, kw_only=True)
class TransferCommand:
    """A matrix: which share of the images the targets lose to images made on the sources.

    The rows of Nemcovsky et al. (SIAM): pgd is PGD on the source itself, pgd-s PGD on the
    smoothed source with one noisy copy a step, epgd PGD over --draws noisy copies a step.
    """

    sources: tuple[str, ...] = param(help=f"networks that are attacked: {MODEL_HELP}")
    targets: tuple[str, ...] = param(help="networks that are shown what was made")
    attacks: tuple[str, ...] = param(ATTACKS, help="pgd, pgd-s, epgd")
    sigma: float | None = param(
        None, help="noise level of the targets; none for the networks themselves", unit=_UNIT,
        low=0, high=SIGMA_MAX, low_open=True,
    )  # fmt: skip
    source_sigma: float | None = param(
        None, help=f"noise level of pgd-s and epgd; by default sigma, or {_SOURCE_SIGMA}",
        unit=_UNIT, low=0, high=SIGMA_MAX, low_open=True,
    )  # fmt: skip
    norm: str = param("l2", help="ball of the perturbation", choices=("l2", "linf"))
    eps: float = param(0.5, help="radius of the ball", unit=_UNIT, low=0, high=1000, low_open=True)
    steps: int = param(40, help="gradient steps", low=1, high=10_000)
    draws: int = param(8, help="noisy copies per image and step of epgd", low=1, high=10_000)
    n: int = param(1000, help="fresh noisy copies per PREDICT", low=1, high=1e8)
    alpha: float = param(
        1e-3, help="probability that one PREDICT is wrong", low=0, high=0.5, low_open=True
    )
    image: ImageChoice = field(default_factory=ImageChoice)
    machine: MachineChoice = field(default_factory=MachineChoice)
    output: Tables = field(default_factory=Tables)

    def __post_init__(self) -> None:
        for name in self.attacks:
            if name not in ATTACKS:
                raise UnknownNameError("attack", name, ATTACKS)
        for what, names in (("sources", self.sources), ("targets", self.targets)):
            if len(set(names)) != len(names):
                raise ParameterError(f"--{what} names a network twice: leave one of them out.")

    def run(self) -> int:
        """Compute, print, write; the exit code."""
        models = [file for name in (*self.sources, *self.targets) for file in files_of(name)]
        self.output.check(*self.image.files(), *models)
        attacks = {name: self._attack(name) for name in self.attacks}
        transfer = Transfer(attacks=attacks, sigma=self.sigma, n=self.n, alpha=self.alpha)
        loaded = self._load()
        sources, targets = (
            {name: loaded[name] for name in names} for names in (self.sources, self.targets)
        )
        chosen = self.image.load(loaded[self.sources[0]].spec)
        images = [item.image for item in chosen.items]
        stream = transfer.run(
            sources, targets, images, seed=self.machine.noise_seed,
            batch_size=self.machine.batch_size,
        )  # fmt: skip
        with self.output.growing_table() as table:
            matrix = follow(stream, label="transfer")
            table.add(self._rows(matrix, loaded))
        if self.output.json:
            settings, origin = self._settings(loaded), origin_of(self.image)
            print_json({"settings": settings, **to_json(matrix), **facts_of(origin)})
            return chosen.ended("transfer")
        said = (*transfer_lines(matrix), *self._said(matrix), *notes_below(chosen))
        for line in (seed_line(), *said):
            print(line)
        return chosen.ended("transfer")

    def _settings(self, loaded: Mapping[str, Classifier]) -> dict[str, Any]:
        """What a reader of the rates needs to make them again."""
        names = "norm", "eps", "steps", "draws", "sigma", "n", "alpha"
        return {
            **{name: getattr(self, name) for name in names},
            "source_sigma": self._source_sigma,
            "seed": self.machine.noise_seed,
            "weights": {name: classifier.weights_id for name, classifier in loaded.items()},
            "precision": {name: classifier.precision for name, classifier in loaded.items()},
        }

    @property
    def _source_sigma(self) -> float:
        return self.source_sigma or self.sigma or _SOURCE_SIGMA

    def _load(self) -> Mapping[str, Classifier]:
        names = dict.fromkeys((*self.sources, *self.targets))
        return {name: self.machine.load_named(name) for name in names}

    def _attack(self, name: str) -> Attack:
        settings: dict[str, Any] = {"norm": self.norm, "eps": self.eps, "steps": self.steps}
        if name == "pgd":
            return Pgd(**settings)
        if name == "pgd-s":
            return Pgd(**settings, sigma=self._source_sigma)
        return Epgd(**settings, sigma=self._source_sigma, draws=self.draws)

    def _said(self, matrix: TransferMatrix) -> list[str]:
        judged = "the target itself gives another class"
        if self.sigma is not None:
            judged = (
                f"PREDICT on {self.n:,} fresh copies at sigma={self.sigma:g} does not return it "
                f"at level {ceil_digits(self.alpha, 6)}; an abstention counts as lost (in brackets)"
            )
        return [
            f"D Empirical: share of {matrix.images} images whose label a target loses: {judged}",
            f"{self.norm} within {self.eps:g}, {self.steps} steps; no attack found is not safety",
        ]

    def _rows(self, matrix: TransferMatrix, loaded: Mapping[str, Classifier]) -> str:
        text = io.StringIO()
        write_transfer(
            text,
            matrix,
            weights={name: classifier.weights_id for name, classifier in loaded.items()},
            seed=self.machine.noise_seed,
            origin=origin_of(self.image),
        )
        return text.getvalue()

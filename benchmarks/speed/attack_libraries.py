"""PGD of three public attack libraries, at settings that are given explicitly to all.

None is a dependency of this project; what cannot be imported is named and left out. All three fit
into one environment beside the engine:

    python3 -m venv libraries
    libraries/bin/pip install -r requirements.txt packaging
    libraries/bin/pip install torchattacks foolbox adversarial-robustness-toolbox
    PYTHONPATH=. libraries/bin/python -m benchmarks.speed.attack

(torchattacks asks for an old `requests`, which nothing here uses. `packaging` is what the toolbox
imports without saying so.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import torch
from torch import Tensor, nn

from rs_core.attacks import Attack
from rs_core.attacks.norms import Norm
from rs_core.classifiers import Classifier
from rs_core.events import drain
from rs_core.images import ImageInput

PACKAGES = {
    "torchattacks": "torchattacks",
    "foolbox": "foolbox",
    "art": "adversarial-robustness-toolbox",
}
Run = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Budget:
    """What every contestant gets: norm, radius, length and number of steps; random starts."""

    norm: Norm
    eps: float
    step_size: float
    steps: int


def ours(classifier: Classifier, images: list[ImageInput], attack: Attack, seed: int = 0) -> Tensor:
    """Adversarial pixels (B, C, H, W) of one of our attacks."""
    found = drain(attack.run(classifier, images, seed=seed))
    return torch.stack([torch.from_numpy(result.adversarial) for result in found])


def libraries(model: nn.Module, shape: tuple[int, ...], classes: int, budget: Budget) -> dict:
    """PGD of each library that can be imported: pixels (B, C, H, W), labels (B,) to pixels."""
    makers = {"torchattacks": _torchattacks, "foolbox": _foolbox, "art": _art}
    found: dict[str, Run] = {}
    for name, make in makers.items():
        try:
            found[name] = make(model, shape, classes, budget)
        except ImportError as missing:
            print(f"{PACKAGES[name]} is left out: {missing}")
    return found


def eot_pgd(model: nn.Module, budget: Budget, draws: int) -> Run:
    """torchattacks' EOTPGD, which is for linf alone; the model adds the noise."""
    import torchattacks

    return torchattacks.EOTPGD(
        model, eps=budget.eps, alpha=budget.step_size, steps=budget.steps, eot_iter=draws
    )


def versions() -> str:
    """The libraries that are installed, and torch."""
    found = [f"torch {torch.__version__}"]
    for package in PACKAGES.values():
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _torchattacks(model: nn.Module, shape: tuple[int, ...], classes: int, budget: Budget) -> Run:
    import torchattacks

    kind = torchattacks.PGDL2 if budget.norm == "l2" else torchattacks.PGD
    return kind(
        model, eps=budget.eps, alpha=budget.step_size, steps=budget.steps, random_start=True
    )


def _foolbox(model: nn.Module, shape: tuple[int, ...], classes: int, budget: Budget) -> Run:
    import foolbox

    kinds = foolbox.attacks
    kind = (
        kinds.L2ProjectedGradientDescentAttack
        if budget.norm == "l2"
        else kinds.LinfProjectedGradientDescentAttack
    )
    attack = kind(abs_stepsize=budget.step_size, steps=budget.steps, random_start=True)
    device = next(model.parameters()).device
    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device=device)
    return lambda x, y: attack(wrapped, x, y, epsilons=budget.eps)[1]


def _art(model: nn.Module, shape: tuple[int, ...], classes: int, budget: Budget) -> Run:
    from art.attacks.evasion import ProjectedGradientDescentPyTorch
    from art.estimators.classification import PyTorchClassifier

    device = next(model.parameters()).device
    estimator = PyTorchClassifier(
        model, nn.CrossEntropyLoss(), shape, classes, clip_values=(0, 1),
        device_type="cpu" if device.type == "cpu" else "gpu",
    )  # fmt: skip

    def run(x: Tensor, y: Tensor) -> Tensor:
        attack = ProjectedGradientDescentPyTorch(
            estimator, norm=2 if budget.norm == "l2" else "inf", eps=budget.eps,
            eps_step=budget.step_size, max_iter=budget.steps, num_random_init=1,
            batch_size=len(x), verbose=False,
        )  # fmt: skip
        return torch.from_numpy(attack.generate(x.cpu().numpy(), y.cpu().numpy())).to(device)

    return run

"""The settings of the papers that give every training image a sigma of its own."""

from typing import Any

from rs_core.training.per_image import DataDependent, Insta, PretrainFinetune, Stored
from rs_core.training.recipes.gaussian import Gaussian
from rs_core.training.recipes.macer import Macer
from rs_core.training.recipes.preset import CIFAR_MEAN, CIFAR_STD, GREY, RAW, Preset
from rs_core.training.recipes.smoothadv import SmoothAdv

_COHEN: dict[str, Any] = {
    "learning_rate": 0.1, "schedule": "step", "nesterov": False, "weight_decay": 1e-4,
    "decay_all": True, "weight_average": 0.0,
}  # fmt: skip
# Two stages of 150 epochs: .1 and then .001, each a tenth of it after 50 and 100 epochs. The first
# stage ends at the .001 with which the second begins.
_TWO_STAGES = _COHEN | {"epochs": 300, "drops": (50, 100, 200, 250)}

_DDRS = DataDependent(steps=1, n=1, step_size=1e-4, fixed_epochs=50, paper=True)
_DDRS_SOURCE = "Alfarra et al. (2022)"


def _ddrs(sigma: float) -> Gaussian:
    return Gaussian(
        sigma=sigma, epochs=200, batch_size=400, drops=(50, 100, 150), per_image=_DDRS, **_COHEN
    )


def _ddrs_repository(sigma: float) -> Gaussian:
    changes: dict[str, Any] = {"learning_rate": 0.01, "weight_decay": 5e-4}
    return Gaussian(
        sigma=sigma, epochs=200, batch_size=128, drops=tuple(range(30, 200, 30)),
        per_image=_DDRS, **(_COHEN | changes),
    )  # fmt: skip


_DDRS_SMOOTHADV = SmoothAdv(
    sigma=0.25, epochs=30, batch_size=256, drops=(10, 20), steps=2, noises=1, eps=0.25,
    eps_warm_up=0, per_image=DataDependent(steps=1, n=1, step_size=1e-4, paper=True),
    **(_COHEN | {"learning_rate": 1e-3}),
)  # fmt: skip
_DDRS_MACER = Macer(
    sigma=0.25, epochs=200, batch_size=64, drops=(100, 150), noises=16, beta=16.0, gamma=8.0,
    robust_weight=12.0, deferral=0, clip=0.0,
    per_image=DataDependent(steps=1, n=8, step_size=1e-4, fixed_epochs=50, paper=True),
    **(_COHEN | {"learning_rate": 0.01, "weight_decay": 5e-4}),
)  # fmt: skip


def _pfat(sigma: float, steps: int, noises: int, eps: float) -> SmoothAdv:
    return SmoothAdv(
        sigma=sigma, batch_size=256, steps=steps, noises=noises, eps=eps, eps_warm_up=10,
        per_image=PretrainFinetune(sigma_low=0.12, interval=0.05, n=500, pretrain_epochs=150),
        **_TWO_STAGES,
    )  # fmt: skip


# sigma, steps k, copies m, eps of the models that Tables 4 and 5 name.
_PFAT_CIFAR = ((0.25, 4, 4, 0.25), (0.5, 2, 4, 1.0), (1.0, 4, 2, 2.0))
_PFAT_MNIST = ((0.25, 2, 4, 0.25), (0.5, 2, 4, 1.0), (1.0, 10, 4, 2.0))
_PFAT_SOURCE = "Wang et al. (2021), the models of their Tables 4 and 5"

_INSTA = Insta(levels=16, period=10, n=8, first_epochs=150)
_INSTA_STAGE: dict[str, Any] = _COHEN | {"epochs": 150, "drops": (50, 100)}
_INSTA_ADV: dict[str, Any] = {"steps": 2, "noises": 2, "eps_per_sigma": 2.0, "eps_warm_up": 10}
_INSTA_SOURCE = "Chen et al. (2021), appendix B; steps and copies of SmoothAdv are ours"


def _on_cifar(recipe: Any, name: str, source: str, network: str = "resnet110") -> Preset:
    return Preset(recipe, name, network, "cifar10", source, CIFAR_MEAN, CIFAR_STD)


PER_IMAGE_PRESETS: dict[str, Preset] = {
    **{
        f"ddrs-cifar10-s{round(100 * sigma):03d}": _on_cifar(
            _ddrs(sigma), "gaussian", f"{_DDRS_SOURCE}; rates are Cohen et al.'s", "cifar-resnet18"
        )
        for sigma in (0.12, 0.25, 0.5)
    },
    **{
        f"ddrs-repository-cifar10-s{round(100 * sigma):03d}": _on_cifar(
            _ddrs_repository(sigma), "gaussian", f"the code beside {_DDRS_SOURCE}", "cifar-resnet18"
        )
        for sigma in (0.12, 0.25, 0.5)
    },
    "ddrs-smoothadv-cifar10": _on_cifar(
        _DDRS_SMOOTHADV, "smoothadv",
        f"{_DDRS_SOURCE}, section 4.2: give --init a SmoothAdv network; epochs and rates are ours",
    ),
    "ddrs-macer-cifar10": Preset(
        _DDRS_MACER, "macer", "cifar-resnet18", "cifar10",
        f"{_DDRS_SOURCE}, section 4.3; rates are Zhai et al.'s", **RAW,
    ),
    **{
        f"pfat-cifar10-s{round(100 * row[0]):03d}": _on_cifar(
            _pfat(*row), "smoothadv", _PFAT_SOURCE
        )
        for row in _PFAT_CIFAR
    },
    **{
        f"pfat-mnist-s{round(100 * row[0]):03d}": Preset(
            _pfat(*row), "smoothadv", "lenet", "mnist", _PFAT_SOURCE, **GREY
        )
        for row in _PFAT_MNIST
    },
    "insta-cifar10-setting1": _on_cifar(
        Gaussian(sigma=0.25, batch_size=128, per_image=_INSTA, **_TWO_STAGES), "gaussian",
        _INSTA_SOURCE,
    ),
    "insta-cifar10-setting2-first": _on_cifar(
        Gaussian(sigma=0.25, batch_size=128, per_image=_INSTA, **_INSTA_STAGE), "gaussian",
        f"{_INSTA_SOURCE}; the first stage of setting 2",
    ),
    "insta-cifar10-setting2": _on_cifar(
        SmoothAdv(
            sigma=0.25, batch_size=256, per_image=Stored(),
            **(_INSTA_ADV | _INSTA_STAGE | {"learning_rate": 1e-3}),
        ),
        "smoothadv",
        f"{_INSTA_SOURCE}; the second stage: give --init the network of setting2-first",
    ),
    "insta-cifar10-setting3": _on_cifar(
        SmoothAdv(sigma=0.25, batch_size=128, per_image=_INSTA, **(_INSTA_ADV | _TWO_STAGES)),
        "smoothadv", _INSTA_SOURCE,
    ),
}  # fmt: skip

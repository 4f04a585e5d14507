"""The papers' own settings by name; days of a GPU, where the defaults are minutes of a CPU."""

from typing import Any

from rs_core.training.recipes.adversarial import Adversarial
from rs_core.training.recipes.consistency import Consistency
from rs_core.training.recipes.gaussian import Gaussian
from rs_core.training.recipes.macer import Macer
from rs_core.training.recipes.noise_injection import NoiseInjection
from rs_core.training.recipes.per_image_presets import PER_IMAGE_PRESETS
from rs_core.training.recipes.preset import CIFAR_MEAN, CIFAR_STD, GREY, RAW, Preset
from rs_core.training.recipes.smoothadv import SmoothAdv
from rs_core.training.recipes.universal_sigma import UniversalSigma

_COHEN = Gaussian(
    sigma=0.25, epochs=90, batch_size=400, learning_rate=0.1, schedule="step", drops=(30, 60),
    nesterov=False, weight_decay=1e-4, decay_all=True, weight_average=0.0,
)  # fmt: skip


# x.1 every 30 epochs, each drop an epoch late: their scheduler hears of an epoch at its end.
_LENET: dict[str, Any] = {
    "epochs": 90, "batch_size": 256, "learning_rate": 0.01, "schedule": "step",
    "drops": (31, 61), "momentum": 0.9, "nesterov": False, "weight_decay": 1e-4,
    "decay_all": True, "weight_average": 0.0, "augment": "none", "precision": "fp32",
}  # fmt: skip


_SMOOTHADV = SmoothAdv(
    sigma=0.25, epochs=150, batch_size=256, learning_rate=0.1, schedule="step", drops=(50, 100),
    nesterov=False, weight_decay=1e-4, decay_all=True, weight_average=0.0,
    attack="pgd", steps=10, noises=8, eps=1.0, eps_warm_up=10,
)  # fmt: skip
_SMOOTHADV_DDN = SmoothAdv(
    sigma=0.25, epochs=150, batch_size=256, learning_rate=0.1, schedule="step", drops=(50, 100),
    nesterov=False, weight_decay=1e-4, decay_all=True, weight_average=0.0,
    attack="ddn", steps=4, noises=8, eps=1.0, eps_warm_up=10,
)  # fmt: skip


def _macer(sigma: float, robust_weight: float, deferral: int = 0) -> Macer:
    return Macer(
        sigma=sigma, epochs=440, batch_size=64, learning_rate=0.01, schedule="step",
        drops=(200, 400), nesterov=False, weight_decay=5e-4, decay_all=True, weight_average=0.0,
        noises=16, beta=16.0, gamma=8.0, robust_weight=robust_weight, deferral=deferral, clip=0.0,
    )  # fmt: skip


_MADRY = Adversarial(
    epochs=205, batch_size=128, learning_rate=0.1, schedule="step", drops=(102, 153),
    nesterov=False, weight_decay=2e-4, weight_average=0.0, eps=8 / 255, steps=7, step_share=0.25,
)  # fmt: skip
_SIAM = Adversarial(
    epochs=400, batch_size=256, learning_rate=0.1, schedule="step", drops=(200, 300),
    nesterov=True, weight_decay=1e-4, decay_all=True, weight_average=0.0, clip=0.05,
    eps=8 / 255, steps=7, step_share=0.25, clean_share=0.5,
)  # fmt: skip
# Their finetunings' rates are unstated; theirs of the base model would undo what it has learned.
_CPNI: dict[str, Any] = {
    "batch_size": 256, "schedule": "step", "nesterov": True, "weight_decay": 1e-4,
    "decay_all": True, "weight_average": 0.0, "clip": 0.05, "eps": 8 / 255, "steps": 7,
    "step_share": 0.25,
}  # fmt: skip
_CPNI_BASE = NoiseInjection(epochs=400, learning_rate=0.1, drops=(200, 300), **_CPNI)
_CPNI_EPGD = NoiseInjection(epochs=200, learning_rate=0.01, drops=(100,), noises=8, **_CPNI)
_CPNI_GAUSS = NoiseInjection(
    epochs=200, learning_rate=0.01, drops=(100,), clean_share=0.0, attacked_share=0.5,
    sigma=0.06, **_CPNI,
)  # fmt: skip
_CPNI_SOURCE = "Nemcovsky et al. (SIAM); with a draw for each image, theirs has one for a batch"
_CPNI_CIFAR: dict[str, Any] = {"mean": (0.491, 0.482, 0.447), "std": (0.247, 0.243, 0.262)}
_UNIVERSAL = UniversalSigma(sigma=0.5, epochs=400)

_MACER_SOURCE = "Zhai et al. (2020) and their code"

_LENET_SOURCE = (
    "the public LeNet logs beside Cohen et al. (2019); the last images of an epoch that fill no "
    "batch are left out"
)

PRESETS: dict[str, Preset] = {
    "cohen-cifar10": Preset(
        _COHEN, "gaussian", "resnet110", "cifar10", "Cohen et al. (2019) and their code",
        CIFAR_MEAN, CIFAR_STD,
    ),
    **{
        f"cohen-mnist-s{round(100 * sigma):03d}": Preset(
            Gaussian(sigma=sigma, **_LENET), "gaussian", "lenet", "mnist", _LENET_SOURCE, **GREY
        )
        for sigma in (0.25, 0.5, 1.0)
    },
    **{
        f"consistency-mnist-s{round(100 * sigma):03d}": Preset(
            Consistency(sigma=sigma, noises=2, agreement=weight, entropy_weight=0.5, **_LENET),
            "consistency", "lenet", "mnist", f"Jeong & Shin (2020); {_LENET_SOURCE}", **GREY,
        )
        for sigma, weight in ((0.25, 10.0), (0.5, 5.0), (1.0, 5.0))
    },
    "smoothadv-cifar10": Preset(
        _SMOOTHADV, "smoothadv", "resnet110", "cifar10",
        "Salman et al. (2019) and their code: one point of their grid of eps, steps and copies",
        CIFAR_MEAN, (1.0,) * 3,
    ),
    "smoothadv-ddn-cifar10": Preset(
        _SMOOTHADV_DDN, "smoothadv", "resnet110", "cifar10",
        "Salman et al. (2019) and their code: one point of their grid of eps, steps and copies",
        CIFAR_MEAN, (1.0,) * 3,
    ),
    "macer-cifar10-s025": Preset(
        _macer(0.25, 12.0), "macer", "resnet110", "cifar10", _MACER_SOURCE, **RAW
    ),
    "macer-cifar10-s050": Preset(
        _macer(0.5, 4.0), "macer", "resnet110", "cifar10", _MACER_SOURCE, **RAW
    ),
    "macer-cifar10-s100": Preset(
        _macer(1.0, 12.0, deferral=200), "macer", "resnet110", "cifar10",
        f"{_MACER_SOURCE}; lambda 0 before the first drop as the paper says, not the code", **RAW,
    ),
    "macer-mnist": Preset(
        _macer(0.25, 16.0), "macer", "lenet", "mnist", _MACER_SOURCE, **GREY
    ),
    "madry-cifar10": Preset(
        _MADRY, "adversarial", "cifar-resnet18", "cifar10",
        "Madry et al. (2018); their network is a wide ResNet, ours a ResNet-18",
    ),
    "siam-cifar10": Preset(
        _SIAM, "adversarial", "resnet20", "cifar10", "Nemcovsky et al. (SIAM), without CPNI",
        (0.491, 0.482, 0.447), (0.247, 0.243, 0.262),
    ),
    "siam-cpni-cifar10": Preset(
        _CPNI_BASE, "noise_injection", "resnet20-cpni", "cifar10", _CPNI_SOURCE, **_CPNI_CIFAR
    ),
    "siam-pni-cifar10": Preset(
        _CPNI_BASE, "noise_injection", "resnet20-pni", "cifar10", _CPNI_SOURCE, **_CPNI_CIFAR
    ),
    "siam-epgd-cifar10": Preset(
        _CPNI_EPGD, "noise_injection", "resnet20-cpni", "cifar10",
        f"{_CPNI_SOURCE}; finetunes siam-cpni-cifar10 (--init); learning rate, no input noise and "
        "the loss of all 8 copies are ours", **_CPNI_CIFAR,
    ),
    "siam-gauss-cifar10": Preset(
        _CPNI_GAUSS, "noise_injection", "resnet20-cpni", "cifar10",
        f"{_CPNI_SOURCE}; finetunes siam-cpni-cifar10 (--init); sigma .06 is their normalised .24; "
        "learning rate and q are ours", **_CPNI_CIFAR,
    ),
    "universal-cifar10": Preset(
        _UNIVERSAL, "universal_sigma", "conv4", "cifar10",
        "Hase et al., f_u: 400 epochs; optimiser and rates are ours, the paper names none",
    ),
    "universal-conditional-cifar10": Preset(
        _UNIVERSAL, "universal_sigma", "conv4-sigma", "cifar10",
        "Hase et al., f_u told sigma_a: 400 epochs; optimiser and rates are ours",
    ),
    **PER_IMAGE_PRESETS,
}  # fmt: skip

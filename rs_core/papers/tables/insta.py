"""Insta-RS, Chen et al. (2021): variances in steps, searched from both ends, and trained in two
stages.

The paper's ACR of a per-image row is the largest over sigma of certificates that were looked at;
here a sigma is chosen on draws of its own, and certified on fresh ones.
"""

from rs_core.papers.table import Certified, Choice, Exceeds, Row, Size, Table, Training
from rs_core.papers.tables.protocols import (
    COHEN_200,
    MACER,
    QUICK,
    SALMAN,
    Settings,
    cifar_network,
    small_cifar,
)

_KEY = "insta-rs/{}/cifar-10/{}/{}"
_SPAN = "0.25-1.00"
_BASES = (("Cohen", "gaussian", 0.5), ("MACER", "macer", 1.0), ("SmoothAdv", "smoothadv", 1.0))
_COHEN_90: Settings = COHEN_200 | {"epochs": 90, "drops": [30, 60]}
_PAPER: dict[str, Settings] = {
    "gaussian": _COHEN_90,
    "macer": MACER | {"robust_weight": 12.0, "deferral": 200},
    "smoothadv": SALMAN | {"steps": 10, "noises": 2, "eps": 2.0},
}
_SMALL: dict[str, Settings] = {
    "gaussian": {"epochs": 15},
    "macer": {"epochs": 10, "noises": 4, "batch_size": 64, "robust_weight": 3.0, "deferral": 3},
    "smoothadv": {"epochs": 10, "steps": 2, "noises": 2, "eps": 1.0, "eps_warm_up": 2},
}
_IMAGES = {"gaussian": 20_000, "macer": 5_000, "smoothadv": 10_000}
_SMALL_NOTE = "conv4 in place of ResNet-110, part of CIFAR-10, 10 to 15 epochs, m=200, n=4,000"
_ORACLE_NOTE = "the paper's per-image rows are the largest of the certificates at all sigmas"
# Which loss the two stages have: settings 1 to 3.
_STAGES = {
    1: ("gaussian", "gaussian"),
    2: ("gaussian", "smoothadv"),
    3: ("smoothadv", "smoothadv"),
}


def _search(size: Size) -> Choice:
    return Choice("multistart", {"m": 200} if size == "small" else {"m": 500})


def _grid(size: Size) -> Choice:
    """Sixteen sigmas, equally far apart as in PFAT; those of the search are so in variance."""
    draws = 200 if size == "small" else 500
    return Choice("grid", {"sigma_min": 0.25, "sigma_max": 1.0, "interval": 0.05, "n": draws})


def _certified(size: Size) -> Certified:
    if size == "small":
        return Certified("cifar10", count=250, n=4_000)
    return Certified("cifar10")


def _base(recipe: str, sigma: float, size: Size) -> Training:
    if size == "small":
        return small_cifar(recipe, _SMALL[recipe] | {"sigma": sigma}, _IMAGES[recipe])
    return cifar_network("resnet110", recipe, _PAPER[recipe] | {"sigma": sigma})


def _pretrained_table(size: Size) -> Table:
    """Table 1, with a grid beside the search on one network: its cost, in terms of Table 3."""
    rows, claims = [], []
    for name, recipe, sigma in _BASES:
        network, label = _base(recipe, sigma, size), f"Insta-RS on {name}"
        fixed, key = Choice("fixed", {"sigma": sigma}), name.lower()
        rows += [
            Row(name, network, fixed, Choice("global_sigma"),
                (_KEY.format("t1", key, f"{sigma:.2f}"),)),
            Row(label, network, _search(size), Choice("frozen"),
                (_KEY.format("t1", f"insta-rs-on-{key}", _SPAN),)),
        ]  # fmt: skip
        claims.append(Exceeds(f"a sigma per image pays on {name}", label, name))
    searched, grid = "Insta-RS on SmoothAdv", "grid on SmoothAdv"
    rows.append(Row(grid, rows[-1].network, _grid(size), Choice("frozen")))
    words = "the search loses at most .01 of ACR against a grid of 16 sigmas"
    return Table(
        name="insta-table1",
        paper="Insta-RS",
        title="Insta-RS on networks that were trained with one sigma, CIFAR-10",
        size=size,
        certified=_certified(size),
        rows=tuple(rows),
        claims=(
            *claims,
            Exceeds(words, searched, grid, least=-0.01),
            Exceeds("the search evaluates fewer sigmas", grid, searched, "evaluated"),
        ),
        notes=(*((_SMALL_NOTE,) if size == "small" else ()), _ORACLE_NOTE),
    )


def _trained(
    setting: int, size: Size, *, finetuned: bool = True, adaptive: bool = True
) -> Training:
    """The network of a setting: a stage in which sigmas move, and one that keeps them."""
    first, second = _STAGES[setting]
    moving: Settings = {"name": "insta", "levels": 16, "n": 8}
    stages: list[tuple[str, Settings]] = []
    for place, recipe in enumerate((first, second)):
        settings = dict(_SMALL[recipe] if size == "small" else SALMAN | _PAPER[recipe])
        if size == "paper":
            settings |= {"epochs": 150, "drops": [50, 100], "batch_size": (128, 256)[place],
                         "learning_rate": (0.1, 0.001)[place]}  # fmt: skip
            settings = settings if recipe == "smoothadv" else _without_attack(settings)
        elif place:
            settings |= {"learning_rate": 0.005}
        if recipe == "smoothadv":
            settings |= {"steps": 2, "noises": 2}
            settings |= {"eps_per_sigma": 2.0} if adaptive else {"eps": 2.0}
        kept: Settings = {"name": "stored"}
        own = moving | {"first_epochs": settings["epochs"]} if place == 0 else kept
        stages.append((recipe, settings | {"sigma": 0.25, "per_image": own}))
    learned = _stage(*stages[0], size)
    return _stage(*stages[1], size, after=learned) if finetuned else learned


def _stage(recipe: str, settings: Settings, size: Size, after: Training | None = None) -> Training:
    if size == "paper":
        return cifar_network("resnet110", recipe, settings, after)
    own = cifar_network("conv4", recipe, QUICK | settings, after)
    return Training(own.recipe, own.architecture, own.dataset, 10_000, own.mean, own.std,
                    after=after)  # fmt: skip


def _without_attack(settings: Settings) -> Settings:
    attack = ("steps", "noises", "eps", "eps_warm_up", "attack")
    return {name: value for name, value in settings.items() if name not in attack}


def _row(label: str, network: Training, size: Size, table: str, slug: str) -> Row:
    return Row(label, network, _search(size), Choice("frozen"), (_KEY.format(table, slug, _SPAN),))


def _settings_table(size: Size) -> Table:
    """Table 2: settings 1 to 3."""
    rows = [
        _row(f"setting {k}", _trained(k, size), size, "t2", f"insta-rs-train-setting-{k}")
        for k in _STAGES
    ]
    return Table(
        name="insta-table2",
        paper="Insta-RS",
        title="Insta-RS Train, settings 1 to 3, CIFAR-10",
        size=size,
        certified=_certified(size),
        rows=tuple(rows),
        claims=(
            Exceeds("setting 3 exceeds setting 2", "setting 3", "setting 2"),
            Exceeds("setting 2 exceeds setting 1", "setting 2", "setting 1"),
        ),
        notes=(*((_SMALL_NOTE,) if size == "small" else ()), _ORACLE_NOTE),
    )


def _search_table(size: Size) -> Table:
    """Table 3: the search beside a grid, on the network of setting 3."""
    network = _trained(3, size)
    search = _row("multi-start FGSS", network, size, "t3", "setting-3-+-multi-start-fgss-ass-7.614")
    key = _KEY.format("t3", "setting-3-+-grid-search-ass-16", _SPAN)
    grid = Row("grid search", network, _grid(size), Choice("frozen"), (key,))
    return Table(
        name="insta-table3",
        paper="Insta-RS",
        title="Multi-start search beside a grid of 16 sigmas, CIFAR-10",
        size=size,
        certified=_certified(size),
        rows=(grid, search),
        claims=(
            Exceeds("the search loses at most .01 of ACR", search.label, grid.label, least=-0.01),
            Exceeds("it evaluates fewer sigmas", grid.label, search.label, "evaluated"),
        ),
        notes=(_SMALL_NOTE,) if size == "small" else (),
    )


def _ablation_table(number: int, size: Size) -> Table:
    """Tables 5 (without finetuning) and 6 (a fixed eps)."""
    whole = _row("setting 3", _trained(3, size), size, "t2", "insta-rs-train-setting-3")
    if number == 5:
        less = _trained(3, size, finetuned=False)
        slug, label = "setting-3-without-finetuning", "setting 3 without finetuning"
        words, title = "finetuning pays", "Insta-RS Train without its second stage"
    else:
        less = _trained(3, size, adaptive=False)
        slug, label = "setting-3-non-adaptive-eps-2", "setting 3 with eps 2"
        words, title = "eps of two sigmas pays", "Insta-RS Train with one eps for all images"
    other = _row(label, less, size, f"t{number}", slug)
    return Table(
        name=f"insta-table{number}",
        paper="Insta-RS",
        title=f"{title}, CIFAR-10",
        size=size,
        certified=_certified(size),
        rows=(whole, other),
        claims=(Exceeds(words, whole.label, other.label),),
        notes=(*((_SMALL_NOTE,) if size == "small" else ()), _ORACLE_NOTE),
    )


_SIZES: tuple[Size, ...] = ("small", "paper")

INSTA = tuple(
    table
    for size in _SIZES
    for table in (
        _pretrained_table(size),
        _settings_table(size),
        _search_table(size),
        _ablation_table(5, size),
        _ablation_table(6, size),
    )
)

"""A paper's table as data: what is trained, chosen, certified and claimed, in JSON values alone."""

from dataclasses import dataclass, field
from typing import Any, Literal

from rs_core.errors import ParameterError
from rs_core.fields import shown

Size = Literal["small", "paper"]
SIZES: tuple[Size, ...] = ("small", "paper")
Metric = Literal["acr", "accuracy", "radius", "draws", "evaluated"]
METRICS: dict[Metric, str] = {
    "acr": "ACR",
    "accuracy": "certified accuracy",
    "radius": "mean radius whatever the class",
    "draws": "draws that choose sigma",
    "evaluated": "sigmas evaluated per image",
}


@dataclass(frozen=True)
class Choice:
    """A name of a registry and the settings that are not its defaults, as JSON values."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """A network that is trained for the table, once for every seed.

    Fields:
        recipe: a name of `RECIPES` and its settings; `per_image`, where it is there, is nested.
        architecture: a name of `MODELS`.
        dataset: its training split is learned from.
        images: so many of them, evenly spread; None for all.
        mean, std: normalisation, as `ModelSpec` has it.
        options: of the architecture.
        after: the training whose weights this one begins with; None for random ones.
    """

    recipe: Choice
    architecture: str
    dataset: str
    images: int | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    after: "Training | None" = None

    @property
    def stages(self) -> tuple["Training", ...]:
        """What is trained, one after the other; this one is the last."""
        return (*(self.after.stages if self.after else ()), self)


@dataclass(frozen=True)
class Shipped:
    """A network that comes with the package, by its name or stem."""

    model: str


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Fields:
        label: names it in the table, and in claims.
        network: trained, or shipped; rows that train the same share one network.
        selector, guarantee: who proposes sigma, and what is claimed there.
        published: keys of the rows beside it.
        count_meeting: count the balls that meet another ball (Wang et al., appendix C).
    """

    label: str
    network: Training | Shipped
    selector: Choice
    guarantee: Choice
    published: tuple[str, ...] = ()
    count_meeting: bool = False


@dataclass(frozen=True)
class Certified:
    """What is certified, and how well: `count` images evenly spread over a split, n0, n, alpha."""

    dataset: str
    split: str = "test"
    count: int = 500
    n0: int = 100
    n: int = 100_000
    alpha: float = 1e-3


@dataclass(frozen=True)
class Exceeds:
    """A claim that one row's metric exceeds another's by `least`, measured on the same images.

    Fields:
        words: the claim, as the paper makes it.
        larger, smaller: labels of rows.
        metric: what is compared; `radius` belongs to "accuracy" alone, pixels of [0,1].
        least: the difference must exceed it; below 0 the claim is "not worse by more than".
    """

    words: str
    larger: str
    smaller: str
    metric: Metric = "acr"
    radius: float = 0.0
    least: float = 0.0


@dataclass(frozen=True)
class Reaches:
    """A claim that a row's mean ACR lies near the mean of the published rows beside it.

    Near is within `deviations` of the published seeds' standard deviation plus `slack`.
    """

    words: str
    label: str
    deviations: float = 3.0
    slack: float = 0.003


@dataclass(frozen=True)
class Oracle:
    """The best of several rows at every radius, as DDRS and PFAT draw envelopes: no classifier."""

    label: str
    members: tuple[str, ...]
    published: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A paper's table at one size.

    Fields:
        name: its id, e.g. "pfat-table3".
        paper, title: whose it is, and what it shows.
        size: "small" or "paper".
        certified: the images and draws of every row.
        rows, oracles, claims: in the order of the page.
        seeds: how many trainings of each network, unless somebody names the seeds.
        notes: in what this differs from the paper, a sentence each.

    Raises:
        ParameterError: no row, a label twice, or a claim about a row that is not there.
    """

    name: str
    paper: str
    title: str
    size: Size
    certified: Certified
    rows: tuple[Row, ...]
    claims: tuple[Exceeds | Reaches, ...] = ()
    oracles: tuple[Oracle, ...] = ()
    seeds: int = 1
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        labels = [row.label for row in self.rows]
        if not labels or len(set(labels)) < len(labels):
            raise ParameterError(f"table {self.name}: give at least one row, each its own label.")
        named = {label for oracle in self.oracles for label in oracle.members}
        for claim in self.claims:
            named |= {claim.label} if isinstance(claim, Reaches) else {claim.larger, claim.smaller}
        if strange := sorted(named - set(labels)):
            raise ParameterError(
                f"table {self.name} has no row {shown(strange[0])}: claims and oracles name its "
                f"labels, {', '.join(labels)}."
            )

    @property
    def trainings(self) -> tuple[Training, ...]:
        """The different networks that are trained, those that others begin with among them."""
        found: list[Training] = []
        for row in self.rows:
            stages = row.network.stages if isinstance(row.network, Training) else ()
            found += [one for one in stages if one not in found]
        return tuple(found)

"""A paper's table, repeated: what was certified, what was published, how the claims came out."""

from dataclasses import dataclass
from typing import Any, Literal

from rs_core.results.core import Badge, Norm

Outcome = Literal["held", "did not hold at this size", "cannot be told"]
STEP = 0.05  # between the radii of a curve, pixels of [0,1]


@dataclass(frozen=True)
class Published:
    """One row of a paper's table, or of a public log, as it was printed.

    Fields:
        key: names it: paper/table/dataset/method/sigma, or a log's path and index set.
        paper, table, dataset, method, sigma: as printed; a log's path stands for its table.
        certified: (radius, certified accuracy 0..1) of every radius reported, ascending.
        acr: average certified radius, pixels of [0,1]; None where not reported.
        norm: of the radii.
        images: which, in words; "not stated" where the paper does not say.
        n0, n, alpha: draws and level; None where the paper does not state them.
        network: in words, or "not stated".
        oracle: the best of several models per radius, and no single classifier.
        note: what is odd about it; "" for nothing.
    """

    key: str
    paper: str
    table: str
    dataset: str
    method: str
    sigma: str
    certified: tuple[tuple[float, float], ...]
    acr: float | None
    norm: Norm
    images: str
    n0: int | None
    n: int | None
    alpha: float | None
    network: str
    oracle: bool
    note: str


@dataclass(frozen=True)
class Scores:
    """One row of a table with one seed of training.

    Fields:
        seed: of the training; None for a network that was not trained here.
        weights_id, precision: of the network.
        badge: of its certificates.
        images, abstained: counts; an abstention is wrong.
        acr: average certified radius, mean(R * correct), pixels of [0,1].
        mean_radius: mean R whatever the class, as label-free rows have it.
        curve: certified accuracy at the radii 0, STEP, 2 STEP, ... until it is 0.
        mean_sigma: of the certificates.
        draws: noisy copies that choosing sigma cost, mean per image.
        evaluated: different sigmas looked at while choosing, mean per image.
        meeting: balls that meet another ball; None where not counted.
    """

    seed: int | None
    weights_id: str
    precision: str
    badge: Badge
    images: int
    abstained: int
    acr: float
    mean_radius: float
    curve: tuple[float, ...]
    mean_sigma: float
    draws: float
    evaluated: float
    meeting: int | None = None

    def accuracy(self, radius: float) -> float:
        """Certified accuracy at a radius, which is rounded up to a multiple of STEP."""
        place = -int(-(radius / STEP - 1e-9) // 1)
        return self.curve[place] if place < len(self.curve) else 0.0


@dataclass(frozen=True)
class RepeatedRow:
    """A row of a table as it was run here, beside what was published.

    Fields:
        label: names it in the table.
        trained: how the network came about, in words.
        training: the same as JSON values.
        network: its architecture.
        selector, guarantee: names; `settings` of the selector, as JSON values.
        n0, n, alpha: draws and level of every certificate.
        scores: one per seed.
        published: beside it; () for none.
    """

    label: str
    trained: str
    training: dict[str, Any]
    network: str
    selector: str
    settings: dict[str, Any]
    guarantee: str
    n0: int
    n: int
    alpha: float
    scores: tuple[Scores, ...]
    published: tuple[Published, ...]

    @property
    def acr(self) -> float:
        """Mean over the seeds, all of one badge."""
        return sum(one.acr for one in self.scores) / len(self.scores)


@dataclass(frozen=True)
class OracleRow:
    """The best of several rows at every radius: an oracle, and not one classifier.

    Fields:
        label: names it.
        members: labels of the rows, all of one badge.
        badge: theirs.
        curve: the largest of their certified accuracies (means over seeds) at 0, STEP, ...
        best_acr: the largest ACR of a member.
        published: beside it.
    """

    label: str
    members: tuple[str, ...]
    badge: Badge
    curve: tuple[float, ...]
    best_acr: float
    published: tuple[Published, ...]


@dataclass(frozen=True)
class Verdict:
    """A claim of the paper, and how it came out here.

    Fields:
        claim: in words.
        compared: what the difference is of, in words.
        badges: of the rows compared.
        difference: first minus second, minus what the claim asks for.
        margin: what it is compared with (docs/papers.md); NaN where nothing was computed.
        images, seeds: behind it.
        outcome: "held", "did not hold at this size", "cannot be told".
        reason: why, in words.
    """

    claim: str
    compared: str
    badges: tuple[Badge, ...]
    difference: float
    margin: float
    images: int
    seeds: int
    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class RepeatedTable:
    """A paper's table as it was run here.

    Fields:
        name: id of the table, e.g. "pfat-table3".
        paper, title: of it.
        size: "small" or "paper".
        dataset: of the images certified, in words.
        indices: of them.
        asked: how many images the table has; fewer were certified where somebody gave a limit.
        seed: of all draws; `seed_given` as of a certificate.
        rows, oracles, verdicts: in the table's order.
        notes: sentences that belong beside the numbers.
    """

    name: str
    paper: str
    title: str
    size: str
    dataset: str
    indices: tuple[int, ...]
    asked: int
    seed: int
    rows: tuple[RepeatedRow, ...]
    oracles: tuple[OracleRow, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    seed_given: bool | None = None

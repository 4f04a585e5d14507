"""A cascade over sigmas beside each of its sigmas alone, by the networks that ship.

The cascade is that of Jeong and Shin (2023), with the certificate of docs/cascade.md. It draws at
every sigma, so each sigma alone has as many draws here as the whole cascade.
"""

from rs_core.papers.table import Certified, Choice, Exceeds, Row, Shipped, Size, Table

_SIGMAS = {"mnist": (0.25, 0.5, 1.0), "cifar10": (0.12, 0.25, 0.5)}
_RADII = {"mnist": (0.5, 1.0, 1.5), "cifar10": (0.12, 0.25, 0.5)}
_NETWORK = {"mnist": "mnist-conv4", "cifar10": "cifar10-conv4"}
_DRAWS: dict[Size, int] = {"small": 2_000, "paper": 100_000}
_CASCADE = "cascade"


def _table(data: str, size: Size) -> Table:
    sigmas, network, n = _SIGMAS[data], Shipped(_NETWORK[data]), _DRAWS[size]
    alone = [
        Row(f"sigma {sigma:g}", network, Choice("fixed", {"sigma": sigma}),
            Choice("global_sigma", {"n": len(sigmas) * n}))
        for sigma in sigmas
    ]  # fmt: skip
    cascade = Row(
        _CASCADE, network, Choice("fixed", {"sigma": sigmas[-1]}),
        Choice("cascade", {"sigmas": list(sigmas)}),
    )  # fmt: skip
    minimum = Row(
        "grid minimum", network, Choice("fixed", {"sigma": sigmas[-1]}),
        Choice("grid_minimum", {"sigmas": list(sigmas)}),
    )  # fmt: skip
    claims = [
        Exceeds("the cascade certifies more on average than any selector of the same sigmas",
                _CASCADE, minimum.label),
        *(Exceeds(f"the cascade exceeds {row.label}", _CASCADE, row.label) for row in alone),
        *(
            Exceeds(f"at radius {radius:g} it exceeds {row.label}", _CASCADE, row.label,
                    "accuracy", radius)
            for radius in _RADII[data]
            for row in alone
        ),
    ]  # fmt: skip
    return Table(
        name=f"cascade-{data}",
        paper="RS Lab",
        title=f"A cascade over {len(sigmas)} sigmas beside each of them, {_NETWORK[data]}",
        size=size,
        certified=Certified(data, n=n),
        rows=(*alone, cascade, minimum),
        claims=tuple(claims),
        notes=(
            f"one network, trained for all sigmas up to {sigmas[-1]:g}; every row is of badge A",
            f"a sigma alone has {len(sigmas)} times the draws, as many as the cascade in all",
        ),
    )


_SIZES: tuple[Size, ...] = ("small", "paper")

CASCADE = tuple(_table(data, size) for data in _SIGMAS for size in _SIZES)

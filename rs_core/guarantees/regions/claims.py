"""What each image may still claim once the regions are laid out, and in words why nothing."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rs_core.guarantees.regions.radii import Layout
from rs_core.images import ImageInput
from rs_core.results import Certificate


class Claim(NamedTuple):
    """What one point may say, and the draws behind it."""

    certificate: Certificate
    label: int | None
    radius: float
    draws: int
    owner: str = ""
    why: str = ""


def claim_of(
    k: int,
    layout: Layout,
    points: Sequence[ImageInput],
    own: Sequence[Certificate],
    again: Mapping[int, Certificate],
) -> Claim:
    """The radius that the layout leaves to point k, and in plain words why none."""
    owner, mine = int(layout.owners[k]), own[k]
    if owner == k:
        radius = float(layout.radii[k])
        why = "the other images' regions leave it no room" if mine.radius > radius == 0 else ""
        return Claim(mine, mine.predicted, radius, mine.draws, why=why)
    host = points[owner].name
    if k not in again:
        why = f"it lies in the region of {host} and was not certified at that sigma"
        return Claim(mine, None, 0.0, mine.draws, why=why)
    there, draws = again[k], mine.draws + again[k].draws
    radius = min(there.radius, float(layout.radii[k]))
    if there.predicted is None:
        return Claim(there, None, 0.0, draws)
    if there.predicted != own[owner].predicted:
        why = f"it lies in the region of {host}, whose label its own draws contradict"
        return Claim(there, None, 0.0, draws, why=why)
    why = "" if radius > 0 else f"it lies at the edge of the region of {host}"
    return Claim(there, there.predicted, radius, draws, owner=host, why=why)


def notes_of(repeats: int, claims: Sequence[Claim]) -> tuple[str, ...]:
    """What should be known of the images behind these claims."""
    notes = []
    if repeats:
        notes.append(f"{repeats} of the images repeat earlier pixels: the first's sigma stands")
    if not any(claim.radius > 0 for claim in claims):
        notes.append("every image abstained: there is no region")
    return tuple(notes)

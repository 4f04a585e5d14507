"""The images on the page of balls: in the order in which they were added, and in another one."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rs_ui.runs import session

MOST_IMAGES = 200


@dataclass(frozen=True)
class Item:
    """One image: the worker's id, its name, true class, and a picture as data address."""

    image: str
    name: str
    label: int | None
    picture: str = ""


@dataclass(frozen=True)
class PointList:
    """Images as they came, the order that a person gave them, and the order before that."""

    came: tuple[Item, ...] = ()
    order: tuple[str, ...] = ()
    before: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[Item, ...]:
        """The images in the person's order."""
        known = {item.image: item for item in self.came}
        return tuple(known[image] for image in self.order)

    @property
    def arrived(self) -> tuple[str, ...]:
        """The ids as they came."""
        return tuple(item.image for item in self.came)

    def added(self, items: Sequence[Item]) -> "PointList":
        """With new images at the end; those that are here already, and too many, are left out."""
        fresh = {item.image: item for item in items if item.image not in self.arrived}
        new = tuple(fresh.values())[: MOST_IMAGES - len(self.came)]
        return PointList((*self.came, *new), (*self.order, *(i.image for i in new)), self.order)

    def without(self, image: str) -> "PointList":
        """Without one image."""
        return PointList(
            tuple(item for item in self.came if item.image != image),
            tuple(other for other in self.order if other != image),
            tuple(other for other in self.before if other != image),
        )

    def moved(self, image: str, steps: int) -> "PointList":
        """With one image so many places later, or earlier where negative; at the ends it stays."""
        others = [other for other in self.order if other != image]
        place = max(0, min(len(others), self.order.index(image) + steps))
        return self.ordered((*others[:place], image, *others[place:]))

    def shuffled(self, seed: int) -> "PointList":
        """In an order that the seed names."""
        mixed = sorted(self.order)
        random.Random(seed).shuffle(mixed)
        return self.ordered(mixed)

    def ordered(self, order: Sequence[str]) -> "PointList":
        """In this order; the present one is kept as the one before, unless nothing moves."""
        same = tuple(order) == self.order
        return self if same else replace(self, order=tuple(order), before=self.order)


def points_text(count: int) -> str:
    """So many points, in words."""
    return f"{count} point" if count == 1 else f"{count} points"


def lineup_of(world: str) -> PointList:
    """The images of one world: those that one size of network can take."""
    found: PointList = session.remembered(f"lineup_{world}", PointList())
    return found


def keep_lineup(world: str, lineup: PointList) -> None:
    """Remember them."""
    session.remember(f"lineup_{world}", lineup)

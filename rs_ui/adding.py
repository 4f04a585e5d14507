"""Images on their way to the page of balls: through the worker, into the line."""

import base64
from io import BytesIO
from typing import Any

from PIL import Image

from rs_ui import caching, session
from rs_ui.jobs import WorkerError
from rs_ui.lineup import MOST_IMAGES, Item, keep_lineup, lineup_of
from rs_ui.session import Subject
from rs_ui.worlds import World


def item_of(subject: Subject) -> Item:
    """What the sidebar shows, as an image of the line."""
    return Item(subject.image, subject.name, subject.label, _address(subject.original))


def add_pictures(world: World, pictures: list[tuple[str, bytes]]) -> None:
    """Each picture through the worker; those that it refuses are named."""
    items, refused = [], []
    for name, data in pictures[:MOST_IMAGES]:
        try:
            reply = _ask(
                "decode", model=world.model, name=name, data=base64.b64encode(data).decode()
            )
        except WorkerError as error:
            refused.append(str(error))
            continue
        picture = _address(base64.b64decode(reply["original"]))
        items.append(Item(reply["image"], reply["name"], reply["label"], picture))
    add(world, items)
    if refused:
        session.remember("gather_error", " ".join(refused[:3]))


def add_batch(world: World, name: str, count: int) -> None:
    """Add so many images of a data set, evenly spread; a refusal is put aside."""
    try:
        reply = _ask("images_of_set", model=world.model, set=name, count=count)
    except WorkerError as error:
        session.remember("gather_error", str(error))
        return
    add(
        world,
        [Item(i["image"], i["name"], i["label"], i["thumbnail"]) for i in reply["images"]],
    )


def add(world: World, items: list[Item]) -> None:
    """Add images at the end; what was left out is put aside as a sentence."""
    lineup = lineup_of(world.key)
    grown = lineup.added(items)
    keep_lineup(world.key, grown)
    left = len(items) - (len(grown.came) - len(lineup.came))
    full = len(grown.came) >= MOST_IMAGES
    session.remember(
        "gather_error",
        f"{left} of {len(items)} {'was' if left == 1 else 'were'} not added: "
        + (
            f"the limit is {MOST_IMAGES} points."
            if full
            else f"{'it is' if left == 1 else 'they are'} here already."
        )
        if left
        else None,
    )


def _ask(verb: str, **fields: Any) -> dict[str, Any]:
    return caching.worker().call(verb, owner=session.owner(), **fields)


def _address(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def point_png(x: float, y: float) -> bytes:
    """A point of the plane as a picture of two grey pixels."""
    stored = BytesIO()
    Image.frombytes("L", (2, 1), bytes([round(255 * x), round(255 * y)])).save(stored, "PNG")
    return stored.getvalue()

"""Adding images to the page of balls: the sidebar's, a batch of a set, files, a point by hand."""

import base64
from io import BytesIO
from typing import Any

import streamlit as st
from PIL import Image

from rs_ui.client.worker import WorkerError
from rs_ui.memory.points import MOST_IMAGES, Item, keep_lineup, lineup_of
from rs_ui.memory.world import Space
from rs_ui.panels import error_box, plain
from rs_ui.runs import cache, session
from rs_ui.runs.session import Subject

_USUAL = 12
_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]


def gather(world: Space, subject: Subject | None) -> None:
    """The controls that add images; a refusal stands below them."""
    _grant(world)
    with st.container(border=True):
        if world.plane:
            _point()
        elif subject is not None:
            st.button(
                f"Add this image: {plain(subject.name)}",
                key="add_this",
                icon=":material/add_photo_alternate:",
                on_click=add,
                args=(world, [item_of(subject)]),
            )
        _batch(world)
        if not world.plane:
            _files()
        sentence = session.remembered("gather_error")
        if sentence:
            error_box(sentence)


def _batch(world: Space) -> None:
    sets = [s for s in cache.description()["sets"] if tuple(s["input_shape"]) == world.shape]
    if not sets:
        st.caption(
            "No data set of this network's input size is here: let RS_DATA name a folder that "
            "holds MNIST or CIFAR-10, or bring files of your own."
        )
        return
    titles = {s["name"]: s["title"] for s in sets}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Data set", list(titles), format_func=lambda k: titles.get(k, k), key="ball_set",
            width=260,
        )  # fmt: skip
        st.number_input(
            "How many, evenly spread", 1, MOST_IMAGES, _USUAL, key="ball_count", width=200
        )
        st.button(
            "Add a batch",
            key="add_batch",
            icon=":material/library_add:",
            on_click=_wish_batch,
        )


def _files() -> None:
    files = st.file_uploader(
        "Or files of your own",
        type=_TYPES,
        accept_multiple_files=True,
        max_upload_size=10,
        key=session.fresh_key("ball_files"),
    )
    if files:
        st.button(
            "Add these files",
            key="add_files",
            icon=":material/upload_file:",
            on_click=_wish,
            args=("files", [(file.name, file.getvalue()) for file in files]),
        )


def _point() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for axis in "xy":
            st.number_input(axis, 0.0, 1.0, 0.5, 0.05, key=f"ball_{axis}", width=140)
        st.button(
            "Add this point",
            key="add_point",
            icon=":material/add_location:",
            on_click=_wish_point,
        )
    st.caption("A point is an image of two pixels, so it is rounded to a level of 1/255.")


# A number typed just before a click arrives together with it: read it where the click is handled.
# A callback that asks the worker is cut off by the next click; so it only leaves a wish.
def _wish_point() -> None:
    x, y = float(st.session_state["ball_x"]), float(st.session_state["ball_y"])
    _wish("point", x, y)


def _wish_batch() -> None:
    _wish("batch", st.session_state["ball_set"], int(st.session_state["ball_count"]))


def _wish(*wish: Any) -> None:
    session.remember("ball_wishes", [*session.remembered("ball_wishes", []), wish])


def _grant(world: Space) -> None:
    """Do what was asked for since the last run, one after another."""
    while wishes := session.remembered("ball_wishes", []):
        match wishes[0]:
            case ("batch", name, count):
                add_batch(world, name, count)
            case ("point", x, y):
                add_pictures(world, [(f"point ({x:g}, {y:g})", point_png(x, y))])
            case ("files", files):
                add_pictures(world, files)
        session.remember("ball_wishes", session.remembered("ball_wishes")[1:])


def item_of(subject: Subject) -> Item:
    """What the sidebar shows, as an image of the line."""
    return Item(subject.image, subject.name, subject.label, _address(subject.original))


def add_pictures(world: Space, pictures: list[tuple[str, bytes]]) -> None:
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


def add_batch(world: Space, name: str, count: int) -> None:
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


def add(world: Space, items: list[Item]) -> None:
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
    return cache.worker().call(verb, owner=session.owner(), **fields)


def _address(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def point_png(x: float, y: float) -> bytes:
    """A point of the plane as a picture of two grey pixels."""
    stored = BytesIO()
    Image.frombytes("L", (2, 1), bytes([round(255 * x), round(255 * y)])).save(stored, "PNG")
    return stored.getvalue()

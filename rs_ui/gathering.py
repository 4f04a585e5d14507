"""Adding images to the page of balls: the sidebar's, a batch of a set, files, a point by hand."""

from typing import Any

import streamlit as st

from rs_ui import caching, session
from rs_ui.adding import add, add_batch, add_pictures, item_of, point_png
from rs_ui.lineup import MOST_IMAGES
from rs_ui.panels import error_box, plain
from rs_ui.session import Subject
from rs_ui.worlds import World

_USUAL = 12
_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]


def gather(world: World, subject: Subject | None) -> None:
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


def _batch(world: World) -> None:
    sets = [s for s in caching.description()["sets"] if tuple(s["input_shape"]) == world.shape]
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


def _grant(world: World) -> None:
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

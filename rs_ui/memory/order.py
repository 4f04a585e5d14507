"""The order of the points: a list, and buttons that change it."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from rs_core.plots.memory.text import label_text
from rs_core.plots.text import radius_text, tidy
from rs_core.results.arrangement import Points, by_degree
from rs_ui.memory.certify import Mapped, arranged
from rs_ui.memory.points import PointList, keep_lineup, lineup_of
from rs_ui.memory.world import Space, forget

_LARGEST_SEED = 2**31 - 1


def line_up(world: Space, mapped: Mapped | None) -> None:
    """The list in its order, and what changes it."""
    lineup = lineup_of(world.key)
    st.subheader("The order in which they come")
    _list(world, lineup, mapped)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = _names(lineup)
        image = st.selectbox(
            "Point to move", list(names), format_func=lambda k: names.get(k, ""),
            key=f"ball_point_{world.key}", width=240,
        )  # fmt: skip
        if image is not None:
            far = len(lineup.order)
            _button("First", "first", ":material/vertical_align_top:", world, "moved", image, -far)
            _button("Up", "up", ":material/arrow_upward:", world, "moved", image, -1)
            _button("Down", "down", ":material/arrow_downward:", world, "moved", image, 1)
            _button("Remove", "remove", ":material/delete:", world, "without", image)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _button("As they came", "came", ":material/history:", world, "ordered", lineup.arrived)
        _degree_buttons(world, lineup, mapped)
        st.number_input("Seed", 0, _LARGEST_SEED, 0, key="shuffle_seed", width=120)
        st.button(
            "Shuffle", key="ball_shuffle", icon=":material/shuffle:", on_click=_shuffle,
            args=(world.key,),
        )  # fmt: skip
        st.button(
            "Remove all", key="ball_clear", icon=":material/delete_sweep:", on_click=_keep,
            args=(world.key, PointList()),
        )  # fmt: skip


def _names(lineup: PointList) -> dict[str, str]:
    """A text for each image that no other has and that stays when it moves.

    Streamlit tells options apart by their text alone: a place in it would pick another image.
    """
    counts = Counter(tidy(item.name) for item in lineup.came)
    return {
        item.image: tidy(item.name)
        + ("" if counts[tidy(item.name)] == 1 else f" ({item.image[:6]})")
        for item in lineup.items
    }


def _degree_buttons(world: Space, lineup: PointList, mapped: Mapped | None) -> None:
    if mapped is None:
        return
    present = mapped.order(lineup.arrived)
    found = arranged(mapped, "online", present)
    for label, key, descending in (
        ("Fewest met first", "few", False),
        ("Most met first", "many", True),
    ):
        ids = [mapped.images[k] for k in by_degree(found, descending=descending)]
        rest = [image for image in lineup.arrived if image not in ids]
        icon = ":material/trending_down:" if descending else ":material/trending_up:"
        _button(label, key, icon, world, "ordered", (*ids, *rest))


def _button(label: str, key: str, icon: str, world: Space, change: str, *args: Any) -> None:
    st.button(label, key=f"ball_{key}", icon=icon, on_click=_change, args=(world.key, change, args))


def _shuffle(key: str) -> None:
    keep_lineup(key, lineup_of(key).shuffled(int(st.session_state["shuffle_seed"])))


def _change(key: str, change: str, args: Sequence[Any]) -> None:
    act: Callable[..., PointList] = getattr(lineup_of(key), change)
    _keep(key, act(*args))


def _keep(key: str, lineup: PointList) -> None:
    """An empty line forgets its run too: the run would bring every point back."""
    keep_lineup(key, lineup)
    if not lineup.came:
        forget(key)


def _list(world: Space, lineup: PointList, mapped: Mapped | None) -> None:
    names, points = world.spec.class_names, mapped.points if mapped else None
    places = {image: k for k, image in enumerate(mapped.images)} if mapped else {}
    rows: dict[str, list[Any]] = {"place": [], "picture": [], "name": [], "true class": []}
    rows |= {"σ": [], "its own votes certify (badge C)": []}
    for place, item in enumerate(lineup.items, start=1):
        sigma, said = _own(points, places.get(item.image), names)
        true = "not given" if item.label is None else label_text(item.label, names)
        row = (place, item.picture or None, tidy(item.name), true, sigma, said)
        for column, value in zip(rows.values(), row, strict=True):
            column.append(value)
    if world.plane:
        del rows["picture"]
    st.dataframe(
        rows,
        hide_index=True,
        height=min(36 * (len(lineup.order) + 1) + 4, 400),
        row_height=36,
        column_config={"picture": st.column_config.ImageColumn("picture", width="small")},
        key="ball_list",
    )


def _own(points: Points | None, k: int | None, names: tuple[str, ...]) -> tuple[str, str]:
    if points is None or k is None:
        return "", "not certified yet"
    found = points.certificates[k]
    said = label_text(found.predicted, names)
    if found.predicted is not None:
        said += f", radius {radius_text(found.radius)}"
    return f"{points.selections[k].sigma:.3g}", said

"""Certifying the points: the run that does it, and what became of it."""

from typing import Any

import streamlit as st

from rs_core.statistics import ceil_digits
from rs_ui import caching, changed, refusals, running, session
from rs_ui.answers import started
from rs_ui.arranged import Mapped, mapped_of
from rs_ui.jobs import WorkerError
from rs_ui.lineup import Item, Lineup, keep_lineup, lineup_of, points_text
from rs_ui.models import spec_of
from rs_ui.panels import error_box, plain
from rs_ui.status import Status
from rs_ui.worlds import World, key_of, page_of

_PICTURES = 60


def certify(world: World, config: dict[str, Any] | None) -> None:
    """The button that certifies all points by themselves, and why it was refused."""
    lineup = lineup_of(world.key)
    st.button(
        f"Certify {points_text(len(lineup.came))}",
        key="start_points",
        type="primary",
        icon=":material/play_arrow:",
        disabled=config is None or not lineup.came,
        on_click=session.remember,
        args=("points_pressed", True),
    )
    with session.pressed("points_pressed") as pressed:
        if pressed and config is not None and lineup.came:
            job = begin("points", world, lineup.arrived, config)
            if job is not None:
                session.keep_run(page_of(world.key), job)
    refusals.show("points", world, lineup.arrived, config)


def begin(kind: str, world: World, images: tuple[str, ...], config: dict[str, Any]) -> str | None:
    """The run about several images; None with the reason put aside."""
    return started(kind, kind, world, images, {**config, "alpha": world.alpha})


def found(world: World, config: dict[str, Any] | None) -> Mapped | None:
    """The finished points of this world's run; draws it while it is live, or why it failed.

    Args:
        world: what the controls show.
        config: the settings that they hold; a note says where the run had others.
    """
    job = session.run_id(page_of(world.key))
    if job is None:
        return None
    try:
        status = running.watch(job, _live, kind="points")
    except WorkerError as error:
        session.keep_run(page_of(world.key), None)
        error_box(str(error))
        return None
    if key_of(spec_of(status.about["model"])) != world.key:
        st.query_params.pop("run", None)  # a run of the world that was left
        return None if session.run_id(page_of(world.key)) in (None, job) else found(world, config)
    session.keep_run(page_of(world.key), job)
    if status.state != "finished":
        return None
    mapped = mapped_of(job, status.about, status.result)
    if not lineup_of(world.key).came:
        keep_lineup(world.key, _again(mapped))
        st.rerun()  # the button above counts them
    _belongs(world, status, config)
    return mapped


def kept_order(count: int) -> list[int]:
    """The order in the address, if it is one of so many points; else as they came."""
    words = str(st.query_params.get("order", "")).split("-")
    order = [int(word) for word in words if word.isdecimal() and len(word) < 4]
    return order if sorted(order) == list(range(count)) else list(range(count))


def keep_order(order: tuple[int, ...]) -> None:
    """Let the address hold an order, so that a reload finds it; none as they came."""
    if order == tuple(sorted(order)):
        st.query_params.pop("order", None)
    else:
        st.query_params["order"] = "-".join(map(str, order))


def _live(status: Status) -> None:
    if status.state == "cancelled":
        st.info("Cancelled: no point was certified.")
    elif status.error:
        error_box(status.error)
    elif status.step:
        st.caption(plain(str(status.step["phase"]).capitalize()))


def _again(mapped: Mapped) -> Lineup:
    """The images of a run that the address names, after a reload."""
    items = []
    for k, image in enumerate(mapped.images):
        picture = ""
        if k < _PICTURES and not mapped.points.true_plane:
            try:
                kept = caching.worker().call("image", owner=session.owner(), image=image)
                picture = "data:image/png;base64," + kept["original"]
            except WorkerError:  # the points stand without their pictures
                picture = ""
        items.append(Item(image, mapped.points.names[k], mapped.points.labels[k], picture))
    lineup = Lineup().added(items)
    return lineup.ordered([mapped.images[k] for k in kept_order(len(items))])


def _belongs(world: World, status: Status, config: dict[str, Any] | None) -> None:
    """What the shown points were certified with, where the controls now say something else."""
    asked = status.about
    same = (asked["seed"], asked["config"]["alpha"]) == (world.seed, world.alpha)
    if not same or not asked["model"].startswith(world.model):
        st.warning(
            f"These points were certified with {plain(asked['model'])}, seed {asked['seed']}, "
            f"alpha {ceil_digits(asked['config']['alpha'], 6)}. Certify again for "
            "what the sidebar shows now."
        )
    if config is not None and changed.differs(config, asked["config"]):
        st.info("The settings above have changed since: press Certify for balls of theirs.")
    if status.questions > 1 or status.at_least:
        st.caption(
            f":material/casino: {status.count_text} statements were asked of one of these points. "
            "Each holds by itself; the best of several, picked afterwards, risks more."
        )

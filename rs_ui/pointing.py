"""Certifying the points: the run that does it, and what became of it."""

from typing import Any

import streamlit as st

from rs_ui import caching, running, session
from rs_ui.arranged import Mapped, mapped_of
from rs_ui.jobs import WorkerError
from rs_ui.lineup import Item, Lineup, keep_lineup, lineup_of
from rs_ui.panels import error_box, plain
from rs_ui.status import Status
from rs_ui.worlds import World

_PICTURES = 60


def certify(world: World, config: dict[str, Any] | None) -> None:
    """The button that certifies all points by themselves, and why it was refused."""
    lineup = lineup_of(world.key)
    st.button(
        f"Certify {len(lineup.came)} points",
        key="start_points",
        type="primary",
        icon=":material/play_arrow:",
        disabled=config is None or not lineup.came,
        on_click=session.remember,
        args=("points_pressed", True),
    )
    if session.remembered("points_pressed"):
        session.remember("points_pressed", False)
        if config is not None and lineup.came:
            job = begin("points", world, lineup.arrived, config)
            if job is not None:
                session.keep_run(page_of(world), job)
    running.complaint("points")


def begin(kind: str, world: World, images: tuple[str, ...], config: dict[str, Any]) -> str | None:
    """The run about several images; None with the reason put aside."""
    try:
        reply = caching.worker().call(
            "start", owner=session.owner(), kind=kind, images=list(images), model=world.model,
            config={**config, "alpha": world.alpha}, seed=world.seed, device=world.device,
            precision="auto",
        )  # fmt: skip
    except WorkerError as error:
        session.remember(f"{kind}_error", str(error))
        return None
    session.remember(f"{kind}_error", None)
    return str(reply["job"])


def page_of(world: World) -> str:
    """Under which name a world's run is remembered."""
    return f"memory_{world.key}"


def found(world: World) -> Mapped | None:
    """The finished points of this world's run; draws it while it is live, or why it failed."""
    job = session.run_id(page_of(world))
    if job is None:
        return None
    try:
        status = running.watch(job, _live, kind="points")
    except WorkerError as error:
        session.keep_run(page_of(world), None)
        error_box(str(error))
        return None
    session.keep_run(page_of(world), job)
    if status.state != "finished":
        return None
    mapped = mapped_of(job, status.about, status.result)
    if not lineup_of(world.key).came:
        keep_lineup(world.key, _again(mapped))
    _belongs(world, status)
    return mapped


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
    return Lineup().added(items)


def _belongs(world: World, status: Status) -> None:
    """What the shown points were certified with, where the controls now say something else."""
    asked = status.about
    same = (asked["seed"], asked["config"]["alpha"]) == (world.seed, world.alpha)
    if not same or not asked["model"].startswith(world.model):
        st.warning(
            f"These points were certified with {plain(asked['model'])}, seed {asked['seed']}, "
            f"alpha {asked['config']['alpha']:g}. Certify again for what the sidebar shows now."
        )
    if status.questions > 1:
        st.caption(
            f":material/casino: {status.questions} statements were asked of one of these points. "
            "Each holds by itself; the best of several, picked afterwards, risks more."
        )

"""Certifying the points: the run that does it, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from rs_core.results import from_json
from rs_core.results.arrangement import Arrangement, Points
from rs_core.statistics import ceil_digits
from rs_ui.client.worker import WorkerError
from rs_ui.inputs.fields import form
from rs_ui.inputs.models import spec_of
from rs_ui.memory.points import Item, PointList, keep_lineup, lineup_of, points_text
from rs_ui.memory.world import Space, key_of, page_of
from rs_ui.panels import error_box, plain
from rs_ui.runs import cache, changed, run, session
from rs_ui.runs.page import start_button
from rs_ui.runs.price import price_of
from rs_ui.runs.run import started
from rs_ui.runs.status import Status, cost_text


@dataclass(frozen=True, eq=False)
class Mapped:
    """A finished run of kind "points".

    Fields:
        job: the run.
        images: the worker's ids of its points, by index.
        points: its result.
        about: what was asked.
    """

    job: str
    images: tuple[str, ...]
    points: Points
    about: dict[str, Any]

    def order(self, ids: Sequence[str]) -> tuple[int, ...]:
        """The points with these ids, in this order; ids that were not certified are left out."""
        places = {image: k for k, image in enumerate(self.images)}
        return tuple(places[image] for image in ids if image in places)


def mapped_of(job: str, about: dict[str, Any], result: Any) -> Mapped:
    """The run of a finished status."""

    def read() -> Mapped:
        return Mapped(job, tuple(about["image_ids"]), from_json(Points, result), about)

    found: Mapped = cache.drawn(session.owner(), job, "points", read)
    return found


def arranged(mapped: Mapped, rule: str, order: Sequence[int]) -> Arrangement:
    """The arrangement of points in an order.

    Raises:
        WorkerError: the run is gone, or the worker cannot be reached.
    """
    owner = session.owner()

    def ask() -> Arrangement:
        reply = cache.worker().call(
            "arrange", owner=owner, job=mapped.job, rule=rule, order=list(order)
        )
        return from_json(Arrangement, reply["arrangement"])

    found: Arrangement = cache.drawn(owner, mapped.job, f"{rule} {list(order)}", ask)
    return found


_PICTURES = 60


def certify(world: Space, config: dict[str, Any] | None) -> None:
    """The button that certifies all points by themselves, and why it was refused."""
    lineup = lineup_of(world.key)
    count = len(lineup.came)
    asked = None if config is None or not count else {**config, "alpha": world.alpha}
    price = price_of("points", "points", world.model, asked, count)
    cost = f"at most {cost_text(world, price.passes)}" if price.passes else ""
    enabled = asked is not None and not price.refusal
    with start_button("points", f"Certify {points_text(count)}", cost, enabled=enabled) as pressed:
        if pressed and config is not None:
            job = begin("points", world, lineup.arrived, config)
            if job is not None:
                session.keep_run(page_of(world.key), job)
    if price.refusal:
        error_box(price.refusal)
    run.show_refusal("points", world, lineup.arrived, config)


def begin(kind: str, world: Space, images: tuple[str, ...], config: dict[str, Any]) -> str | None:
    """The run about several images; None with the reason put aside."""
    return started(kind, kind, world, images, {**config, "alpha": world.alpha})


def found(world: Space, config: dict[str, Any] | None) -> Mapped | None:
    """The finished points of this world's run; draws it while it is live, or why it failed.

    Args:
        world: what the controls show.
        config: the settings that they hold; a note says where the run had others.
    """
    job = session.run_id(page_of(world.key))
    if job is None:
        return None
    try:
        status = run.watch(job, live, kind="points")
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


def live(status: Status, lost: str = "no point was certified") -> None:
    """What a run is doing, or why it came to nothing."""
    if status.state == "cancelled":
        st.info(f"Cancelled: {lost}.")
    elif status.error:
        error_box(status.error)
    elif status.step:
        st.caption(plain(str(status.step["phase"]).capitalize()))


def _again(mapped: Mapped) -> PointList:
    """The images of a run that the address names, after a reload."""
    items = []
    for k, image in enumerate(mapped.images):
        picture = ""
        if k < _PICTURES and not mapped.points.true_plane:
            try:
                kept = cache.worker().call("image", owner=session.owner(), image=image)
                picture = "data:image/png;base64," + kept["original"]
            except WorkerError:  # the points stand without their pictures
                picture = ""
        items.append(Item(image, mapped.points.names[k], mapped.points.labels[k], picture))
    lineup = PointList().added(items)
    return lineup.ordered([mapped.images[k] for k in kept_order(len(items))])


def _belongs(world: Space, status: Status, config: dict[str, Any] | None) -> None:
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


_FIRST = {"images": "multistart", "plane": "grid"}
# The plane is one wide: noise that suits pictures would cover all of it.
_IN_THE_PLANE: dict[str, dict[str, Any]] = {
    "grid": {"sigma_min": 0.02, "sigma_max": 0.3, "interval": 0.04, "n": 500},
    "greedy_grid": {"sigma_min": 0.02, "sigma_max": 0.3, "interval": 0.04},
    "fixed": {"sigma": 0.05},
    "gradient": {"start": 0.05, "sigma_min": 0.01, "sigma_max": 0.3},
}
_COPIES = 2000
_HIDDEN = ("label_aware", "alpha")


def settings(world: Space) -> dict[str, Any] | None:
    """What the controls ask for, without alpha; None while one makes no sense."""
    offer = cache.description()
    place = "plane" if world.plane else "images"
    names = [n for n in offer["selectors"] if not world.plane or n in _IN_THE_PLANE]
    name = st.selectbox(
        "Who picks σ for each point",
        names,
        names.index(_FIRST[place]) if _FIRST[place] in names else 0,
        key=f"{place}_selector",
        bind="query-params",
        persist_state="session",
    )
    changed = _IN_THE_PLANE[name] if world.plane else {}
    fields = [f | {"default": changed.get(f["name"], f["default"])} for f in _shown(offer, name)]
    own = form(fields, prefix=f"{place}_{name}", first=(), given=_HIDDEN)
    copies = [f | {"default": _COPIES} for f in offer["forms"]["certify"] if f["name"] == "n"]
    drawn = form(copies, prefix=f"{place}_balls", first=("n",), given=())
    if own is None or drawn is None:
        return None
    return {"selector": name, "settings": own, **drawn}


def _shown(offer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = offer["selectors"][name]
    return found

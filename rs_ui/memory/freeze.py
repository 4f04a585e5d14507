"""Freezing an allocation of regions: a run of its own, its certificates, and the file of it."""

import json
from dataclasses import replace
from functools import partial

import streamlit as st

from rs_core.plots import BADGES
from rs_core.plots.style import BadgeStyle
from rs_core.plots.tables import certificate_table
from rs_core.results import from_json
from rs_core.results.arrangement import FrozenRegions
from rs_ui.client.worker import WorkerError
from rs_ui.inputs.models import spec_of
from rs_ui.memory.certify import Mapped, begin, live
from rs_ui.memory.world import Space, key_of
from rs_ui.panels import badge_html, error_box, plain
from rs_ui.runs import run, session
from rs_ui.runs.downloads import file_buttons

_MODES = {
    "online": "one after another, in your order",
    "strict": "linear programme, disjoint",
    "label_aware": "linear programme, one class may overlap",
}


def freeze(world: Space, mapped: Mapped, shown: tuple[int, ...]) -> None:
    """The section: what freezing is, the button, and the frozen regions.

    Args:
        world: what the controls show.
        mapped: the points; they are frozen with the settings of their run.
        shown: those of them that are frozen, in their order.
    """
    images, page = tuple(mapped.images[k] for k in shown), f"frozen_{world.key}"
    st.subheader("Freeze the regions")
    st.write(
        "All of the above is a preview: what a memory or an allocation would hold for these "
        "certificates. Freezing certifies the points again on fresh draws, in your order, and "
        "seals the regions in a file. From then on each statement holds for later queries."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        mode = st.selectbox(
            "Regions", list(_MODES), format_func=lambda key: _MODES[key], key="freeze_mode",
            width=340,
        )  # fmt: skip
        st.button(
            "Freeze", key="start_regions", icon=":material/ac_unit:", on_click=session.remember,
            args=("regions_pressed", True),
        )  # fmt: skip
    with session.pressed("regions_pressed") as pressed:
        if pressed:
            config = {**mapped.about["config"], "mode": mode}
            job = begin("regions", _as_asked(world, mapped), images, config)
            if job is not None:
                session.keep_run(page, job, "frozen")
    run.show_refusal("regions", images, mode, mapped.job)
    job = session.run_id(page, "frozen")
    if job is not None:
        _watch(world, job, images)
    st.caption(
        "A memory that lasts is the command line's: `rs select --guarantee memory --path FILE` "
        "stores every answer before it is shown."
    )


def _as_asked(world: Space, mapped: Mapped) -> Space:
    """The network, seed and risk of the points."""
    asked = mapped.about
    return replace(
        world, model=asked["model"], seed=asked["seed"], device=asked["device"],
        alpha=asked["config"]["alpha"],
    )  # fmt: skip


def _watch(world: Space, job: str, images: tuple[str, ...]) -> None:
    try:
        status = run.watch(job, partial(live, lost="nothing was frozen"), kind="regions")
    except WorkerError as error:
        session.keep_run(f"frozen_{world.key}", None, "frozen")
        error_box(str(error))
        return
    if key_of(spec_of(status.about["model"])) != world.key:
        return
    session.keep_run(f"frozen_{world.key}", job, "frozen")
    if status.state == "finished":
        if tuple(status.about["image_ids"]) != images:
            st.info("The points or their order have changed since these regions were frozen.")
        _show(world, from_json(FrozenRegions, status.result))


def _show(world: Space, frozen: FrozenRegions) -> None:
    badge, seal = BADGES["B"], frozen.file["allocation"]["hash"]
    st.html(
        f'<div style="display:flex; gap:8px; align-items:center; font-weight:600">'
        f"{badge_html(badge)}{badge.text}: valid for queries after this allocation was frozen"
        f" (hash {seal})</div>"
    )
    held = sum(c.predicted is not None for c in frozen.certificates)
    st.write(
        f"{held} of {len(frozen.certificates)} points have a region or share one; the error of "
        f"each statement is {plain(frozen.budget)}."
    )
    for note in frozen.notes:
        st.caption(plain(note))
    found = certificate_table(
        "Regions", "point", frozen.names, frozen.certificates, world.spec.class_names
    )
    cells = [[_cell(row[k]) for row in found.rows] for k in range(len(found.header))]
    cells.append([c.statement for c in frozen.certificates])
    header = (*found.header, "statement")
    st.dataframe(dict(zip(header, cells, strict=True)), hide_index=True, key="frozen_table")
    name = f"rs-regions-{seal[:8]}"
    regions = ("Frozen regions, JSON", "json", lambda: json.dumps(frozen.file))
    file_buttons(name, "download_regions", regions)
    st.caption("Look at it again, or ask it, on the command line:")
    commands = f"rs regions check {name}.json --hash {seal}\nrs regions show {name}.json"
    st.code(commands, language="bash")


def _cell(cell: str | BadgeStyle) -> str:
    return cell.text if isinstance(cell, BadgeStyle) else cell

"""The images' own sigmas of a training: their histogram, and the outermost images."""

from typing import Any

import streamlit as st

from rs_core.plots.train.sigmas import epochs_with_sigmas, sigmas_figure
from rs_core.results.training import Course
from rs_ui.client.worker import WorkerError
from rs_ui.panels import chart, error_box
from rs_ui.runs import cache, session
from rs_ui.runs.run import call
from rs_ui.train.probes import picture_of

_MANY = 2  # epochs from which one may be chosen


def sigmas_panel(job: str, course: Course, dataset: str) -> None:
    """Which sigmas the images have; nothing where they have none of their own.

    Args:
        job: the run.
        course: what it has shown so far.
        dataset: name of the set that is learned from.
    """
    known = epochs_with_sigmas(course)
    if not known:
        return
    epoch = known[-1]
    if len(known) >= _MANY:
        epoch = st.select_slider(
            "After epoch", known, value=known[-1], key=f"sigmas_{job}_{len(known)}"
        )
    name = f"sigmas {epoch}"
    chart(cache.drawn(session.owner(), job, name, lambda: sigmas_figure(course, epoch)), "sigmas")
    spread = next(one.sigmas for one in course.epochs if one.epoch == epoch)
    if spread is None:
        return
    left, right = st.columns(2)
    for column, title, ends in (
        (left, "Smallest σ", spread.smallest), (right, "Largest σ", spread.largest),
    ):  # fmt: skip
        with column:
            st.markdown(f"**{title}**")
            _strip(dataset, tuple(index for index, _ in ends), [sigma for _, sigma in ends])


def _strip(dataset: str, indices: tuple[int, ...], sigmas: list[float]) -> None:
    """Training images, each with its sigma below it."""
    try:
        pictures = _pictures(dataset, indices)
    except WorkerError as error:
        error_box(str(error))
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        for index, picture, sigma in zip(indices, pictures, sigmas, strict=True):
            alt = f"training image {index}, class {picture['label']}"
            st.image(picture_of(picture["thumbnail"]), f"{sigma:.2f}", width=64, alt=alt)


def _pictures(dataset: str, indices: tuple[int, ...]) -> list[dict[str, Any]]:
    """As the worker shows training images; each asked for once."""
    known: dict[str, dict[str, Any]] = session.remembered(f"pictures_{dataset}") or {}
    missing = [index for index in indices if str(index) not in known]
    if missing:
        reply = call("training_images", set=dataset, indices=missing)
        known |= {str(one["index"]): one for one in reply["images"]}
        session.remember(f"pictures_{dataset}", known)
    return [known[str(index)] for index in indices]

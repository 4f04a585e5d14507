"""A finished strip of sandwiches on its page: what crosses, the bars, the level of both ends."""

import json
from typing import Any

import streamlit as st

from rs_core.evaluation.sandwich import SandwichStrip
from rs_core.plots import sandwich_figure
from rs_core.plots.sandwich_facts import INCONSISTENT, diagnosis, joint_text, summary_text
from rs_core.results import ModelSpec
from rs_core.statistics import ceil_digits
from rs_ui import caching, session
from rs_ui.curves import chart
from rs_ui.jobs import WorkerError
from rs_ui.panels import error_box, plain
from rs_ui.status import Status, duration


def overview(job: str, status: Status, strip: SandwichStrip, spec: ModelSpec) -> None:
    """The bars, sorted by their gap, and what may be claimed of them together."""
    about, count = status.about, len(strip.sandwiches)
    where = f" of {plain(strip.dataset)}" if strip.dataset else ""
    st.caption(
        f"{plain(spec.name)} · {count} image{'s' * (count > 1)}{where} · σ: "
        f"{plain(strip.sigma_from)} · seed {about['seed']} · {duration(status.seconds)}"
    )
    figure = caching.drawn(session.owner(), job, "sandwich", lambda: sandwich_figure(strip))
    chart(figure, f"sandwich_{job}")
    st.write(plain(summary_text(strip)))
    st.caption(plain(joint_text(strip)))
    if status.questions > 1:
        st.caption(
            f":material/casino: {status.questions} statements or more were made of one of these "
            "images (other runs among them). Each holds by itself; the best of them, picked "
            "afterwards, may be false with probability up to "
            f"{ceil_digits(min(status.risk, 1.0), 3)}."
        )


def crossings(status: Status, strip: SandwichStrip) -> None:
    """A red box where ends cross, with everything that a bug report needs; else nothing."""
    crossed = strip.crossings
    if not crossed:
        return
    names = ", ".join(one.name for one in crossed)
    error_box(f"{INCONSISTENT} The ends cross for {len(crossed)} of {_images(strip)}: {names}.")
    with st.expander("Diagnostics", expanded=True, icon=":material/bug_report:"):
        st.write(
            "By chance an end of an image is false with probability up to "
            f"{ceil_digits(strip.joint_alpha, 4)}. If σ, weights or image differ below, the ends "
            "concern two classifiers. Otherwise run it again with another seed: what crosses "
            "twice is a bug."
        )
        for one in crossed:
            for fact in diagnosis(one):
                st.write("- " + plain(fact))
        owner = session.owner()  # a download is built where there is no session
        st.download_button(
            "The whole run, for a bug report",
            data=lambda: bundle_text(status, owner),
            file_name="rs-sandwich-inconsistent.json",
            mime="application/json",
            key="download_sandwich_bundle",
            on_click="ignore",
            icon=":material/bug_report:",
        )
        st.caption("The run itself stays in the run store, under the id in the address.")


def _images(strip: SandwichStrip) -> str:
    count = len(strip.sandwiches)
    return f"{count} image{'s' * (count > 1)}"


def bundle_text(status: Status, owner: str) -> str:
    """What was asked, what came out and the images' pixels, as JSON: enough to repeat the run."""
    pictures = [_pixels(owner, image) for image in status.about["image_ids"]]
    told: dict[str, Any] = {
        "version": caching.description()["version"],
        "about": status.about,
        "images": pictures,
        "result": status.result,
    }
    return json.dumps(told, ensure_ascii=False)


def _pixels(owner: str, image: str) -> Any:
    """The pixels that the network saw; None where the image was deleted meanwhile."""
    try:
        return caching.worker().call("image", owner=owner, image=image)["pixels"]
    except WorkerError:
        return None

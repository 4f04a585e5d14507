"""A strip of sandwiches on its page: what crosses, the bars, the level of both ends."""

import json
from dataclasses import replace
from typing import Any

import streamlit as st

from rs_core.plots import live_sandwich_figure, sandwich_figure
from rs_core.plots.sandwich.facts import joint_text, short_names, summary_text
from rs_core.results import ModelSpec
from rs_core.results.crossings import crossing_report
from rs_core.results.sandwich import SandwichStrip
from rs_core.statistics import ceil_digits
from rs_ui.client.worker import WorkerError
from rs_ui.inputs.image_sets import count_text
from rs_ui.inputs.models import spec_of
from rs_ui.panels import chart, error_box, plain
from rs_ui.runs import cache, session
from rs_ui.runs.looks import as_seen
from rs_ui.runs.page import FinishedRun
from rs_ui.runs.status import Status, duration
from rs_ui.sandwich.files import download_sandwich
from rs_ui.sandwich.image import images

_ENDS = 2  # statements that a sandwich makes of its image


def live(status: Status) -> None:
    """Both ends so far."""
    step = status.step or {}
    count = count_text(len(status.about.get("image_ids", ())))
    words = [plain(str(step["phase"]))] if step.get("phase") else []
    st.caption(" · ".join([*words, count]))
    rows = step.get("sandwiches")
    if not rows:
        st.skeleton(height=240)
        return
    about = status.about
    begun = about["indices"][: len(rows)]
    names = short_names([row["name"] for row in rows], about["dataset"], begun)
    named = [{**row, "name": name} for row, name in zip(rows, names, strict=True)]
    chart(live_sandwich_figure(named, about["config"]["eps"]), "live_sandwich")
    st.caption(
        "So far: a lower end that still moves is valid by itself at every moment; a hollow upper "
        "end is the attack's own opinion and counts only once fresh noise has confirmed it."
    )


def finished(done: FinishedRun[SandwichStrip]) -> None:
    """What crosses, the bars, the files, every image."""
    about = done.status.about
    spec, strip = spec_of(about["model"]), strip_as_seen(done.result, done.status)
    crossings(done.status, strip)
    overview(done.job, done.status, strip, spec)
    download_sandwich(done.status, strip, spec)
    images(done.job, about["image_ids"], strip, spec)


def strip_as_seen(strip: SandwichStrip, status: Status) -> SandwichStrip:
    """The strip; where sigma may have been picked after looking at other radii, it says so."""
    seen = tuple(
        replace(one, certificate=as_seen(one.certificate, status)) for one in strip.sandwiches
    )
    if all(a.certificate is b.certificate for a, b in zip(seen, strip.sandwiches, strict=True)):
        return strip
    sigma = f"{seen[0].certificate.sigma:g}"
    words = f"{sigma}, after other radii of such an image were looked at"
    return replace(strip, sandwiches=seen, sigma_from=words)


def overview(job: str, status: Status, strip: SandwichStrip, spec: ModelSpec) -> None:
    """The bars, sorted by their gap, and what may be claimed of them together."""
    about = status.about
    where = f" of {plain(strip.dataset)}" if strip.dataset else ""
    st.caption(
        f"{plain(spec.name)} · {_images(strip)}{where} · σ: "
        f"{plain(strip.sigma_from)} · seed {about['seed']} · {duration(status.seconds)}"
    )
    names = short_names([s.name for s in strip.sandwiches], strip.dataset, strip.indices)
    figure = cache.drawn(session.owner(), job, "sandwich", lambda: sandwich_figure(strip, names))
    chart(figure, f"sandwich_{job}")
    if len(names) > 1:
        st.write(plain(summary_text(strip)))
    st.caption(plain(joint_text(strip)))
    if status.questions > _ENDS + about["config"]["pipeline"] or status.at_least:
        st.caption(
            f":material/casino: {status.count_text} statements were made of one of these images, "
            f"those of other runs among them. Each holds by itself; {status.best_text}."
        )


def crossings(status: Status, strip: SandwichStrip) -> None:
    """A red box where ends cross, with everything that a bug report needs; else nothing."""
    if not strip.crossings:
        return
    report = crossing_report(strip)
    names = ", ".join(one.name for one in strip.crossings)
    error_box(
        f"{report['verdict'].capitalize()}. The ends cross for {len(strip.crossings)} of "
        f"{_images(strip)}: {names}."
    )
    with st.expander("Diagnostics", expanded=True, icon=":material/bug_report:"):
        _diagnosis(report)
        owner = session.owner()  # a download is built where there is no session
        st.download_button(
            "The whole run, for a bug report",
            data=lambda: bundle_text(status, owner, report),
            file_name="rs-sandwich-inconsistent.json",
            mime="application/json",
            key="download_sandwich_bundle",
            on_click="ignore",
            icon=":material/bug_report:",
        )
        st.caption("The run itself stays in the run store, under the id in the address.")


def _diagnosis(report: dict[str, Any]) -> None:
    """How many crossings chance explains, and per image what the ends do not share."""
    st.write(
        f"Chance explains {ceil_digits(report['expected'], 3)} crossings among "
        f"{report['images']} images, at most and on average. Where the ends differ in what they "
        "concern, they are of two classifiers. Otherwise run it again with another seed: what "
        "crosses twice is a bug."
    )
    for one in report["crossings"]:
        certificate, attack = one["certificate"], one["attack"]
        differ = "; ".join(one["differences"]) or "no difference between what the ends concern"
        st.write(f"- {plain(one['sentence'])}. {plain(differ.capitalize())}.")
        st.caption(
            plain(
                f"σ {certificate['sigma']!r}, weights {certificate['weights_id']}, image "
                f"{certificate['image_digest']}, seeds {certificate['seed']} and {attack['seed']}, "
                f"{certificate['n_top']:,} of {certificate['n']:,} votes, alpha "
                f"{ceil_digits(certificate['alpha'], 6)}; {len(attack['confirmations'])} PREDICTs, "
                f"alpha {ceil_digits(attack['alpha'], 6)}."
            )
        )


def _images(strip: SandwichStrip) -> str:
    count = len(strip.sandwiches)
    return f"{count} image{'s' * (count > 1)}"


def bundle_text(status: Status, owner: str, report: dict[str, Any]) -> str:
    """What was asked, what came out and the images' pixels, as JSON: enough to repeat the run."""
    pictures = [_pixels(owner, image) for image in status.about["image_ids"]]
    told: dict[str, Any] = {
        "version": cache.description()["version"],
        "about": status.about,
        "report": report,
        "images": pictures,
        "result": status.result,
    }
    return json.dumps(told, ensure_ascii=False)


def _pixels(owner: str, image: str) -> Any:
    """The pixels that the network saw; None where the image was deleted meanwhile."""
    try:
        return cache.worker().call("image", owner=owner, image=image)["pixels"]
    except WorkerError:
        return None

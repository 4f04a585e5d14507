"""One image of a finished strip, looked at closely: both rows, their facts, their pictures."""

import html

import streamlit as st

from rs_core.plots import BADGES
from rs_core.plots.attack.pictures import magnified
from rs_core.plots.sandwich.bars import upper_text
from rs_core.plots.sandwich.facts import (
    attack_table,
    confirmation_table,
    ends_text,
    short_names,
    verdict_text,
)
from rs_core.plots.style import NOTHING, BadgeStyle, certificate_badge
from rs_core.plots.text import tidy
from rs_core.results import ModelSpec
from rs_core.results.attack import AttackResult
from rs_core.results.sandwich import Sandwich, SandwichStrip
from rs_core.statistics import ceil_digits
from rs_ui.inputs.picture import TAKE, Picture, offer_picture
from rs_ui.inputs.subject import pixels_of
from rs_ui.panels import badge_html, certificate_card, error_box, plain, shown, table_of
from rs_ui.runs.run import cached_call, call

_TIMES = 10


def images(job: str, ids: list[str], strip: SandwichStrip, spec: ModelSpec) -> None:
    """The image that the list names, the smallest gap first."""
    order = [strip.sandwiches.index(one) for one in strip.by_gap()]
    chosen = order[0]
    st.subheader("Image by image" if len(order) > 1 else "This image")
    if len(order) > 1:
        names = short_names([s.name for s in strip.sandwiches], strip.dataset, strip.indices)
        chosen = st.selectbox(
            "Look at one image, by ascending gap",
            order,
            key=f"sandwich_image_{job}",
            format_func=lambda i: f"{tidy(names[i])}: {ends_text(strip.sandwiches[i], strip.eps)}",
        )
    _one(ids[chosen], strip.sandwiches[chosen], strip, spec)


def _one(image: str, one: Sandwich, strip: SandwichStrip, spec: ModelSpec) -> None:
    classes = spec.class_names
    sigma, eps = f"{one.certificate.sigma:.6g}", strip.eps
    ends = f"{ends_text(one, eps)} · ℓ2, pixels of [0,1]"
    _heading(certificate_badge(one.certificate), f"Frozen at σ = {sigma}", ends)
    if not one.consistent:
        error_box("These ends contradict each other: quote neither of them.")
    left, right = st.columns(2)
    with left:
        certificate_card(one.certificate, one.label, classes)
    with right:
        _end(one.attack, verdict_text(one.attack, eps, misclassified=one.misclassified))
    for note in one.notes:
        st.caption(plain(note))
    _evidence(image, one.attack, classes, "frozen")
    if one.pipeline is not None:
        _heading(NOTHING, "The system that picks σ again", "nothing certified; an attack end only")
        _end(one.pipeline, verdict_text(one.pipeline, eps))
        st.caption(
            "Its confirmations have an α of their own, "
            f"{ceil_digits(strip.alpha_attack, 6)}, and the selector picked σ again for each "
            "image shown to it."
        )
        _evidence(image, one.pipeline, classes, "pipeline")
    offer_picture(Picture(one.name, sample=False, image=image, classes=classes))
    st.page_link(
        "pages/sweep.py",
        label="Open in Sigma sweep",
        icon=":material/show_chart:",
        query_params={TAKE: image},
    )


def _heading(badge: BadgeStyle, what: str, ends: str) -> None:
    st.html(
        '<div style="display:flex; gap:8px; align-items:center; margin-top:8px">'
        f"{badge_html(badge)}<div><b>{html.escape(what)}</b> · {html.escape(tidy(ends))}</div>"
        "</div>"
    )


def _end(attack: AttackResult | None, sentence: str) -> None:
    """The upper end: its badge, and the border full or, where it does not count, hollow."""
    badge = BADGES["D"]
    sure = attack is not None and attack.confirmed
    line = "solid" if sure or attack is None else "dashed"
    st.html(
        f'<div style="border:1px {line} rgba(128,128,128,.45); border-left:6px {line} '
        f'{badge.colour}; border-radius:8px; padding:12px 16px">'
        '<div style="display:flex; gap:8px; align-items:center; font-weight:600">'
        f"{badge_html(badge)}{badge.text}</div>"
        f'<div style="margin-top:4px">{html.escape(sentence)}</div></div>'
    )


def _evidence(image: str, attack: AttackResult | None, classes: tuple[str, ...], row: str) -> None:
    """Pictures of what was found, its numbers, and every PREDICT about it."""
    if attack is None:
        return
    if attack.success or attack.confirmed:
        _pictures(image, attack)
    with st.expander("The attack in numbers", icon=":material/table:"):
        table_of(attack_table(attack, classes, f"The attack, {row}"))
        if attack.confirmations:
            table_of(confirmation_table(attack, classes, f"PREDICTs on fresh noise, {row}"))
            st.caption(
                "PREDICT drew noise that the attack never saw. Each stands at α over the declared "
                "number of PREDICTs, asked or not."
            )
        for note in attack.notes:
            st.caption(plain(note))


def _pictures(image: str, attack: AttackResult) -> None:
    """The image, what was added to it, and what came out."""
    reply = cached_call("sandwich_pixels", (image,), lambda: call("image", image=image))
    if isinstance(reply, str):
        error_box(reply)
        return
    pixels = pixels_of(reply["pixels"])
    name, far = tidy(reply["name"]), upper_text(attack.l2)
    state = "adversarial" if attack.confirmed else "unconfirmed"
    found = (
        (pixels, "image", f"{name}, as the network sees it"),
        (
            magnified(attack.adversarial, pixels, _TIMES),
            f"change × {_TIMES}",
            f"what was added to {name}",
        ),
        (attack.adversarial, f"{state}, ℓ2 {far}", f"{name}, changed by {far}, {state}"),
    )
    with st.container(horizontal=True, gap="small"):
        for picture, caption, words in found:
            st.image(shown(picture), caption=caption, width=150, alt=words)

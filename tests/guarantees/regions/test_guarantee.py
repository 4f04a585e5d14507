"""Regions on a line through 64-dimensional space, where class 1 lies at t > 0."""

import json
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, drain
from rs_core.guarantees.regions.allocation import Allocation
from rs_core.guarantees.regions.guarantee import Regions, RegionsStep
from rs_core.images import ImageInput, image_from_array
from rs_core.results import Certificate, Selection, from_json, to_json
from rs_core.statistics import l2_radius, lower_confidence_bound
from tests.conftest import Coin, Linear, spec_of

SPEC = spec_of((1, 8, 8), 2)
HALF_SPACE = Classifier(Linear(torch.full((64,), 1 / 8), -4.0), SPEC)
N = 2000


def at(t: float) -> ImageInput:
    """The image at distance |t| from the boundary, l2 distance |t - s| from `at(s)`."""
    return image_from_array(np.full((8, 8, 1), 0.5 + t / 8, np.float32), SPEC, name=f"t={t:g}")


def run(
    regions: Regions,
    ts: Sequence[float],
    sigmas: Sequence[float],
    classifier: Classifier = HALF_SPACE,
) -> tuple[tuple[Certificate, ...], RegionsStep, list[Step]]:
    selections = [Selection("grid", sigma, (), 0) for sigma in sigmas]
    *steps, last = regions.run(classifier, [at(t) for t in ts], selections, seed=3)
    assert isinstance(last, Finished)
    assert isinstance(steps[-1], RegionsStep)
    return last.result, steps[-1], steps


def monte_carlo(certificate: Certificate, alpha: float) -> float:
    return l2_radius(
        certificate.sigma, lower_confidence_bound(certificate.n_top, certificate.n, alpha)
    )


def test_online_an_image_in_a_region_shares_its_sigma() -> None:
    (host, guest), frozen, steps = run(Regions(n=N), [0.6, 0.8], [0.3, 0.5])
    assert (host.sigma, guest.sigma) == (0.3, 0.3)
    assert [c.stream.split()[0::2] for c in (host, guest)] == [["regions", "0"], ["regions", "1"]]
    assert host.radius == pytest.approx(monte_carlo(host, 1e-3))
    assert guest.radius == pytest.approx(host.radius - 0.2, abs=1e-6)
    assert guest.radius < monte_carlo(guest, 1e-3)
    assert (host.draws, guest.draws) == (N + 100, 2 * (N + 100))
    assert "σ is that of the region of t=0.6" in guest.statement
    assert "region of" not in host.statement
    dones = [step.done for step in steps]
    assert all(a <= b for a, b in pairwise(dones))
    assert dones[-1] == steps[-1].total == 3 * (N + 100)
    allocation = frozen.allocation
    assert allocation.owners.tolist() == [0, 0]
    assert allocation.sigmas.tolist() == [0.3, 0.3]
    for certificate in (host, guest):
        sentence = f"valid for queries after this allocation was frozen (hash {allocation.hash})"
        assert sentence in certificate.statement
        assert certificate.guarantee == "B"
    allocation.check()
    assert allocation.answer(at(0.9).pixels)[:2] == (0, 1)
    assert allocation.answer(at(-2).pixels) == (None, None, 0.0)


def test_strict_regions_share_the_distance_and_keep_their_sigmas() -> None:
    settings = {"n": N, "mode": "strict", "optimum": "published"}
    found, frozen, _ = run(Regions(**settings), [0.6, 0.8, 2.5], [0.3, 0.5, 0.4])
    assert [c.sigma for c in found] == [0.3, 0.5, 0.4]
    first, second, third = (c.radius for c in found)
    gap = float(np.linalg.norm(at(0.6).pixels.astype(np.float64) - at(0.8).pixels))
    assert first + second == pytest.approx(gap)
    assert first + second <= gap
    assert third == pytest.approx(monte_carlo(found[2], 1e-3))
    squeezed = found[int(np.argmin([first, second]))]
    assert squeezed.predicted is None
    assert "the other images' regions leave it no room" in squeezed.statement
    assert frozen.allocation.owners.tolist() == [0, 1, 2]
    frozen.allocation.check()
    fair, _, _ = run(Regions(n=N, mode="strict"), [0.6, 0.8, 2.5], [0.3, 0.5, 0.4])
    assert [c.radius for c in fair[:2]] == pytest.approx([gap / 2] * 2)


def test_label_aware_regions_overlap_in_one_label_and_pay_together() -> None:
    regions = Regions(n=N, mode="label_aware")
    found, frozen, _ = run(regions, [0.6, 0.8, -0.4], [0.3, 0.3, 0.3])
    for certificate in found:
        assert certificate.radius == pytest.approx(monte_carlo(certificate, 1e-3 / 3))
        assert certificate.alpha == 1e-3
        assert "the risk covers all 3 statements together" in certificate.statement
    assert [c.predicted for c in found] == [1, 1, 0]
    assert found[0].radius + found[1].radius > 0.2
    assert regions.budget == "N x alpha/N = 0.001 for all N images together"
    frozen.allocation.check()
    with pytest.raises(ParameterError, match=r"alpha=0\.0005"):
        run(Regions(n=7, alpha=1e-3, mode="label_aware"), [0.6, 0.8], [0.3, 0.3])


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_by_degree_each_of_the_two_certificates_pays_half(order: str) -> None:
    regions = Regions(n=N, order=order)
    assert regions.budget == "0.0005 at its own sigma + 0.0005 at an inherited one = 0.001"
    found, frozen, _ = run(regions, [0.6, 0.8, 1.6], [0.3, 0.3, 0.3])
    inside = [k for k in range(3) if frozen.allocation.owners[k] != k]
    assert inside
    for k, certificate in enumerate(found):
        level = lower_confidence_bound(certificate.n_top, N, 5e-4)
        assert certificate.p_lower == level
        assert certificate.stream.endswith(f" {int(k in inside)}")
        assert certificate.alpha == 1e-3
    frozen.allocation.check()


def test_what_was_chosen_after_looking_certifies_on_other_draws(grey: ImageInput) -> None:
    """Rule, order, members and sigmas may follow from an earlier run with the same seed."""
    coin = Classifier(Coin(0.9, 0.3), spec_of((1, 8, 8), 2))
    other = image_from_array(np.full((8, 8, 1), 0.75, np.float32), SPEC)

    def votes(regions: Regions, images: list[ImageInput], sigma: float = 0.3) -> Certificate:
        picked = [Selection("grid", sigma, (), 0)] * len(images)
        return drain(regions.run(coin, images, picked, seed=3))[images.index(grey)]

    first = votes(Regions(n=N), [grey, other])
    again = votes(Regions(n=N, time_limit=5.0), [grey, other])
    assert (again.stream, again.counts) == (first.stream, first.counts)
    changed = [
        votes(Regions(n=N, mode="strict"), [grey, other]),
        votes(Regions(n=N, mode="label_aware"), [grey, other]),
        votes(Regions(n=N, order="descending"), [grey, other]),
        votes(Regions(n=N), [other, grey]),
        votes(Regions(n=N), [grey]),
        votes(Regions(n=N), [grey, other], sigma=float(np.nextafter(0.3, 1))),
    ]
    assert len({first.stream, *(c.stream for c in changed)}) == 7
    assert len({first.counts, *(c.counts for c in changed)}) > 3


def test_no_radius_reaches_the_boundary() -> None:
    ts = [0.3, 0.5, 0.52, -0.2, -0.6, 1.4, 0.9, -1.1]
    sigmas = [0.2, 0.4, 0.3, 0.25, 0.5, 0.6, 0.3, 0.3]
    for mode in ("online", "strict", "label_aware"):
        found, frozen, _ = run(Regions(n=N, mode=mode), ts, sigmas)
        for t, certificate in zip(ts, found, strict=True):
            assert certificate.radius <= abs(t)
            assert certificate.predicted in (None, int(t > 0))
        frozen.allocation.check()


def test_same_pixels_are_one_point_and_the_first_sigma_stands() -> None:
    for mode in ("online", "strict", "label_aware"):
        regions = Regions(n=N, mode=mode)
        (one, two), frozen, _ = run(regions, [0.6, 0.6], [0.3, 0.5])
        (alone,), single, _ = run(regions, [0.6], [0.3])
        assert one == two == alone
        assert frozen.allocation.hash == single.allocation.hash
        assert one.radius > 0.4
        assert "repeat earlier pixels" in frozen.notes[0]
        assert not single.notes


def test_where_every_image_abstains_there_is_no_region() -> None:
    coin = Classifier(Coin(0.5, 0.3), SPEC)
    for mode in ("online", "strict", "label_aware"):
        found, frozen, _ = run(Regions(n=N, mode=mode), [0.0, 1e-3], [0.3, 0.3], coin)
        assert all(c.predicted is None and c.radius == 0 for c in found)
        assert all(c.statement.startswith("Abstained") for c in found)
        assert frozen.notes == ("every image abstained: there is no region",)
        assert frozen.allocation.regions.size == 0
        assert frozen.allocation.answer(at(0.0).pixels).label is None


def test_a_programme_out_of_time_gives_online_regions_and_keeps_its_own() -> None:
    regions = Regions(n=N, mode="strict", time_limit=1e-9)
    (host, guest, far), frozen, _ = run(regions, [0.6, 0.8, 3.0], [0.3, 0.5, 0.3])
    assert frozen.allocation.mode == "online"
    assert host.radius == pytest.approx(monte_carlo(host, 1e-3))
    assert "strict linear programme reached its limit" in host.statement
    # Nobody paid for a second certificate of the guest: it claims nothing.
    assert (guest.predicted, guest.radius, guest.draws) == (None, 0.0, N + 100)
    assert "it lies in the region of t=0.6" in guest.statement
    assert frozen.unfinished is not None
    assert frozen.unfinished.mode == "strict"
    assert frozen.unfinished.radii[:2].tolist() == [0, 0]
    assert frozen.unfinished.radii[2] == far.radius > 0
    assert frozen.unfinished.hash != frozen.allocation.hash
    frozen.unfinished.check()
    assert run(Regions(n=N, mode="strict"), [0.6, 0.8], [0.3, 0.5])[1].unfinished is None


def test_outside_an_allocation_may_fall_back_to_one_sigma() -> None:
    _, frozen, _ = run(Regions(n=N, fallback_sigma=0.25), [0.6], [0.3])
    _, plain, _ = run(Regions(n=N), [0.6], [0.3])
    assert frozen.allocation.fallback_sigma == 0.25
    assert frozen.allocation.hash != plain.allocation.hash
    back = from_json(Allocation, json.loads(json.dumps(to_json(frozen.allocation))))
    assert back.hash == frozen.allocation.hash
    (query,), _, _ = run(Regions(n=N), [2.0], [0.25])
    answer = back.answer(at(2.0).pixels, fallback=query)
    assert answer.region is None
    assert answer.label == 1
    assert answer.radius == pytest.approx(min(query.radius, 1.4 - frozen.allocation.radii[0]))


@pytest.mark.parametrize(
    "wrong", [{"mode": "none"}, {"order": "random"}, {"time_limit": 0}, {"fallback_sigma": -1.0}]
)
def test_settings_outside_their_range(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        Regions(**wrong)

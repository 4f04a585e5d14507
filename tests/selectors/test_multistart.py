import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, drain
from rs_core.images import ImageInput
from rs_core.results import Selection, Votes, from_json, to_json
from rs_core.selectors import Multistart, MultistartUniform, multistart
from tests.conftest import Coin, spec_of

SIGMA_0 = 0.25


class Landscape:
    """Stands in for the hot loop: mean scores such that level k has a given radius."""

    def __init__(self, heights: dict[str, list[float]]) -> None:
        self.heights, self.evaluated = heights, []

    def __call__(
        self,
        classifier: Classifier,
        images: list[ImageInput],
        sigmas: np.ndarray,
        n: int,
        **_: object,
    ) -> Stream[Votes]:
        soft = np.zeros((*sigmas.shape, 4))  # the rest spread, so that a majority may lack
        for b, image in enumerate(images):
            for s, sigma in enumerate(sigmas[b]):
                level = round((sigma / SIGMA_0) ** 2)
                self.evaluated.append((image.name, level))
                soft[b, s, 1] = n * norm.cdf(self.heights[image.name][level - 1] / sigma)
                soft[b, s, [0, 2, 3]] = (n - soft[b, s, 1]) / 3
        counts = np.zeros((*sigmas.shape, 5), dtype=np.int64)
        yield Finished(Votes(counts, sigmas, n, "select", soft))


@pytest.fixture
def coin() -> Classifier:
    return Classifier(Coin(0.9, 0.25), spec_of((1, 8, 8), 2))


def run(
    monkeypatch: pytest.MonkeyPatch, coin: Classifier, grey: ImageInput, *heights: list[float],
    kind: type[Multistart] = Multistart, **options: object,
) -> tuple[tuple[Selection, ...], Landscape]:  # fmt: skip
    land = Landscape({str(i): own for i, own in enumerate(heights)})
    monkeypatch.setattr(multistart, "draw_votes", land)
    images = [replace(grey, name=str(i)) for i in range(len(heights))]
    options = {"alpha": 1, **options}
    found = drain(kind(levels=len(heights[0]), m=10, **options).run(coin, images, seed=0))
    return found, land


def level_of(selection: Selection) -> int:
    return round((selection.sigma / SIGMA_0) ** 2)


def test_candidates_are_a_quarter_times_root_k() -> None:
    assert [Multistart().sigma_of(k) for k in (1, 4, 16)] == [0.25, 0.5, 1.0]


def test_scores_count_at_most_what_the_draws_could_certify() -> None:
    capped = Multistart(m=500)
    assert capped.clamp[1] == pytest.approx(1e-3 ** (1 / 500))
    assert Multistart(m=50_000).clamp[1] == pytest.approx(1e-3 ** (1 / 50_000))
    assert Multistart(m=500, alpha=0.9999).clamp[1] == 1 - 1e-6
    assert Multistart(m=1).clamp[1] == 0.5


@pytest.mark.parametrize("kind", [Multistart, MultistartUniform])
def test_alpha_one_is_no_cap_as_published(
    kind: type[Multistart], monkeypatch: pytest.MonkeyPatch, coin: Classifier, grey: ImageInput
) -> None:
    """Between infinite radii a search moves on, from both ends: the smallest end is level 1."""
    assert kind(alpha=1).clamp[1] == 1
    sure = [9.9, 9.9, 9.9, 0.5, 0.4, 0.3]  # 9.9 sigma_0 rounds to a mean score of exactly 1
    (found,), land = run(monkeypatch, coin, grey, sure, kind=kind)
    assert level_of(found) == 1
    assert len(land.evaluated) == 6
    assert found.notes[-1] == "infinite estimate at 3 of 6 sigmas"
    recorded = dict(found.candidates)
    assert recorded[0.25] == pytest.approx(0.25 * norm.ppf(1 - 2**-53))
    assert recorded[0.5] == pytest.approx(0.5)
    assert from_json(Selection, json.loads(json.dumps(to_json(found)))) == found
    upwards, _ = run(monkeypatch, coin, grey, sure, kind=kind, both_ends=False)
    assert level_of(upwards[0]) == 3
    capped, _ = run(monkeypatch, coin, grey, sure, kind=kind, alpha=0.99999)
    assert level_of(capped[0]) == 3
    assert capped[0].notes == ("6 of 6 levels evaluated",)


def test_a_sure_image_bears_more_noise_once_scores_are_capped(
    monkeypatch: pytest.MonkeyPatch, coin: Classifier, grey: ImageInput
) -> None:
    scores = [0.999, 0.985, 0.9]
    hills = [SIGMA_0 * np.sqrt(k) * norm.ppf(p) for k, p in enumerate(scores, start=1)]
    land = Landscape({"0": hills})
    monkeypatch.setattr(multistart, "draw_votes", land)
    images = [replace(grey, name="0")]
    sure = drain(Multistart(levels=3, m=500, alpha=1).run(coin, images, seed=0))
    capped = drain(Multistart(levels=3, m=500).run(coin, images, seed=0))
    assert level_of(sure[0]) == 1
    assert level_of(capped[0]) == 2


def test_two_starts_find_the_higher_of_two_peaks(
    monkeypatch: pytest.MonkeyPatch, coin: Classifier, grey: ImageInput
) -> None:
    hills = [0.1, 0.3, 0.2, 0.1, 0.1, 0.2, 0.5, 0.4]
    (found,), land = run(monkeypatch, coin, grey, hills)
    assert level_of(found) == 7
    assert sorted(level for _, level in land.evaluated) == [1, 2, 3, 6, 7, 8]
    assert found.draws == 60
    (below,), _ = run(monkeypatch, coin, grey, hills, both_ends=False)
    assert level_of(below) == 2


def test_nothing_is_evaluated_twice_or_outside_the_range(
    monkeypatch: pytest.MonkeyPatch, coin: Classifier, grey: ImageInput
) -> None:
    rising, falling = [0.1 * k for k in range(1, 7)], [0.1 * k for k in range(6, 0, -1)]
    found, land = run(monkeypatch, coin, grey, rising, falling)
    assert [level_of(s) for s in found] == [6, 1]
    assert len(land.evaluated) == len(set(land.evaluated))
    assert {level for _, level in land.evaluated} <= set(range(1, 7))


def test_a_tie_moves_on_as_printed() -> None:
    search = multistart._Search(1, 1)
    search.advance({1: 0.2, 2: 0.2, 3: 0.2, 4: 0.1}, levels=6)
    assert (search.level, search.over) == (3, True)


def test_one_sigma_for_a_set_climbs_the_mean(
    monkeypatch: pytest.MonkeyPatch, coin: Classifier, grey: ImageInput
) -> None:
    found, _ = run(
        monkeypatch, coin, grey, [0.5, 0.3, 0.2, 0.1], [0.1, 0.6, 0.4, 0.1], kind=MultistartUniform
    )
    assert [level_of(s) for s in found] == [2, 2]
    assert dict(found[0].candidates)[0.25] == pytest.approx(0.3, abs=1e-3)


def test_a_negative_radius_counts_nothing_in_the_mean_of_a_set(
    monkeypatch: pytest.MonkeyPatch, coin: Classifier, grey: ImageInput
) -> None:
    """Equation 5 filters negative radii; as they are, their mean would be largest at level 1."""
    sure, lost = [0.2, 0.22, 0.24], [-0.01, -0.1, -0.2]
    assert np.mean([sure, lost], axis=0).argmax() == 0
    found, _ = run(monkeypatch, coin, grey, sure, lost, kind=MultistartUniform)
    assert [level_of(s) for s in found] == [3, 3]
    assert [score for _, score in found[0].candidates] == pytest.approx([0.1, 0.11, 0.12])
    alone, _ = run(monkeypatch, coin, grey, lost)  # one image's own radius is not filtered
    assert level_of(alone[0]) == 1
    assert [score for _, score in alone[0].candidates] == pytest.approx(lost)


def test_levels_beyond_sigma_ten_are_refused() -> None:
    with pytest.raises(ParameterError, match="limit is 10"):
        Multistart(sigma_0=4.0, levels=16)

"""Probe images: certified after every epoch, with bands that hold all together."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, norm

from rs_core.classifiers import Classifier
from rs_core.datasets import Dataset
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, drain
from rs_core.images import image_from_array
from rs_core.results import ModelSpec, Votes, from_json, to_json
from rs_core.smoothing.certify import certificates_from_votes
from rs_core.smoothing.options import CertifyOptions
from rs_core.statistics import l2_radius, lower_confidence_bound, upper_confidence_bound
from rs_core.training import PROBE_NOTE, EpochDone, Gaussian, ProbeDone, Probes
from rs_core.training.history import ProbeRadius
from rs_core.training.probes import band
from tests.conftest import Coin, spec_of

RECIPE = Gaussian(sigma=0.3, epochs=3, batch_size=24, weight_average=0.9, precision="fp32")


@pytest.fixture
def probes(toy: Dataset, tiny: ModelSpec) -> Probes:
    return Probes(images=(toy.image(0, tiny), toy.image(1, tiny)), n0=16, n=200)


def test_every_epoch_certifies_every_probe(
    toy: Dataset, tiny: ModelSpec, probes: Probes, tmp_path: Path
) -> None:
    events = list(RECIPE.run(tiny, toy, seed=0, probes=probes, checkpoint=tmp_path))
    told = [event for event in events if isinstance(event, ProbeDone)]
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert [(e.epoch, e.index) for e in told] == [(e, i) for e in (1, 2, 3) for i in (0, 1)]
    assert [e.done for e in told] == [10, 10, 20, 20, 30, 30]
    for epoch in epochs:
        assert epoch.probes == tuple(e.probe for e in told if e.epoch == epoch.epoch)
        assert from_json(EpochDone, to_json(epoch)) == epoch
    level = 0.05 / (2 * 3)
    for probe in (event.probe for event in told):
        assert probe.alpha == pytest.approx(level)
        assert probe.guarantee == "A"
        assert probe.statement.endswith(PROBE_NOTE)
        assert (probe.n, probe.sigma) == (200, 0.3)
    last = [event.probe for event in told[-2:]]
    assert all(probe.predicted == probe.label for probe in last)
    assert all(probe.radius > 0.3 for probe in last)
    assert epochs[0].eta > 0
    assert epochs[-1].eta == 0


def test_a_band_is_clopper_pearson_at_its_share_of_alpha(
    toy: Dataset, tiny: ModelSpec, probes: Probes
) -> None:
    trained = drain(RECIPE.run(tiny, toy, seed=0, probes=probes))
    level = probes.level(3) / 2
    bounds = {
        round(l2_radius(0.3, lower_confidence_bound(k, 200, level)), 9): k for k in range(201)
    }
    for probe in (p for epoch in trained.history for p in epoch.probes if p.radius):
        votes = bounds[round(probe.radius, 9)]
        upper = upper_confidence_bound(max(votes, 200 - votes), 200, level)
        assert (probe.radius_most is None) == (votes == 200)
        if probe.radius_most is not None:
            assert probe.radius_most == pytest.approx(l2_radius(0.3, upper))
            assert probe.radius < probe.radius_most


def test_probes_change_nothing_of_the_training(
    toy: Dataset, tiny: ModelSpec, probes: Probes, tmp_path: Path
) -> None:
    plain = drain(RECIPE.run(tiny, toy, seed=0))
    for event in RECIPE.run(tiny, toy, seed=0, probes=probes, checkpoint=tmp_path):
        if isinstance(event, ProbeDone) and event.epoch == 2:
            break  # between an epoch's last step and its end
    stream = RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path, resume=True)
    events = [event for event in stream if type(event) is not Step]  # measuring comes first
    assert isinstance(events[0], EpochDone)
    assert events[0].epoch == 2
    assert isinstance(events[-1], Finished)
    weights = plain.module.state_dict()
    for name, tensor in events[-1].result.module.state_dict().items():
        assert np.array_equal(tensor.numpy(), weights[name].numpy())
    assert len(events[-1].result.history[0].probes) == 2
    assert events[-1].result.history[1].probes == ()


def test_unfit_probes_are_refused_before_training(toy: Dataset, tiny: ModelSpec) -> None:
    image = toy.image(0, tiny)
    with pytest.raises(ParameterError, match="9 probe images: give 1 to 8"):
        Probes(images=(image,) * 9)
    with pytest.raises(ParameterError, match="0 probe images"):
        Probes(images=())
    few = Probes(images=(image,), n=5)
    with pytest.raises(ParameterError, match="n=5 can never certify"):
        next(iter(RECIPE.run(tiny, toy, seed=0, probes=few)))
    uniform = dataclasses.replace(RECIPE, distribution="uniform")
    with pytest.raises(ParameterError, match="this training's is uniform: give no probe images"):
        next(iter(uniform.run(tiny, toy, seed=0, probes=Probes(images=(image,)))))
    assert drain(uniform.run(tiny, toy, seed=0)).history[-1].noisy_accuracy > 0.5
    with pytest.raises(ParameterError, match="sigma is 0"):
        Gaussian(sigma=0).run(tiny, toy, seed=0, probes=Probes(images=(image,)))
    wide = ModelSpec("wide", "conv4", (1, 8, 16), ("top", "bottom"))
    from rs_core.images import image_from_array

    other = image_from_array(np.zeros((8, 16, 1), np.uint8), wide)
    with pytest.raises(ParameterError, match="load it for this network"):
        RECIPE.run(tiny, toy, seed=0, probes=Probes(images=(other,)))
    shared = dataclasses.replace(
        tiny, architecture="conv4-cpni", options={**tiny.options, "shared_draws": True}
    )
    with pytest.raises(ParameterError, match="set shared_draws to false, or give no probe"):
        RECIPE.run(shared, toy, seed=0, probes=Probes(images=(image,)))


def test_a_network_whose_copies_have_their_own_noise_is_followed(
    toy: Dataset, tiny: ModelSpec, probes: Probes
) -> None:
    spec = dataclasses.replace(tiny, architecture="conv4-cpni")
    recipe = dataclasses.replace(RECIPE, epochs=1)
    trained = drain(recipe.run(spec, toy, seed=0, probes=probes))
    assert len(trained.history[0].probes) == 2
    again = drain(recipe.run(spec, toy, seed=0, probes=probes))
    assert again.history[0].probes == trained.history[0].probes


def ends(p: float, points: int) -> list[ProbeRadius]:
    """Bands of two classes of probability p and 1 - p, from votes that a generator deals."""
    rng, sigma = np.random.default_rng(int(1000 * p)), 0.3
    options = CertifyOptions(n0=50, n=500, alpha=0.05)
    spec = spec_of((1, 2, 2), 2)
    classifier, grey = Classifier(Coin(p, sigma), spec), np.full((2, 2, 1), 128, np.uint8)
    image = image_from_array(grey, spec, name="grey")
    named = (rng.binomial(50, p, (points, 1)) >= 25).astype(np.int64)
    ones = rng.binomial(500, p, (points, 1))
    counts = np.stack([500 - ones, ones, np.zeros_like(ones)], axis=-1)
    votes = Votes(counts, np.full((points, 1), sigma), 500, "certify")
    rows = certificates_from_votes(
        options, votes, named, 0.05 / 2, classifier=classifier, images=[image] * points, seed=0,
        stream="probe 0", guarantee="A",
    )  # fmt: skip
    return [band(row[0], image, 0.05) for row in rows]


@pytest.mark.parametrize("p", [0.55, 0.57, 0.6])
def test_no_end_of_a_band_is_false_more_often_than_it_says(p: float) -> None:
    """n0 = 50 names the less likely class in 24, 16 and 8 % of points; more copies would not."""
    points, true = 2000, float(l2_radius(0.3, p))
    found = ends(p, points)
    short = sum(one.radius_most is not None and one.radius_most < true for one in found)
    long = sum(one.predicted == 0 or one.radius > true for one in found)
    for false in (short, long):
        assert 0 < false <= binom.ppf(1 - 1e-6, points, 0.05 / 2)
    assert long + short <= binom.ppf(1 - 1e-6, points, 0.05)


def test_all_bands_of_a_training_hold_together() -> None:
    """Eight images at p = .55, as `Probes` asks them: some end is false in 5 % of runs at most."""
    spec, sigma, runs = spec_of((1, 2, 2), 2), 0.3, 30
    grey = [np.array([[128, k], [0, 0]], np.uint8)[..., None] for k in range(8)]
    images = tuple(image_from_array(pixels, spec, name="grey") for pixels in grey)
    probes = Probes(images=images, n0=16, n=500)
    false, true = 0, float(l2_radius(sigma, norm.cdf(norm.ppf(0.55) + (128 / 255 - 0.5) / sigma)))
    for seed in range(runs):
        told = probes.certified(Coin(0.55, sigma), spec, "cpu", sigma=sigma, epochs=1, seed=seed)
        false += any(
            one.radius > true or (one.radius_most is not None and one.radius_most < true)
            for one in told
        )
    assert false <= binom.ppf(1 - 1e-6, runs, 0.05)


def test_epochs_of_older_versions_bound_no_class(probes: Probes) -> None:
    """Their upper end was that of the class that n0 copies named, which is not what it said."""
    (one,) = ends(0.55, 1)
    old = to_json(one)
    del old["radius_most"]
    assert from_json(ProbeRadius, {**old, "radius_upper": 0.01}).radius_most is None

"""Probe images: certified after every epoch, with bands that hold all together."""

from pathlib import Path

import numpy as np
import pytest

from rs_core.datasets import Dataset
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, drain
from rs_core.results import ModelSpec, from_json, to_json
from rs_core.statistics import l2_radius, lower_confidence_bound, upper_confidence_bound
from rs_core.training import PROBE_NOTE, EpochDone, Gaussian, ProbeDone, Probes

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
        upper = upper_confidence_bound(votes, 200, level)
        assert (probe.radius_upper is None) == (votes == 200)
        if probe.radius_upper is not None:
            assert probe.radius_upper == pytest.approx(l2_radius(0.3, upper))
            assert probe.radius < probe.radius_upper


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
    with pytest.raises(ParameterError, match="sigma is 0"):
        Gaussian(sigma=0).run(tiny, toy, seed=0, probes=Probes(images=(image,)))
    wide = ModelSpec("wide", "conv4", (1, 8, 16), ("top", "bottom"))
    from rs_core.images import image_from_array

    other = image_from_array(np.zeros((8, 16, 1), np.uint8), wide)
    with pytest.raises(ParameterError, match="load it for this network"):
        RECIPE.run(tiny, toy, seed=0, probes=Probes(images=(other,)))

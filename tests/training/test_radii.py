"""Images labelled by radii: each radius by hand, and what is kept, refused and found again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.datasets import Dataset
from rs_core.errors import ParameterError
from rs_core.events import Finished, drain
from rs_core.smoothing import draw_votes
from rs_core.statistics import l2_radius, lower_confidence_bound
from rs_core.training import radii
from rs_core.training.radii import Radii
from tests.conftest import spec_of

SIGMAS = (0.05, 0.4)
ASKED = Radii(SIGMAS, n=60, alpha=0.01)


class Halves(nn.Module):
    """Class 0 where it is brighter above; one white pixel in the corner makes it say class 1."""

    def forward(self, x: Tensor) -> Tensor:
        above, below = x[:, :, :4].mean(dim=(1, 2, 3)), x[:, :, 4:].mean(dim=(1, 2, 3))
        difference = nn.functional.pad((above - below)[:, None], (0, 1))
        fooled = x[:, :, 0, 0] > 0.95
        return difference * ~fooled + fooled * difference.new_tensor([-1.0, 1.0])


@pytest.fixture
def judge(toy: Dataset) -> Classifier:
    spec = replace(spec_of((1, 8, 8), 2), class_names=toy.class_names)
    return Classifier(Halves(), spec)


@pytest.fixture
def few(toy: Dataset) -> Dataset:
    """Ten images of class 0; a white corner makes five of them class 1 under faint noise."""
    some = replace(toy.subset(np.flatnonzero(toy.labels == 0)[:10]), targets=None)
    images = some.images.copy()
    images[::2, 0, 0] = 255
    return replace(some, images=images)


def test_each_radius_is_that_of_the_images_own_class(judge: Classifier, few: Dataset) -> None:
    found = drain(ASKED.run(judge, few, seed=5))
    images = [few.image(row, judge.spec) for row in range(len(few))]
    votes = drain(
        draw_votes(
            judge, images, np.tile(SIGMAS, (10, 1)), 60, seed=5, caller="radii", stage="select"
        )
    )
    assert found.targets is not None
    for row in range(10):
        for place, sigma in enumerate(SIGMAS):
            own = int(votes.counts[row, place, 0])
            expected = l2_radius(sigma, lower_confidence_bound(own, 60, 0.01))
            assert found.targets[row, place] == np.float32(expected)
    assert found.labels.tolist() == found.targets.argmax(axis=1).tolist()
    assert set(found.labels) == {0, 1}
    assert found.class_names == ("sigma 0.05", "sigma 0.4")
    assert found.source.startswith("radii of ")
    assert (found.images == few.images).all()


def test_another_class_than_the_images_own_has_no_radius(judge: Classifier, few: Dataset) -> None:
    labels = few.labels.copy()
    labels[[0, 1, 5, 7, 9]] = 1
    wrong = replace(few, labels=labels)
    found = drain(ASKED.run(judge, wrong, seed=5)).targets
    right = drain(ASKED.run(judge, few, seed=5)).targets
    assert found is not None
    assert right is not None
    assert (found[[1, 5, 7, 9]] == 0).all()
    assert (right[1::2].max(axis=1) > 0).all()
    assert (right[::2, 0] == 0).all()
    assert found[0, 0] > 0, "what fools the network is this image's label now"


def test_what_is_finished_is_kept_and_gone_on_from(
    judge: Classifier, toy: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = drain(ASKED.run(judge, toy, seed=0)).targets
    monkeypatch.setattr(radii, "_KEEP_EVERY", 0.0)
    stream = ASKED.run(judge, toy, seed=0, folder=tmp_path)
    steps = [next(stream) for _ in range(20)]
    assert steps[-1].done >= 64
    stream.close()
    (path,) = tmp_path.glob("radii-*.npz")
    rest = list(ASKED.run(judge, toy, seed=0, folder=tmp_path))
    assert rest[0].done >= 64
    assert isinstance(rest[-1], Finished)
    assert whole is not None
    assert np.array_equal(rest[-1].result.targets, whole)
    again = list(ASKED.run(judge, toy, seed=0, folder=tmp_path))
    assert len(again) == 1, "all are there already"
    path.write_bytes(path.read_bytes()[:100])
    mended = drain(ASKED.run(judge, toy, seed=0, folder=tmp_path))
    assert np.array_equal(mended.targets, whole)
    drain(ASKED.run(judge, toy, seed=1, folder=tmp_path))
    assert len(list(tmp_path.glob("radii-*.npz"))) == 2, "other draws, another file"


def test_what_does_not_fit_is_refused(judge: Classifier, few: Dataset) -> None:
    strange = Classifier(Halves(), spec_of((1, 8, 8), 2))
    with pytest.raises(ParameterError, match="was told other classes"):
        drain(ASKED.run(strange, few, seed=0))
    wide = replace(few, images=few.images.repeat(2, axis=1).repeat(2, axis=2))
    with pytest.raises(ParameterError, match="another input size"):
        drain(ASKED.run(judge, wide, seed=0))
    with pytest.raises(ParameterError, match="nothing to tell apart"):
        drain(ASKED.run(judge, few.subset(np.arange(0, 10, 2)), seed=0))

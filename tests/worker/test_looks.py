"""Whose seed a run has, and what counts as the same subject looked at again."""

import base64
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rs_core.errors import ParameterError
from rs_core.results import Certificate, from_json
from rs_core.store.belongings import SEED_LIMIT
from tests.worker.conftest import Office, upload_of

CERTIFY: dict[str, Any] = {"kind": "certify", "config": {"sigma": 0.25, "n": 200, "alpha": 0.1}}


def certify(office: Office, sigma: float = 0.25, **changes: Any) -> str:
    config = CERTIFY["config"] | {"sigma": sigma} | changes.pop("config", {})
    return office.start(**(CERTIFY | {"config": config} | changes))


def result(office: Office, job: str) -> Certificate:
    office.finish()
    return from_json(Certificate, office.follow(job)["result"])


def test_without_a_seed_a_run_has_its_browsers_own(office: Office) -> None:
    own = office.ask("seed")["seed"]
    assert 0 <= own < SEED_LIMIT
    assert office.ask("seed")["seed"] == own
    assert office.ask("seed", "bob")["seed"] != own
    found = result(office, certify(office, seed=None))
    assert (found.seed, found.seed_given) == (own, False)
    assert "seed" not in found.statement
    assert result(office, certify(office, seed=own)).seed_given is False  # the page says it
    given = result(office, certify(office, seed=7))
    assert given.seed_given is True
    assert "seed 7 given" in given.statement


def test_deleting_everything_draws_anew(office: Office) -> None:
    own = office.ask("seed")["seed"]
    certify(office)
    office.ask("forget")
    assert office.ask("seed")["seed"] != own


def png(level: int, mode: str = "L") -> str:
    out, pixels = BytesIO(), np.full((28, 28), level, dtype=np.uint8)
    pixels[9:19, 12:16] = 255
    Image.fromarray(pixels).convert(mode).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def test_the_same_pixels_and_weights_are_one_subject_whatever_they_are_called(
    office: Office,
) -> None:
    def image(name: str, data: str) -> str:
        asked = {"model": office.model(), "name": name, "data": data, "invert": False}
        return str(office.ask("decode", **asked)["image"])

    first, second = image("one.png", png(0)), image("two.png", png(0, "RGB"))
    other = image("one.png", png(3))
    assert first != second
    certify(office, image=first)
    fields = upload_of(office.weights)
    renamed = office.ask("upload_model", **fields | {"spec": fields["spec"] | {"name": "another"}})
    assert renamed["model"] != office.model()
    job = certify(office, 0.5, image=second, model=renamed["model"])
    found = office.follow(job)
    assert (found["questions"], found["looks"], found["at_least"]) == (2, 2, False)
    assert office.follow(certify(office, image=other))["looks"] == 1


def test_each_level_and_seed_is_one_look(office: Office) -> None:
    asked: list[Callable[[], str]] = [
        lambda: certify(office),
        lambda: certify(office),
        lambda: certify(office, config={"alpha": 0.01}),
        lambda: certify(office, config={"picked": True}),
        lambda: office.start(kind="predict", config={"sigma": 0.7, "n": 200, "alpha": 0.1}),
        lambda: certify(office, 0.5),
        lambda: certify(office, seed=1),
        lambda: office.start(config={"sigmas": [0.1, 0.25, 0.5], "n": 200, "n0": 50}),
    ]
    looks = [office.follow(ask())["looks"] for ask in asked]
    assert looks == [1, 1, 1, 1, 1, 2, 3, 4]


def test_a_picked_level_has_draws_of_its_own(office: Office) -> None:
    first, picked = (result(office, certify(office, config=c)) for c in ({}, {"picked": True}))
    assert (first.guarantee, picked.guarantee) == ("A", "C")
    assert first.stream != picked.stream
    assert result(office, certify(office, config={"picked": True})) == picked


def test_looks_outlive_the_count_that_was_lost(office: Office) -> None:
    job = certify(office)
    certify(office, 0.5)
    (path,) = office.store.home.glob("owners/*/questions.json")
    path.write_bytes(b"damaged")
    found = office.follow(job)
    assert (found["looks"], found["at_least"]) == (2, True)


@pytest.mark.parametrize("seed", [-1, "x", 1.5, True])
def test_a_seed_that_is_none_is_refused(office: Office, seed: object) -> None:
    with pytest.raises(ParameterError, match="seed="):
        certify(office, seed=seed)

"""Whatever a classifier computes with is in its name."""

import copy
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, fx, nn

from rs_core.classifiers import Classifier, load_classifier
from rs_core.classifiers.fingerprints import file_id
from rs_core.errors import ModelFileError, ParameterError
from rs_core.models.weights import bundled_stems, read_spec
from tests.conftest import spec_of

SHAPE = (1, 4, 4)


class Cooled(nn.Module):
    def __init__(self, temperature: object) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :2]


@pytest.mark.parametrize("stem", bundled_stems())
def test_a_shipped_file_is_named_by_its_weights_until_its_json_changes(stem: str) -> None:
    spec = read_spec(stem)
    assert file_id(spec) == spec.sha256[:16]
    for change in ({"mean": (0.5,)}, {"std": (0.9,)}, {"input_shape": (1, 3, 3)}):
        changed = file_id(replace(spec, **change))
        assert changed[:8] == spec.sha256[:8]
        assert changed != spec.sha256[:16]
    assert file_id(replace(spec, name="other", provenance={})) == spec.sha256[:16]


@pytest.mark.parametrize("value", [2.0, "hot", (1, 2), {"a": [1.0]}, torch.ones(2), len])
def test_a_plain_attribute_is_in_the_name(value: object) -> None:
    cool = Classifier(Cooled(1.0), spec_of(SHAPE, 2)).weights_id
    assert cool == Classifier(Cooled(1.0), spec_of(SHAPE, 2)).weights_id
    assert cool != Classifier(Cooled(value), spec_of(SHAPE, 2)).weights_id


def varied(forward: Callable[[nn.Module, Tensor], Tensor], **members: object) -> nn.Module:
    """Networks whose classes have one name."""
    return type("Varied", (nn.Module,), {"forward": forward, **members})()


def first_two(self: nn.Module, x: Tensor) -> Tensor:
    return x.flatten(1)[:, :2]


def last_two(self: nn.Module, x: Tensor) -> Tensor:
    return x.flatten(1)[:, -2:]


def test_classes_of_one_name_with_other_code_have_other_names() -> None:
    networks = [
        varied(first_two),
        varied(last_two),
        varied(lambda self, x: x.flatten(1)[:, :2]),
        varied(lambda self, x: x.flatten(1)[:, 1:3]),
        varied(first_two, scale=2.0),
        varied(first_two, scale=3.0),
        varied(first_two, helper=Cooled),
    ]
    names = [Classifier(network, spec_of(SHAPE, 2)).weights_id for network in networks]
    assert len(set(names)) == len(networks)
    assert Classifier(varied(first_two), spec_of(SHAPE, 2)).weights_id == names[0]


def test_which_of_two_parts_is_meant_is_in_the_name() -> None:
    one, two = [1.0], [2.0]
    names = {
        Classifier(Cooled(parts), spec_of(SHAPE, 2)).weights_id
        for parts in ([one, two, one], [one, two, two])
    }
    assert len(names) == 2


def test_hooks_and_traced_code_are_in_the_name() -> None:
    hooked = Cooled(1.0)
    hooked.register_forward_hook(lambda module, inputs, logits: logits.flip(1))
    traced = [fx.symbolic_trace(varied(forward)) for forward in (first_two, last_two)]
    networks = [Cooled(1.0), hooked, *traced]
    names = {Classifier(network, spec_of(SHAPE, 2)).weights_id for network in networks}
    assert len(names) == 4


ODD = """
import sys, torch, tests.classifiers.test_fingerprints as t
from rs_core.classifiers.fingerprints import module_id
net = t.Cooled({"a": {"x", "y", "z", (1, 2)}, "f": torch.relu, "k": int, "me": []})
net.temperature["me"].append(net)
print(module_id(net, t.spec_of(t.SHAPE, 2)))
"""


def test_the_name_is_the_same_in_every_process() -> None:
    found = [
        subprocess.run(
            [sys.executable, "-c", ODD],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert len(found[0]) == 17
    assert found[0] == found[1]


class Sealed:
    """Copied, but not taken apart."""

    def __deepcopy__(self, memo: object) -> "Sealed":
        return self

    def __reduce_ex__(self, protocol: object) -> str:
        raise TypeError("sealed")


def test_what_cannot_be_digested_says_so() -> None:
    with pytest.raises(ModelFileError, match=r"temperature .*Sealed.* cannot be digested"):
        Classifier(Cooled(Sealed()), spec_of(SHAPE, 2))
    assert Classifier(Cooled(Sealed()), spec_of(SHAPE, 2), weights_id="x").weights_id


def test_copies_and_pickles_of_a_classifier_answer_the_same() -> None:
    first = load_classifier("mnist-conv4", device="cpu", precision="fp32")
    pixels = torch.rand(64, 1, 28, 28)
    for other in (copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert torch.equal(other(pixels), first(pixels))
        assert other.weights_id == first.weights_id
    held = Classifier(Cooled(1.0), spec_of(SHAPE, 2))
    held.module.lock = threading.Lock()
    with pytest.raises(ParameterError, match="cannot be pickled"):
        pickle.dumps(held)


def test_a_factorys_own_classifier_is_held_to_what_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from tests.conftest import *\ndef make():\n    return Classifier(Coin(0.9, 0.25), "
    (tmp_path / "own_classifier.py").write_text(code + "spec_of((1, 4, 4), 2))\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for asked in ("auto", "fp32"):
        assert load_classifier("own_classifier:make", device="cpu", precision=asked).random is False
    with pytest.raises(ParameterError, match="returns a Classifier, in fp32 on cpu"):
        load_classifier("own_classifier:make", device="cpu", precision="bf16")

import base64
import json
import pickle
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from rs_core.errors import (
    ModelFileError,
    NotFoundError,
    ParameterError,
    StoreError,
    UnknownNameError,
)
from rs_core.store import owner_id
from rs_core.worker.models import KEPT, UPLOAD
from tests.worker.conftest import Office, save_tiny, upload_of

Change = Callable[[dict[str, Any]], None]


def test_an_upload_is_its_owners_alone(office: Office) -> None:
    model = office.model()
    assert model.startswith(UPLOAD)
    assert office.model() == model
    found = office.ask("upload_model", **upload_of(office.weights))
    assert found["spec"]["name"] == "tiny"
    assert found["spec"]["input_shape"] == [1, 28, 28]
    with pytest.raises(NotFoundError, match="model not found"):
        office.ask("decode", "eve", model=model, sample="digit-7")


def test_uploads_are_found_again_by_their_owner(office: Office) -> None:
    model = office.model()
    listed = office.ask("models")["models"]
    assert list(listed) == [model]
    assert listed[model] == office.ask("upload_model", **upload_of(office.weights))["spec"]
    assert office.ask("models", "eve") == {"models": {}, "unreadable": {}}


def test_the_json_may_come_as_text(office: Office) -> None:
    fields = upload_of(office.weights)
    fields["spec"] = json.dumps(fields["spec"])
    assert office.ask("upload_model", **fields)["model"].startswith(UPLOAD)


@pytest.mark.parametrize(
    "name",
    ["os:system", "antigravity:fly", "/etc/passwd", "../samples/cat", "nothing", "\0", "x" * 199,
     "upload:", "upload:../x", f"upload:{'0' * 32}"],
)  # fmt: skip
def test_a_name_is_never_a_path_or_an_import(office: Office, name: str) -> None:
    with pytest.raises((UnknownNameError, NotFoundError)):
        office.ask("decode", model=name, sample="digit-7")


def test_a_path_is_no_name_either(office: Office) -> None:
    for name in (str(office.weights), str(office.weights.with_suffix(""))):
        with pytest.raises((UnknownNameError, ParameterError)):
            office.ask("decode", model=name, sample="digit-7")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (open, ("evil-was-here", "w"))


def _pickled(fields: dict[str, Any]) -> None:
    fields["weights"] = b64(pickle.dumps(Evil()))


def _flipped(fields: dict[str, Any]) -> None:
    raw = bytearray(base64.b64decode(fields["weights"]))
    raw[-1] ^= 1
    fields["weights"] = b64(bytes(raw))


def _cut(fields: dict[str, Any]) -> None:
    fields["weights"] = b64(base64.b64decode(fields["weights"])[:-40])


def _not_finite(fields: dict[str, Any]) -> None:
    tensors = safetensors.torch.load(base64.b64decode(fields["weights"]))
    tensors["head.bias"] = torch.full_like(tensors["head.bias"], torch.nan)
    raw = safetensors.torch.save(tensors)
    fields["spec"] = {**fields["spec"], "sha256": sha256(raw).hexdigest()}
    fields["weights"] = b64(raw)


def _overflowing(fields: dict[str, Any]) -> None:
    tensors = safetensors.torch.load(base64.b64decode(fields["weights"]))
    raw = safetensors.torch.save(
        {k: t * 0 + (3e38 if t.is_floating_point() else 0) for k, t in tensors.items()}
    )
    fields["spec"] = {**fields["spec"], "sha256": sha256(raw).hexdigest()}
    fields["weights"] = b64(raw)


def _changed(**changes: Any) -> Change:
    def change(fields: dict[str, Any]) -> None:
        fields["spec"] = {**fields["spec"], **changes}

    return change


def _set(**changes: Any) -> Change:
    def change(fields: dict[str, Any]) -> None:
        fields.update(changes)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_pickled, "Python pickle"),
        (_flipped, "damaged or was exchanged"),
        (_cut, "damaged or was exchanged"),
        (_not_finite, "NaN or infinite"),
        (_changed(architecture="lenet"), "lenet cannot be built"),
        (_changed(architecture="alexnet9"), "cannot be built"),
        (_changed(class_names=["a", "b"]), "head.bias is 10"),
        (_changed(input_shape=[3, 28, 28]), "the network needs 4x3x3x3"),
        (_changed(mean=[0.5]), "mean and std"),
        (_overflowing, "ordinary image with NaN or infinity"),
        (_changed(mean=[10**400], std=[1]), "finite numbers"),
        (_changed(input_shape=[1, 4096, 4096]), "for one layer"),
        (_changed(input_shape=[64, 2048, 2048]), "the limit is 16,777,216"),
        (_changed(class_names=["a"] * 10), "tell them apart"),
        (_set(spec="[" * 100_000), "is not json"),
        (_set(spec="not json"), "is not json"),
        (_set(spec={"name": "x"}), "lacks architecture"),
        (_set(weights=b64(b"PK\x03\x04" + b"x" * 60)), "zip archive"),
        (_set(weights=b64(b"\xff" * 7 + b"\0{" + b"x" * 60)), "header"),
        (_set(weights=""), "empty"),
    ],
)
def test_unfit_models_are_refused_and_not_kept(
    office: Office, change: Change, reason: str, tmp_path: Path
) -> None:
    fields = upload_of(office.weights)
    change(fields)
    with pytest.raises(ModelFileError, match=reason) as caught:
        office.ask("upload_model", **fields)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert not list(office.store.home.rglob("*.safetensors"))
    assert not Path("evil-was-here").exists()


def damage(office: Office, model: str, content: bytes) -> None:
    """What another version took, or a disk lost: the json of a stored model."""
    shelf_path = office.desk._shelf.path(owner_id("ann"), model)
    shelf_path.with_suffix(".json").write_bytes(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not json"),
        (b"null", "does not hold a json object"),
        (b"[" * 100_000, "is not json"),
        (b'{"mean": [1' + b"0" * 400 + b"]}", "lacks name"),
    ],
)
def test_a_model_that_no_longer_reads_never_fails_the_list(
    office: Office, tmp_path: Path, content: bytes, reason: str
) -> None:
    bad = office.model()
    office.weights = save_tiny(tmp_path, options={"widths": [3, 2, 2, 2]})
    good = office.model()
    damage(office, bad, content)
    listed = office.ask("models")
    assert list(listed["models"]) == [good]
    assert list(listed["unreadable"]) == [bad]
    assert reason in listed["unreadable"][bad]
    assert list(office.ask("delete_model", model=bad)["models"]) == [good]
    assert office.ask("models")["unreadable"] == {}
    office.ask("forget")
    assert office.ask("models") == {"models": {}, "unreadable": {}}


def test_a_bug_while_a_model_is_read_is_a_reason_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = office.model()
    monkeypatch.setattr("rs_core.worker.models.read_spec", lambda path: 1 / 0)
    assert office.ask("models")["unreadable"] == {
        model: "the model cannot be read: rs.log holds the details."
    }


def test_only_the_owner_deletes_a_model(office: Office) -> None:
    model = office.model()
    for owner, name in (("eve", model), ("ann", "mnist-conv4"), ("ann", "upload:../images")):
        with pytest.raises(NotFoundError):
            office.ask("delete_model", owner, model=name)
    assert list(office.ask("models")["models"]) == [model]


@pytest.mark.parametrize("error", [MemoryError(), OverflowError("bug"), KeyboardInterrupt()])
def test_an_upload_that_raises_anything_is_taken_back(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    kept = office.model()
    monkeypatch.setattr("rs_core.worker.models.load_classifier", fail)
    with pytest.raises(type(error)):
        office.model()
    assert list(office.ask("models")["models"]) == [kept], "it was there before"
    office.weights = save_tiny(tmp_path, options={"widths": [3, 2, 2, 2]})
    with pytest.raises(type(error)):
        office.model()
    assert list(office.ask("models")["models"]) == [kept]
    assert len(list(office.store.home.rglob("model.*"))) == 2


def test_half_an_upload_is_none(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, raw: bytes, **_: object) -> None:
        if path.suffix == ".json":
            raise OSError(28, "No space left on device")
        path.write_bytes(raw)

    monkeypatch.setattr("rs_core.store.belongings.write_durably", full)
    with pytest.raises(StoreError, match="No space left"):
        office.model()
    assert not list(office.store.home.rglob("model.*"))


@pytest.mark.parametrize("fields", [{"weights": 3}, {"weights": "*"}, {"spec": None}, {"spec": []}])
def test_malformed_uploads_are_refused(office: Office, fields: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(fields))):
        office.ask("upload_model", **{**upload_of(office.weights), **fields})


def test_few_networks_stay_loaded(office: Office, tmp_path: Path) -> None:
    shelf, image = office.desk._shelf, office.image()
    for width in range(2, KEPT + 4):
        office.weights = save_tiny(tmp_path, options={"widths": [width, 2, 2, 2]})
        office.start(image=image, kind="predict", config={"sigma": 0.5})
    assert len(shelf._loaded) == KEPT
    office.start(image=image, kind="predict", config={"sigma": 0.7}, device="cpu")
    assert len(shelf._loaded) == KEPT


def test_networks_load_beside_a_computation(office: Office, tmp_path: Path) -> None:
    """Folding batch norm traces every module's call: not in the midst of a forward pass."""
    job = office.start(config={"n": 1500})
    thread = threading.Thread(target=office.bench.work)
    thread.start()
    loaded = 0
    while office.follow(job)["state"] in ("queued", "running"):
        widths = [loaded % 7 + 2, loaded // 7 % 7 + 2, 2, 2]
        office.weights = save_tiny(tmp_path, options={"widths": widths})
        assert office.model()
        loaded += 1
    office.bench.stop()
    thread.join()
    assert office.follow(job)["error"] is None
    assert office.follow(job)["state"] == "finished"
    assert loaded > 3

"""Networks by the name that a request gives: shipped ones, and an owner's own uploads."""

import logging
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from threading import Lock

from rs_core.assets import asset_path
from rs_core.classifiers import Classifier, load_classifier
from rs_core.classifiers.devices import resolve_device, resolve_precision
from rs_core.classifiers.fingerprints import file_id
from rs_core.classifiers.tracing import ModelLock
from rs_core.errors import DataError, ModelFileError, NotFoundError, RsError, UnknownNameError
from rs_core.models import WEIGHTS, bundled_names, read_spec
from rs_core.models.spec_files import read_spec_file
from rs_core.models.weights import check_shared
from rs_core.results import ModelSpec
from rs_core.store import Belongings

UPLOAD = "upload:"
KEPT = 4
_LOG = logging.getLogger(__name__)


class ModelCache:
    """Where networks come from; the last few stay loaded.

    A request's name never becomes a path or an import: it is a shipped name, a full stem of
    shipped weights, or "upload:<id>" of the same owner.
    """

    def __init__(self, belongings: Belongings, gate: ModelLock) -> None:
        self._belongings, self._gate = belongings, gate
        self._loaded: OrderedDict[tuple[str, str, str, str], Classifier] = OrderedDict()
        self._lock = Lock()

    def path(self, owner: str, model: str) -> Path:
        """The weights file of a name.

        Raises:
            UnknownNameError: nothing is shipped under that name.
            NotFoundError: this owner has no such upload.
        """
        if model.startswith(UPLOAD):
            return self._belongings.model(owner, model.removeprefix(UPLOAD))
        try:
            return asset_path("weights", f"{WEIGHTS.get(model, model)}.safetensors")
        except (DataError, OSError, ValueError):
            raise UnknownNameError("model", model[:80], bundled_names()) from None

    def spec(self, owner: str, model: str) -> ModelSpec:
        """What a network is, without loading it."""
        return read_spec(self.path(owner, model))

    def uploads(self, owner: str) -> tuple[dict[str, ModelSpec], dict[str, str]]:
        """(specs, reasons) by name of the networks that an owner brought, the latest last.

        One that no longer reads is among the reasons why: another version may have taken what
        this one refuses, and a disk may have lost a part.
        """
        specs: dict[str, ModelSpec] = {}
        reasons: dict[str, str] = {}
        for name in (UPLOAD + model for model in self._belongings.models(owner)):
            try:
                specs[name] = replace(self.spec(owner, name), weights="")
            except RsError as error:
                reasons[name] = str(error)
            except Exception:  # a list is not lost to one of its items, whatever befell that
                _LOG.exception("a stored model cannot be read")
                reasons[name] = "the model cannot be read: rs.log holds the details."
        return specs, reasons

    def delete(self, owner: str, model: str) -> None:
        """Delete an owner's network, readable or not.

        Raises:
            NotFoundError: this owner has no such network.
        """
        if not model.startswith(UPLOAD):
            raise NotFoundError("model")
        self._belongings.drop_model(owner, model.removeprefix(UPLOAD))

    def own_files(self, owner: str, model: str) -> tuple[ModelSpec, Path]:
        """The spec of an owner's network, naming its weights, and the path of these.

        Raises:
            NotFoundError: this owner has no such network.
        """
        if not model.startswith(UPLOAD):
            raise NotFoundError("model")
        path = self.path(owner, model)
        spec = read_spec_file(path.with_suffix(".json"))
        return replace(spec, weights=spec.weights or f"{model.partition(':')[2]}.safetensors"), path

    def reference(self, owner: str, model: str) -> str:
        """The name that keeps meaning exactly these weights, also after an upgrade."""
        return model if model.startswith(UPLOAD) else self.path(owner, model).stem

    def classifier(self, owner: str, model: str, device: str, precision: str) -> Classifier:
        """The network, ready to run.

        Raises:
            ModelFileError, DeviceError: it does not load, or not there.
        """
        path, on = self.path(owner, model), resolve_device(device)
        number = resolve_precision(precision, on)
        key = (str(path), file_id(read_spec(path)), str(on), number)
        with self._lock:
            if key not in self._loaded:
                with self._gate.loading():
                    made = load_classifier(path, device=str(on), precision=number)
                self._loaded[key] = made
                if len(self._loaded) > KEPT:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return self._loaded[key]

    def upload(self, owner: str, weights: bytes, spec: bytes) -> tuple[str, ModelSpec]:
        """(name for requests, spec) of model files that were tried and found sound.

        Raises:
            ModelFileError: they are foreign, damaged, do not fit each other, or cost more than
                others could wait for.
        """
        before = self._belongings.models(owner)
        model, path = self._belongings.keep_model(owner, weights, spec)
        try:
            with self._gate.loading():
                check_shared(path)
                classifier = load_classifier(path, device="cpu", precision="fp32")
        except BaseException as error:  # whatever it was, it takes the files back that it brought
            if model not in before:
                self._belongings.drop_model(owner, model)
            if isinstance(error, RsError) and not isinstance(error, ModelFileError):
                raise ModelFileError(f"the model cannot be used: {error}") from error
            raise
        return UPLOAD + model, replace(classifier.spec, weights="")

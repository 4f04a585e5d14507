"""The sigmas of a training's images as a file beside its network."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from rs_core.durable import write_durably
from rs_core.errors import ModelFileError, ParameterError
from rs_core.training.history import Trained

SUFFIX = ".sigmas.npz"
_CAP = 1 << 28  # bytes of a file; 50,000 images take 200 kB


def sigma_file(weights: Path) -> Path:
    """Where the sigmas of a model file's training lie, if it assigned any."""
    return weights.with_name(weights.name.removesuffix(".safetensors") + SUFFIX)


def write_sigmas(path: Path, sigmas: np.ndarray, data_sha256: str) -> None:
    """Write them, with the digest of the images that they belong to, in their order.

    Args:
        path: of the file.
        sigmas: float32 (N,), pixels of [0,1].
        data_sha256: of images, labels and order, as a model's provenance has it.
    """
    write_durably(path, packed_sigmas(sigmas, data_sha256))


def save_sigmas(trained: Trained, weights: Path) -> Path | None:
    """The file written beside a trained network's, None where its images have no sigmas."""
    if trained.sigmas is None:
        return None
    path = sigma_file(weights)
    write_sigmas(path, trained.sigmas, trained.spec.provenance["data_sha256"])
    return path


def packed_sigmas(sigmas: np.ndarray, data_sha256: str) -> bytes:
    """The bytes of such a file."""
    raw = io.BytesIO()
    np.savez_compressed(raw, sigma=sigmas.astype(np.float32), data_sha256=np.array(data_sha256))
    return raw.getvalue()


def read_sigmas(path: Path, data_sha256: str) -> np.ndarray:
    """The sigmas (N,) of a file, float32.

    Args:
        path: of the file.
        data_sha256: of the images that they are wanted for.

    Raises:
        ModelFileError: it cannot be read, or holds no sigmas.
        ParameterError: they belong to other images, or to these in another order.
    """
    try:
        if path.stat().st_size > _CAP:
            raise ModelFileError(f"{path.name} is larger than {_CAP >> 20} MB: it holds no sigmas.")
        with np.load(path, allow_pickle=False) as found:
            sigmas, digest = _checked(found["sigma"]), str(found["data_sha256"])
    except OSError as error:
        raise ModelFileError(f"{path.name} cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        raise ModelFileError(
            f"{path.name} holds no sigmas of training images: take the file that rs train wrote "
            "beside the network."
        ) from None
    if digest != data_sha256:
        raise ParameterError(
            f"{path.name} holds the sigmas of {len(sigmas):,} other images, or of these in another "
            "order: train on the data set that they were assigned to."
        )
    return sigmas


def _checked(sigmas: Any) -> np.ndarray:
    """Refuse what is no row of noise levels.

    Raises:
        ValueError: it is not.
    """
    fits = sigmas.dtype == np.float32 and sigmas.ndim == 1 and len(sigmas)
    if not fits or not (np.isfinite(sigmas) & (sigmas > 0)).all():
        raise ValueError
    return np.asarray(sigmas)

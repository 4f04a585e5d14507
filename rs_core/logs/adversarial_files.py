"""Adversarial images as files: 8-bit pictures exactly as they were confirmed, and float arrays."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from rs_core.errors import ParameterError
from rs_core.results.attack_trial import AttackTrial


def png_file(stored: np.ndarray) -> bytes:
    """A PNG that holds exactly these 8-bit pixels.

    Args:
        stored: (C, H, W) whole multiples of 1/255 in [0,1], C is 1 or 3.

    Raises:
        ParameterError: other pixels: an 8-bit file would hold something else.
    """
    levels = np.rint(np.asarray(stored, dtype=np.float64) * 255)
    same = np.array_equal((levels.astype(np.float32) / np.float32(255)), stored)
    if not same or levels.min() < 0 or levels.max() > 255 or stored.shape[0] not in (1, 3):
        raise ParameterError(
            f"an image of shape {stored.shape} is no 8-bit picture: give grey or colour pixels "
            "that are whole multiples of 1/255."
        )
    planes = levels.astype(np.uint8).transpose(1, 2, 0)
    out = BytesIO()
    Image.fromarray(planes[:, :, 0] if planes.shape[2] == 1 else planes).save(out, "PNG")
    return out.getvalue()


def arrays_file(trial: AttackTrial, images: Sequence[np.ndarray]) -> bytes:
    """An npz with a row per image, to be read without pickle.

    `image`, `adversarial`, `stored` float32 (N, C, H, W) in [0,1]; `leave` the class to leave,
    `l2`, `linf`, `success`, `confirmed`, `stored_confirmed`, `name`.

    Args:
        images: the pixels (C, H, W) that were attacked, in the trial's order.
    """
    results = trial.results
    out = BytesIO()
    np.savez_compressed(
        out,
        image=np.stack(list(images)),
        adversarial=np.stack([result.adversarial for result in results]),
        stored=np.stack([result.stored for result in results]),
        leave=np.array([result.label for result in results]),
        l2=np.array([result.l2 for result in results]),
        linf=np.array([result.linf for result in results]),
        success=np.array([result.success for result in results]),
        confirmed=np.array([bool(result.confirmed) for result in results]),
        stored_confirmed=np.array([bool(result.stored_confirmed) for result in results]),
        name=np.array(trial.names),
    )
    return out.getvalue()

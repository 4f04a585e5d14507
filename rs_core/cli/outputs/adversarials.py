"""Where adversarial images go: one picture, one npz, or a folder of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from rs_core.cli.terminal import told
from rs_core.durable import check_writable, write_durably
from rs_core.errors import ParameterError
from rs_core.logs.adversarial_files import arrays_file, png_file
from rs_core.plots.text import tidy
from rs_core.results.attack import AttackResult
from rs_core.results.attack_trial import AttackTrial, is_already

ARRAYS = "adversarials.npz"


@dataclass(frozen=True)
class Adversarials:
    """The --out option; nothing is written where it was left out."""

    path: Path | None
    kind: Literal["png", "npz", "folder"] = "folder"

    @classmethod
    def at(cls, path: Path | None, single: bool, inputs: Sequence[Path]) -> "Adversarials":
        """The files of a path, refused before anything is computed where they cannot be written.

        Args:
            path: NAME.npz, NAME.png, or a folder, which is made.
            single: whether one image is attacked.
            inputs: files that the command reads.

        Raises:
            ParameterError: it cannot be written, it is an input, one picture for many images, or
                there are adversarial images already.
        """
        if path is None:
            return cls(None)
        shown, ending = tidy(str(path)), path.suffix.lower()
        if path.is_dir() or ending not in (".png", ".npz"):
            if path.exists() and not path.is_dir():
                raise ParameterError(
                    f"--out {shown} is a file: name a folder, NAME.npz, or NAME.png."
                )
            _check_none(path / ARRAYS, shown)
            return cls(path)
        if ending == ".png" and not single:
            raise ParameterError(
                f"--out {shown} is one picture and there are several images: name a folder or "
                "NAME.npz."
            )
        if any(path.exists() and other.exists() and path.samefile(other) for other in inputs):
            raise ParameterError(
                f"cannot write {shown}: it is read by this command; name another file."
            )
        _check_none(path, shown)
        try:
            check_writable(path)
        except OSError as error:
            raise ParameterError(
                f"cannot write {shown} ({error.strerror}): name a file in a folder that exists "
                "and may be written to."
            ) from None
        return cls(path, "png" if ending == ".png" else "npz")

    def write(self, trial: AttackTrial, images: Sequence[np.ndarray]) -> list[str]:
        """Writes the files; says in words what lies where.

        Raises:
            DataError: the system refuses.
        """
        if self.path is None:
            return []
        where = tidy(str(self.path))
        with told(self.path):
            if self.kind == "png":
                write_durably(self.path, png_file(trial.results[0].stored))
                return [f"{_kind(trial.results[0])} in {where}"]
            if self.kind == "npz":
                write_durably(self.path, arrays_file(trial, images))
                return [f"what the attack left, as arrays, in {where}: {_counted(trial)}"]
            self.path.mkdir(parents=True, exist_ok=True)
            for index, result in zip(trial.indices, trial.results, strict=True):
                write_durably(self.path / f"{index:05d}.png", png_file(result.stored))
            write_durably(self.path / ARRAYS, arrays_file(trial, images))
        count = len(trial.results)
        return [f"{count} 8-bit images (INDEX.png) and {ARRAYS} in {where}: {_counted(trial)}"]


def _kind(result: AttackResult) -> str:
    """What the 8-bit file of one image holds."""
    if is_already(result):
        if result.confirmed:
            return "8-bit copy of the image, which is misclassified as it is,"
        return "8-bit copy of the image, which the attack left as it is,"
    if result.stored_confirmed:
        return "8-bit adversarial image"
    if result.confirmed:
        return "8-bit copy of a confirmed adversarial image, itself not confirmed,"
    return "where the attack ended, which is no confirmed adversarial image,"


def _counted(trial: AttackTrial) -> str:
    """How many of the images are adversarial at all."""
    held = sum(bool(r.confirmed) and not is_already(r) for r in trial.results)
    return f"{held} of {len(trial.results)} are confirmed adversarial images"


def _check_none(path: Path, shown: str) -> None:
    """Refuse to replace the images of an earlier command, which took it long to find."""
    if path.is_file() and path.stat().st_size > 0:
        raise ParameterError(
            f"--out {shown} holds adversarial images already: name another place, or delete them."
        )

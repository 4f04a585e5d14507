"""Checkpoints that survive a kill at any moment: safetensors for tensors, json for the rest."""

import json
import os
import struct
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from rs_core.durable import write_durably
from rs_core.errors import CheckpointError

FILE_NAME = "checkpoint.rsc"
PREVIOUS_NAME = "checkpoint.prev.rsc"
_MAGIC = b"RSLABCK1"
_HEADER_CAP = 64 << 20


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """State between two optimiser steps.

    Fields:
        tensors: weights, averages, momenta and what is kept per image, by name, on the CPU.
        state: json values: identity of the training, steps done, history.
        passed_over: why a newer file was not read; empty where there was none.
    """

    tensors: dict[str, Tensor]
    state: dict[str, Any]
    passed_over: str = ""

    @property
    def epochs_done(self) -> int:
        """Whole epochs of the training so far."""
        return len(self.state.get("history", ()))

    @property
    def is_finished(self) -> bool:
        """Whether the training that wrote it had no epoch left to do."""
        history = self.state.get("history", ())
        return bool(history) and len(history) >= history[-1]["epochs"]


def save_checkpoint(folder: Path, checkpoint: Checkpoint, *, parents: bool = True) -> Path:
    """The file written, durable when this returns; the one before it is kept beside it.

    One file holds tensors and json, under one sha256, so a kill cannot leave two halves of
    different epochs.

    Args:
        folder: is made if need be.
        checkpoint: what is kept.
        parents: whether the folders above are made too; otherwise FileNotFoundError is raised.
    """
    folder.mkdir(parents=parents, exist_ok=True)
    path = folder / FILE_NAME
    state = json.dumps(checkpoint.state).encode()
    body = struct.pack("<Q", len(state)) + state + safetensors.torch.save(checkpoint.tensors)
    if path.exists():
        _keep_previous(path, folder / PREVIOUS_NAME)
    write_durably(path, _MAGIC + sha256(body).digest() + body)
    return path


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest whole checkpoint of a folder, or None where there has been none.

    Raises:
        CheckpointError: neither the newest nor the previous file is whole.
    """
    found = [p for p in (folder / FILE_NAME, folder / PREVIOUS_NAME) if p.exists()]
    if not found:
        return None
    reasons: list[str] = []
    for path in found:
        try:
            return replace(_read(path), passed_over=" ".join(reasons))
        except CheckpointError as error:
            reasons.append(str(error))
    raise CheckpointError(" ".join(reasons) + " Delete the folder to start the training anew.")


def keep_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Save the state; the training can go on from there.

    Raises:
        CheckpointError: the file cannot be written, and the one before is still there; or the
            folder above was deleted, which ends a training and is not made again.
    """
    try:
        save_checkpoint(folder, checkpoint, parents=False)
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder.parent} was deleted while this training went on: it ends here, start it "
            "again."
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint of epoch {checkpoint.epochs_done} cannot be written to {folder} "
            f"({error.strerror}): make room and resume from the one before."
        ) from None


def check_nothing_unfinished(folder: Path) -> None:
    """Refuse a folder in which a new training would overwrite one that was not finished.

    Raises:
        CheckpointError: there is one, or a file of it that cannot be read.
    """
    saved = load_checkpoint(folder)
    if saved is not None and not saved.is_finished:
        history = saved.state.get("history") or [{"epochs": saved.state.get("epochs", "?")}]
        epochs = history[-1]["epochs"]
        raise CheckpointError(
            f"{folder} holds an unfinished training (epoch {saved.epochs_done} of {epochs}), which "
            "a new one would overwrite: give --resume to go on, another --name or --out, or "
            "delete the folder."
        )


def forget_checkpoint(folder: Path) -> bool:
    """Delete what is kept of a training, so that it is not taken for another's; whether it was."""
    found = [p for p in (folder / FILE_NAME, folder / PREVIOUS_NAME) if p.exists()]
    for path in found:
        path.unlink()
    return bool(found)


def _keep_previous(path: Path, previous: Path) -> None:
    link = path.with_name(f".{previous.name}.{os.getpid()}.tmp")
    link.unlink(missing_ok=True)
    try:
        link.hardlink_to(path)
        link.replace(previous)
    except OSError:
        write_durably(previous, path.read_bytes())
    finally:
        link.unlink(missing_ok=True)


def _read(path: Path) -> Checkpoint:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read ({error.strerror}).") from None
    start = len(_MAGIC) + 32
    if raw[: len(_MAGIC)] != _MAGIC or len(raw) < start + 8:
        raise CheckpointError(f"{path.name} is not a checkpoint of this program.")
    body = raw[start:]
    if sha256(body).digest() != raw[len(_MAGIC) : start]:
        raise CheckpointError(f"{path.name} is damaged: its sha256 does not match.")
    (length,) = struct.unpack_from("<Q", body)
    if length > min(_HEADER_CAP, len(body) - 8):
        raise CheckpointError(f"{path.name} is damaged: its header does not fit the file.")
    try:
        state = json.loads(body[8 : 8 + length])
        return Checkpoint(safetensors.torch.load(body[8 + length :]), state)
    except (ValueError, RecursionError, SafetensorError) as error:
        raise CheckpointError(f"{path.name} is damaged: {error}.") from None

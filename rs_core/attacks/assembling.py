"""Results of a group of images, with the warnings that its steps gave."""

from dataclasses import dataclass

import numpy as np

from rs_core.attacks.scene import Found, Scene
from rs_core.results.attack import ALREADY, ALREADY_ITSELF, AttackResult, as_stored, norms


@dataclass(frozen=True, eq=False)
class _Row:
    """One image's share of what was found."""

    pixels: np.ndarray
    success: bool
    already: bool
    trace: tuple[float, ...]
    broken: int
    dead: int


def attack_results(
    scene: Scene, found: Found, seed: int, *, name: str, spare: bool, gradient_free: bool
) -> list[AttackResult]:
    """One result per image; an image that was misclassified beforehand stays as it is.

    Args:
        name: of the attack.
        spare: off, such an image is attacked too: another network may be asked about it.
        gradient_free: whether the attack asks for no gradient, which then cannot be masked.
    """
    already = scene.already() & spare
    final = found.pixels.where(~already[:, None, None, None], scene.pixels)
    sigmas = scene.target.settle(final, None)
    pixels = final.contiguous().cpu().numpy()
    columns = found.trace.cpu().double().numpy().T
    rows = [
        _Row(p, s or a, a, tuple(t), b, d)
        for p, s, a, t, b, d in zip(
            pixels, found.success.tolist(), already.tolist(), columns.tolist(),
            found.broken.tolist(), found.dead.tolist(), strict=True,
        )
    ]  # fmt: skip
    noisy = scene.target.noisy
    notes = [_notes(row, found.steps, gradient_free, noisy=noisy) for row in rows]
    return [_result(name, scene, i, row, sigmas, seed, notes[i]) for i, row in enumerate(rows)]


def _result(
    name: str,
    scene: Scene,
    index: int,
    row: _Row,
    sigmas: list[float] | None,
    seed: int,
    notes: tuple[str, ...],
) -> AttackResult:
    image = scene.images[index]
    l2, linf = norms(row.pixels, image.pixels)
    stored_l2, stored_linf = norms(as_stored(row.pixels), image.pixels)
    targets = scene.goal.targets
    return AttackResult(
        attack=name,
        target=scene.target.described,
        label=int(scene.goal.labels[index]),
        goal=None if targets is None else int(targets[index]),
        adversarial=row.pixels,
        success=row.success,
        l2=l2,
        linf=linf,
        stored_l2=stored_l2,
        stored_linf=stored_linf,
        loss_trace=row.trace,
        sigma=None if sigmas is None else sigmas[index],
        passes=scene.spent,
        weights_id=scene.classifier.weights_id,
        image_digest=image.digest,
        seed=seed,
        notes=notes,
        precision=scene.classifier.precision,
    )


def _notes(row: _Row, steps: int, gradient_free: bool, *, noisy: bool) -> tuple[str, ...]:
    notes = []
    if row.already:
        notes.append(ALREADY if noisy else ALREADY_ITSELF)
    if row.broken:
        notes.append(f"warning: NaN or infinite gradient in {row.broken} of {steps} steps")
    if row.dead:
        notes.append(f"warning: zero gradient in {row.dead} of {steps} steps")
    trace = np.array(row.trace)
    climbing = len(trace) > 1 and not row.success and not gradient_free
    if climbing and not np.nanmax(trace[1:], initial=-np.inf) > trace[0]:
        notes.append(
            "warning: the loss never rose; its gradient may be masked: try loss=margin, more "
            "copies, or 'square'"
        )
    return tuple(notes)

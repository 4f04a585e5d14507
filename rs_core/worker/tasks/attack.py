"""An attack on images, built from JSON values with every field checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rs_core.attacks import ATTACKS, Attack
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError, UnknownNameError
from rs_core.events import Stream
from rs_core.experiments import TryAttack, confirmation_for
from rs_core.fields import describe_fields
from rs_core.images import ImageInput
from rs_core.results import to_json
from rs_core.results.attack_trial import STATEMENTS, AttackTrial, trial_risk
from rs_core.worker.requests import shortened
from rs_core.worker.settings import built
from rs_core.worker.tasks.base import Origin, Share, selector_config, selector_from

# One step of an attack ends before anybody else has a turn.
MAX_DRAWS = 512
MAX_JUDGED = 2048
MAX_PICKING = 50_000  # noisy copies of one choice of sigma, where it is a part of a step
MAX_PASSES = 10_000_000  # forward passes of a whole run
MAX_LOOKS = 20_000  # steps whose losses a result keeps, one piece of JSON
_PARTS = ("attack", "settings", "selector", "confirm", "check")
_CONFIRM = ("n", "alpha", "confirmations", "stretch")


@dataclass(frozen=True)
class AttackTask:
    """An attack as the worker runs it."""

    trial: TryAttack

    @property
    def share(self) -> Share:
        """The confirmation, and PREDICT before and after; exact for a network alone."""
        confirm, smoothed = self.trial.confirm, self.trial.attack.smoothed
        risk = trial_risk(confirm.alpha, confirm.confirmations) if smoothed else 0.0
        return Share(STATEMENTS, risk)

    def config(self) -> dict[str, Any]:
        """All settings, as JSON values that `attack_task` takes."""
        attack, confirm = self.trial.attack, self.trial.confirm
        picker = attack.selector
        return {
            "attack": attack.name,
            "settings": {f.name: to_json(getattr(attack, f.name)) for f in _fields(attack.name)},
            "selector": None if picker is None else selector_config(picker),
            "confirm": {name: getattr(confirm, name) for name in _CONFIRM},
            "check": self.trial.self_check,
        }

    def most_passes(self, count: int) -> int:
        """The confirmation and the votes included; refuses too many."""
        passes = count * self.trial.most_passes
        if passes > MAX_PASSES:
            raise ParameterError(
                f"this attack would cost about {passes:,} forward passes: the limit is "
                f"{MAX_PASSES:,}; give fewer steps, restarts, copies or images."
            )
        return passes

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse what would cost too much, and what could not end well."""
        self.most_passes(len(images))
        self.trial.check(classifier, images)

    def run(
        self, classifier: Classifier, images: Sequence[ImageInput], *, seed: int, batch_size: int
    ) -> Stream[AttackTrial]:
        """Yields steps, then the trial."""
        return self.trial.run(classifier, images, seed=seed, batch_size=batch_size)


def attack_task(config: Mapping[str, Any], origin: Origin) -> AttackTask:
    """The checked attack of a config.

    Args:
        config: "attack", a name of `ATTACKS`; "settings" of its fields; "selector", none or an
            object with "selector" and "settings", for the pipeline; "confirm" with n, alpha,
            confirmations, stretch; "check", whether the attack itself is to be checked.

    Raises:
        ParameterError, UnknownNameError: a field is unknown, of another kind, out of its range, or
            a step would keep everybody else waiting.
    """
    unknown = [name for name in config if name not in _PARTS]
    if unknown:
        raise ParameterError(
            f"{shortened(unknown[0])} is no setting of attack: it has {', '.join(_PARTS)}."
        )
    attack = attack_of(config.get("attack"), config.get("settings"), config.get("selector"))
    confirm = config.get("confirm")
    if not isinstance(confirm, dict | None) or not set(confirm or {}) <= set(_CONFIRM):
        raise ParameterError(
            f"confirm={shortened(confirm)} must be an object with {', '.join(_CONFIRM)}."
        )
    check = config.get("check", False)
    if not isinstance(check, bool):
        raise ParameterError(f"check={shortened(check)} must be true or false.")
    trial = TryAttack(
        attack=attack, confirm=confirmation_for(attack, **(confirm or {})), self_check=check,
        dataset=origin.dataset, indices=origin.indices,
    )  # fmt: skip
    return AttackTask(trial)


def attack_of(name: Any, settings: Any, selector: Any) -> Attack:
    """The attack of these JSON values; null is none where a field takes that, else its default.

    Raises:
        ParameterError, UnknownNameError: see `attack_task`.
    """
    if not isinstance(name, str) or name not in ATTACKS:
        raise UnknownNameError("attack", str(name)[:40], ATTACKS)
    if not isinstance(settings, dict | None):
        raise ParameterError(f"settings={shortened(settings)} must be an object.")
    given = dict(settings or {})
    picker = None if selector is None else selector_from(selector)
    also: dict[str, Any] = {"selector": picker}
    if picker is not None or ("sigma" in given and given["sigma"] is None):
        also["sigma"] = None
    kept = {field: value for field, value in given.items() if value is not None}
    attack = built(ATTACKS[name], kept, name, fields=_fields(name), also=also)
    _check_step(attack)
    return attack


def _fields(name: str) -> Any:
    return describe_fields(ATTACKS[name])


def _check_step(attack: Attack) -> None:
    """Refuse steps that would take seconds, and traces that no result should carry."""
    draws = attack.draws if attack.smoothed else 1
    looks = attack.passes // attack.draws
    held = [
        ("draws", draws, MAX_DRAWS, "noisy copies a step"),
        ("judged", attack.judged, MAX_JUDGED, "noisy copies a judgement"),
        ("steps", looks, MAX_LOOKS, "steps in all, restarts and rounds among them"),
    ]
    if attack.selector is not None and attack.reselect:
        picking = attack.selector.most_draws
        held.append(("selector", picking, MAX_PICKING, "noisy copies of one choice of sigma"))
    for name, value, limit, what in held:
        if value > limit:
            raise ParameterError(
                f"{name}: {value:,} {what} would keep everybody else waiting: the limit is "
                f"{limit:,} here, the command line takes more."
            )

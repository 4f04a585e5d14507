"""`rs attack`: adversarial images, confirmed on fresh noise."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from rs_core.attacks import Attack, Confirm
from rs_core.cli.choices import ModelChoice
from rs_core.cli.nested import ATTACK, attack_of, with_attack
from rs_core.cli.outputs.adversarials import Adversarials
from rs_core.cli.outputs.attack_text import attack_lines
from rs_core.cli.outputs.origins import facts_of, origin_of
from rs_core.cli.outputs.results import Tables, print_json
from rs_core.cli.outputs.text import heading, notes_below
from rs_core.cli.pictures import ImageChoice
from rs_core.cli.progress import follow
from rs_core.cli.remarks import print_remarks
from rs_core.evaluation.summary import attacked_summary
from rs_core.experiments import TryAttack, confirmation_for
from rs_core.fields import param
from rs_core.logs.attack import write_trial
from rs_core.results import to_json
from rs_core.selectors import SELECTORS


@dataclass(frozen=True, kw_only=True)
class AttackCommand:
    """Look for adversarial images, and let PREDICT on fresh noise say which of them count.

    The fields of the attack are plain options, those of the selector `--selector-FIELD`. Without
    --sigma and --selector the network itself is attacked; epgd and minimal, which need noise, then
    attack the smoothed network at a sigma of their own, 0.25. What an attack does not find proves
    nothing.
    """

    sigma_given: ClassVar[bool] = False  # whether --sigma was typed

    image: ImageChoice = field(default_factory=ImageChoice)
    model: ModelChoice = field(default_factory=ModelChoice)
    output: Tables = field(default_factory=Tables)
    attack: str = ATTACK
    selector: str | None = param(
        None, help="attack the pipeline in which this one picks sigma", choices=tuple(SELECTORS)
    )
    confirm_n: int = param(1000, help="fresh noisy copies per PREDICT", low=1, high=1e8)
    confirm_alpha: float = param(
        1e-3, help="probability that a confirmation of an image is false",
        low=0, high=0.5, low_open=True,
    )  # fmt: skip
    confirmations: int | None = param(
        None, help="most PREDICTs per image; 4, or 8 for the smallest norm", low=2, high=100
    )
    check: bool = param(False, help="also check the attack beside ones that cannot be masked")
    out: Path | None = param(
        None, help="write adversarial images: NAME.npz, NAME.png for one image, or a folder"
    )

    @classmethod
    def for_arguments(cls, arguments: Sequence[str]) -> type["AttackCommand"]:
        """This command with the fields of the attack and the selector that are named."""
        return with_attack(cls, arguments)

    def run(self) -> int:
        """Compute, print, write; the exit code."""
        inputs = (*self.image.files(), *self.model.files())
        self.output.check(*inputs)
        files = Adversarials.at(self.out, self.image.is_single, inputs)
        attack = attack_of(self)
        trying = TryAttack(attack=attack, confirm=self._confirm(attack), self_check=self.check)
        classifier = self.model.load()
        chosen = self.image.load(classifier.spec)
        images = [item.image for item in chosen.items]
        trying = replace(
            trying, dataset=self.image.set_name, indices=tuple(i.index for i in chosen.items)
        )
        trying.check(classifier, images)
        stream = trying.run(
            classifier, images, seed=self.model.noise_seed, batch_size=self.model.batch_size
        )
        with self.output.growing_table() as table:
            trial = follow(stream, label=self.attack)
            text = io.StringIO()
            write_trial(text, trial, origin_of(self.image))
            table.add(text.getvalue())
        kept = files.write(trial, [image.pixels for image in images])
        if self.output.json:
            accuracy = {"accuracy": to_json(attacked_summary(trial))}
            print_json({**to_json(trial), **accuracy, **facts_of(origin_of(self.image))})
            return chosen.ended("attack")
        said = attack_lines(trial, classifier.spec.class_names)
        for line in (heading(classifier), *said, *notes_below(chosen), *kept):
            print(line)
        print_remarks(classifier, [result.sigma for result in trial.results])
        return chosen.ended("attack")

    def _confirm(self, attack: Attack) -> Confirm:
        asked = {} if self.confirmations is None else {"confirmations": self.confirmations}
        return confirmation_for(attack, n=self.confirm_n, alpha=self.confirm_alpha, **asked)

"""`rs regions`: freeze an allocation of regions in a file, look whether it is as it was, ask it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from rs_core import __version__
from rs_core.classifiers import Classifier
from rs_core.cli.choices import ModelChoice
from rs_core.cli.commands.select import print_selections
from rs_core.cli.nested import (
    SELECTOR,
    check_possible,
    paired,
    selector_of,
    with_selector,
)
from rs_core.cli.outputs.origins import facts_of, origin_of
from rs_core.cli.outputs.results import print_json
from rs_core.cli.outputs.text import certificate_table, degree_table, notes_below, region_table
from rs_core.cli.pictures import ImageChoice
from rs_core.cli.pictures import Selection as Chosen
from rs_core.cli.progress import follow
from rs_core.cli.seeds import is_given, seed_line
from rs_core.durable import check_writable
from rs_core.errors import ParameterError
from rs_core.events import Stream
from rs_core.fields import check_params, param, shown
from rs_core.guarantees.regions.allocation import Allocation
from rs_core.guarantees.regions.file import (
    AllocationRecord,
    check_absent,
    prepared,
    read_allocation,
    write_allocation,
)
from rs_core.guarantees.regions.guarantee import Regions, RegionsStep
from rs_core.guarantees.regions.query import AskRegions, Reply
from rs_core.plots.text import tidy
from rs_core.results import Certificate, to_json
from rs_core.statistics import ceil_digits

_FILE: Any = param(help="file that rs regions allocate wrote")


@dataclass(frozen=True, kw_only=True)
class AllocateCommand:
    """Pick a sigma per image, certify there, divide input space into regions, freeze them.

    The fields of the selector are options `--selector-FIELD`. The file is new and is written
    once: certificates hold for queries after that moment.
    """

    out: Path = param(help="file for the frozen allocation; it must not exist")
    image: ImageChoice = field(default_factory=ImageChoice)
    model: ModelChoice = field(default_factory=ModelChoice)
    selector: str = SELECTOR
    settings: Regions = field(default_factory=Regions)
    json: bool = param(False, help="print certificates and hash as JSON")

    @classmethod
    def for_arguments(cls, arguments: Sequence[str]) -> type["AllocateCommand"]:
        """This command with the fields of the selector that is named."""
        return with_selector(cls, arguments)

    def run(self) -> int:
        """Compute, print, freeze; the exit code."""
        self._check_out()
        selector = selector_of(self)
        paired(selector, self.settings, declared=False)
        classifier = self.model.load()
        chosen = self.image.load(classifier.spec)
        chosen.check_whole("regions are frozen for all images or for none")
        images = [item.image for item in chosen.items]
        check_possible(selector, self.settings, classifier, images)
        options = {"seed": self.model.noise_seed, "batch_size": self.model.batch_size}
        picked = follow(selector.run(classifier, images, **options), label=self.selector)
        frozen: list[RegionsStep] = []
        stream = self.settings.run(classifier, images, picked, **options)
        certificates = follow(_keeping(stream, frozen), label="regions")
        record = self._record(classifier, chosen, certificates, frozen[0])
        write_allocation(self.out, record)
        if self.json:
            rows = [
                {
                    "name": item.image.name,
                    "index": item.index,
                    "label": item.image.label,
                    "certificate": to_json(certificate),
                }
                for item, certificate in zip(chosen.items, certificates, strict=True)
            ]
            origin = facts_of(origin_of(self.image))
            print_json({"hash": record.allocation.hash, "images": rows, **origin})
            return 0
        print(seed_line())
        print_selections(chosen, picked)
        print(certificate_table(certificates, classifier.spec.class_names, chosen.names))
        print(f"error of each row: {self.settings.budget}")
        for note in (*record.notes, *record.allocation.notes):
            print(f"note: {note}")
        for note in notes_below(chosen):
            print(note)
        print(degree_table(record.degrees))
        print(f"frozen in {self.out}, hash {record.allocation.hash}")
        return 0

    def _check_out(self) -> None:
        """Refuse, before anything is computed, a file that is there or cannot be written."""
        check_absent(self.out)
        try:
            check_writable(self.out)
        except OSError as error:
            raise ParameterError(
                f"cannot write {tidy(str(self.out))} ({error.strerror}): name a file in a folder "
                "that exists and may be written to."
            ) from None

    def _record(
        self,
        classifier: Classifier,
        chosen: Chosen,
        certificates: Sequence[Certificate],
        step: RegionsStep,
    ) -> AllocationRecord:
        firsts = {item.image.digest: k for k, item in reversed([*enumerate(chosen.items)])}
        points = [firsts[digest] for digest in step.allocation.digests]
        settings = {"selector": str(selector_of(self)), "guarantee": str(self.settings)}
        return AllocationRecord(
            allocation=step.allocation,
            unfinished=step.unfinished,
            network=classifier.spec.name,
            prepared=prepared(classifier),
            class_names=classifier.spec.class_names,
            names=tuple(chosen.names[k] for k in points),
            statements=tuple(certificates[k].statement for k in points),
            degrees=tuple(step.degrees.tolist()),
            notes=step.notes,
            settings=settings | {"seed": str(self.model.noise_seed)},
            program=f"rs-lab {__version__}",
        )


@dataclass(frozen=True, kw_only=True)
class CheckCommand:
    """Whether a frozen allocation is as it was: its hash, regions from pixels, radii from votes.

    Whoever makes a file can make hash and votes fit: only the hash that was published when it was
    frozen tells a forged one.
    """

    leading: ClassVar[str] = "file"

    file: Path = _FILE
    hash: str = param("", help="the hash that was published when it was frozen")

    def run(self) -> int:
        """Look, say; the exit code."""
        record = _checked(self.file)
        allocation = record.allocation
        published = self.hash.strip().lower()
        if published and published != allocation.hash:
            raise ParameterError(
                f"{self.file.name} has hash {allocation.hash}, and {shown(self.hash)} was "
                "published: it is another allocation; use the original file."
            )
        state = "is as it was frozen" if published else "agrees with itself"
        print(
            f"{self.file.name} {state}: hash {allocation.hash}, "
            f"{allocation.regions.size} regions of {len(allocation.digests)} points, "
            f"{allocation.mode}, none meets one that it must not; written by {record.program}"
        )
        print(_backed(allocation))
        if not published:
            print("give the hash that was published with --hash: a forged file agrees, too")
        return 0


@dataclass(frozen=True, kw_only=True)
class ShowCommand:
    """The regions of a frozen allocation; with an image, what it answers to that query.

    A query inside a region gets its label. One outside all is certified at the fallback sigma
    on fresh draws, where the allocation has one, and abstains where not.
    """

    leading: ClassVar[str] = "file"

    file: Path = _FILE
    image: ImageChoice = field(default_factory=ImageChoice)
    model: ModelChoice = field(default_factory=ModelChoice)
    ask: AskRegions = field(default_factory=AskRegions)
    json: bool = param(False, help="print as JSON")

    def __post_init__(self) -> None:
        check_params(self)

    def run(self) -> int:
        """Read, ask, print; the exit code."""
        record = _checked(self.file)
        if self.image.image is None and self.image.dataset is None:
            model = self.model if is_given() else replace(self.model, seed=None)
            asked = (self.image, model, self.ask)
            if asked != (ImageChoice(), ModelChoice(), AskRegions()):
                raise ParameterError(
                    "these options belong to a query: name it with --image or --dataset, or leave "
                    "them out."
                )
            self._describe(record)
            return 0
        classifier = self.model.load()
        record.hold(classifier)
        chosen = self.image.load(classifier.spec)
        stream = self.ask.run(
            classifier, [item.image for item in chosen.items], record.allocation,
            class_names=record.class_names, seed=self.model.noise_seed,
            batch_size=self.model.batch_size,
        )  # fmt: skip
        replies = follow(stream, label="query")
        if self.json:
            rows = [
                {**facts_of(origin_of(self.image), item), **_reply_json(reply)}
                for item, reply in zip(chosen.items, replies, strict=True)
            ]
            print_json(rows[0] if chosen.single else rows)
            return chosen.ended("regions show")
        print(seed_line())
        for name, reply in zip(chosen.names, replies, strict=True):
            print(f"{tidy(name)}: {_place(reply, record)}\n{tidy(reply.statement)}")
        for note in notes_below(chosen):
            print(note)
        return chosen.ended("regions show")

    def _describe(self, record: AllocationRecord) -> None:
        allocation = record.allocation
        if self.json:
            print_json(to_json(record))
            return
        print(region_table(record))
        print(degree_table(record.degrees))
        for name, text in record.settings.items():
            print(f"{tidy(name)}: {tidy(text)}")
        outside = "abstain" if allocation.fallback_sigma is None else allocation.fallback_sigma
        print(f"network: {tidy(record.network)}, weights {tidy(allocation.weights_id)}")
        print(f"mode: {allocation.mode}; sigma outside all regions: {outside}")
        for note in (*record.notes, *allocation.notes):
            print(f"note: {tidy(note)}")
        print(_backed(allocation))
        print(f"hash: {allocation.hash}")


def _backed(allocation: Allocation) -> str:
    """What is known of the radii, and the risks."""
    if allocation.alpha is None or allocation.risk is None:
        return (
            "radii: not checkable, this file keeps no certificates; its statements name the risks"
        )
    each = ceil_digits(allocation.alpha, 3)
    if allocation.mode == "label_aware":
        return f"radii: none larger than its votes give; P(any statement is false) \u2264 {each}"
    every = f"\u2264 {ceil_digits(allocation.risk, 3)}" if allocation.risk < 1 else "not bounded"
    return (
        f"radii: none larger than its votes give; P(a statement is false) \u2264 {each}, P(any is) "
        f"{every}"
    )


def _checked(path: Path) -> AllocationRecord:
    record = read_allocation(path)
    record.allocation.check()
    return record


def _keeping(stream: Stream[tuple[Certificate, ...]], kept: list[RegionsStep]) -> Iterator[Any]:
    for event in stream:
        if isinstance(event, RegionsStep):
            kept.append(event)
        yield event


def _place(reply: Reply, record: AllocationRecord) -> str:
    region = reply.answer.region
    if region is None:
        return "outside every region"
    return f"in region {region}, of {tidy(record.names[region])}"


def _reply_json(reply: Reply) -> dict[str, Any]:
    answer = {name: to_json(value) for name, value in reply.answer._asdict().items()}
    return {
        **answer,
        "certificate": to_json(reply.certificate),
        "statement": reply.statement,
    }

"""Certificates and the notes beside them, as aligned text."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rs_core.classifiers import Classifier
from rs_core.cli.pictures import Picked, Selection
from rs_core.cli.seeds import seed_line
from rs_core.guarantees.regions.file import AllocationRecord
from rs_core.images import ImageInput
from rs_core.plots.text import share_text, tidy
from rs_core.results import BADGE_WORDS, Certificate
from rs_core.smoothing.statements import class_label
from rs_core.statistics import ceil_digits, floor_decimals

_HEADER = ("sigma", "class", "radius", "votes", "n", "p_lower", "badge")
_WIDEST_CLASS = 30
_WIDEST_BAR = 40


def certificate_table(
    certificates: Sequence[Certificate],
    class_names: tuple[str, ...],
    names: Sequence[str] | None = None,
) -> str:
    """One row per certificate; radii floored to three decimals, abstain shown as abstain."""
    rows = [_header(certificates), *(_row(c, class_names) for c in certificates)]
    if names is not None:
        rows = [(name, *row) for name, row in zip(("image", *names), rows, strict=True)]
    return aligned(rows)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of equally many cells, each column as wide as its widest."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def region_table(record: AllocationRecord) -> str:
    """One row per point of a frozen allocation: its label, its sigma, and its room."""
    allocation = record.allocation
    rows: list[tuple[str, ...]] = [("point", "image", "class", "sigma", "radius", "of region")]
    for k, name in enumerate(record.names):
        label, owner = int(allocation.labels[k]), int(allocation.owners[k])
        known = label < len(record.class_names)
        word = class_label(label, record.class_names) if known else str(label)
        rows.append((
            str(k), tidy(name), "abstain" if label < 0 else tidy(word),
            f"{allocation.sigmas[k]:g}", floor_decimals(float(allocation.radii[k]), 3),
            str(owner) if allocation.radii[owner] > 0 else "-",
        ))  # fmt: skip
    return aligned(rows)


def degree_table(degrees: Sequence[int]) -> str:
    """How many images' own balls meet how many others: Wang et al. (2021), appendix C.1."""
    counts = Counter(degrees)
    most = max(counts.values(), default=1)
    rows = [("balls met", "images", "")]
    for degree in sorted(counts):
        bar = "#" * max(1, round(_WIDEST_BAR * counts[degree] / most))
        rows.append((str(degree), str(counts[degree]), bar))
    return "\n".join(f"{met:>9}  {images:>6}  {bar}".rstrip() for met, images, bar in rows)


def network_line(classifier: Classifier) -> str:
    """Which network answered, in which precision and where."""
    return f"{tidy(classifier.title)} \u00b7 {classifier.precision} \u00b7 {classifier.device}"


def heading(classifier: Classifier) -> str:
    """Which network answered, and on which seed."""
    return "\n".join(filter(None, [network_line(classifier), seed_line()]))


def levels_text(certificates: Sequence[Certificate], alpha: float) -> str:
    """The level that each row, and each bound behind it, pays, where it is only a part of alpha."""
    row, bound = (
        max(levels, default=alpha)
        for levels in (
            [c.alpha for c in certificates],
            [c.level for c in certificates if c.level is not None],
        )
    )
    parts = [f"each row at level {ceil_digits(row, 3)}"] if row < alpha else []
    parts += [f"each of its bounds at {ceil_digits(bound, 3)}"] if bound < row else []
    return f" ({', '.join(parts)})" if parts else ""


class RowsInTurn:
    """The lines of a table whose rows come one by one, as wide as any of them may get."""

    def __init__(
        self, names: Sequence[str], class_names: tuple[str, ...], sigma: float, n: int
    ) -> None:
        self._class_names = class_names
        labels = (tidy(class_label(k, class_names)) for k in range(len(class_names)))
        widest = min(max(map(len, labels), default=0), _WIDEST_CLASS)
        self._widths = (
            max(len("image"), *map(len, names)),
            max(len("sigma"), len(f"{sigma:g}")),
            max(len("abstain"), widest),
            len("12.345"),
            *(max(len("votes"), len(f"{n:,}")),) * 2,
            len("p_lower"),
            len("A Certified"),
        )

    @property
    def header(self) -> str:
        """The line above the rows."""
        return _line(("image", *_HEADER), self._widths)

    def line(self, name: str, certificate: Certificate) -> str:
        """A certificate's row."""
        return _line((name, *_row(certificate, self._class_names)), self._widths)


def image_notes(image: ImageInput, class_names: tuple[str, ...]) -> list[str]:
    """What was done to the image, and its true class where it is known."""
    if image.label is None:
        return list(image.preprocessing)
    known = f"true class {tidy(class_label(image.label, class_names))}"
    return [*image.preprocessing, known]


def notes_below(selection: Selection) -> list[str]:
    """What was done to the images of a folder or data set, and what is to be said of them all.

    Notes that all images share are told once.
    """
    lines = list(_preprocessing(selection.items))
    lines += [f"note: {note}" for note in selection.notes]
    return [*lines, f"note: {selection.unscored}"] if selection.unscored else lines


def _preprocessing(items: Sequence[Picked]) -> Iterable[str]:
    if len(items) > 1 and len({item.image.preprocessing for item in items}) == 1:
        if items[0].image.preprocessing:
            yield f"all {len(items)} images: {'; '.join(items[0].image.preprocessing)}"
        return
    for item in items:
        if item.image.preprocessing:
            yield f"{item.image.name}: {'; '.join(item.image.preprocessing)}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def _badge(certificate: Certificate) -> str:
    return f"{certificate.guarantee} {BADGE_WORDS[certificate.guarantee]}"


def _header(certificates: Sequence[Certificate]) -> tuple[str, ...]:
    """Names of the columns; uniform noise has a lambda and l1 radii."""
    if {certificate.norm for certificate in certificates} == {"l1"}:
        return ("lambda", "class", "l1 radius", *_HEADER[3:])
    return _HEADER


def _row(certificate: Certificate, class_names: tuple[str, ...]) -> tuple[str, ...]:
    predicted = certificate.predicted
    return (
        f"{certificate.sigma:g}",
        "abstain" if predicted is None else tidy(class_label(predicted, class_names)),
        floor_decimals(certificate.radius, 3),
        f"{certificate.n_top:,}",
        f"{certificate.n:,}",
        share_text(certificate.p_lower, 4),
        "-" if predicted is None else _badge(certificate),
    )

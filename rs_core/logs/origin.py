"""Where the rows of a table come from, so that anybody can make them again."""

from dataclasses import dataclass

from rs_core import __version__

_SPLITS = ("train", "test")


@dataclass(frozen=True)
class Origin:
    """What a result's rows share.

    Fields:
        dataset: as `--dataset` takes it, or in words; "" for single pictures and folders.
        split: of the data set; "" for none, or where `dataset` says it in words.
        command: the words typed, quoted for a shell; "rs app" for a result of a page.
        version: of this package.
    """

    dataset: str = ""
    split: str = ""
    command: str = ""
    version: str = __version__

    @classmethod
    def of_page(cls, words: str = "") -> "Origin":
        """Of a result that a page shows; the words name a data set and may end in its split."""
        dataset, _, split = words.rpartition(" ")
        return cls(dataset, split, "rs app") if split in _SPLITS else cls(words, "", "rs app")

"""Numbers and tables in printed text, and what a second printing says otherwise."""

import re

NUMBER = re.compile(r"[+-]?(?:\d[\d,]*)?\.?\d+")


def tables(printed: str) -> list[str]:
    """The Markdown tables in what was printed."""
    rows = re.compile(r"(?:^\|.*\|[ ]*$\n?)+", re.MULTILINE)
    return [found.group().rstrip("\n") for found in rows.finditer(printed)]


def fenced(printed: str) -> str:
    """Printed lines as a block of a document."""
    return "```\n" + "\n".join(line.rstrip() for line in printed.strip("\n").split("\n")) + "\n```"


def differences(old: str, new: str, within: float | None) -> list[str]:
    """What the second text says otherwise: its words, and numbers that moved too far."""
    if NUMBER.sub("#", " ".join(old.split())) != NUMBER.sub("#", " ".join(new.split())):
        return ["other words, rows or columns"]
    if within is None:
        return []
    pairs = zip(NUMBER.findall(old), NUMBER.findall(new), strict=True)
    return [f"{a} is {b}" for a, b in pairs if abs(value_of(a) - value_of(b)) > room_of(a, within)]


def value_of(number: str) -> float:
    """The number that was printed, its commas left out."""
    return float(number.replace(",", ""))


def room_of(number: str, within: float) -> float:
    """By how much it may move: a share of it, or of 1 if it is less."""
    return within * max(1.0, abs(value_of(number))) + 1e-9

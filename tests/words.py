"""Words of a command line, for tests that change some of them: an option is typed once."""

from collections.abc import Sequence


def over(words: Sequence[str], changes: Sequence[str]) -> list[str]:
    """The words with the options of `changes` in place of their own, or added at the end."""
    typed = _split(words) | _split(changes)
    return [word for name, values in typed.items() for word in (*filter(None, [name]), *values)]


def _split(words: Sequence[str]) -> dict[str, list[str]]:
    """The values behind each option; those before the first one behind ""."""
    found: dict[str, list[str]] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word
        found.setdefault(name, [])
        if not word.startswith("--"):
            found[name].append(word)
    return found

"""What the environment may set of the server: nothing that takes its protection away."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rs_core.errors import ParameterError

_FREE = ("THEME_", "LOGGER_", "UI_", "SERVER_PORT", "SERVER_SSL_", "SERVER_COOKIE_SECRET")
_PREFIX = "STREAMLIT_"
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def check_environment(environment: Mapping[str, str], config: Path) -> None:
    """Refuse STREAMLIT_* variables that would overrule the server's settings without a word.

    Those that say what the settings say pass, and those that concern looks, the port, and keys.

    Args:
        environment: variables by name.
        config: the app's config.toml.

    Raises:
        ParameterError: names the variables, and where such a setting belongs.
    """
    ours = _variables(tomllib.loads(config.read_text(encoding="utf-8")))
    foreign = [
        name
        for name, value in sorted(environment.items())
        if name.startswith(_PREFIX)
        and not name.removeprefix(_PREFIX).startswith(_FREE)
        and not (name in ours and _plain(value) == ours[name])
    ]
    if foreign:
        raise ParameterError(
            f"{', '.join(foreign)} in the environment would overrule the settings that protect "
            "the app: unset it, and write what you mean into .streamlit/config.toml."
        )


def _variables(sections: Mapping[str, Any]) -> dict[str, list[str]]:
    """The value of every setting by the name of its variable."""
    return {
        f"{_PREFIX}{section}_{_WORDS.sub('_', option)}".upper(): _plain(str(value))
        for section, options in sections.items()
        if section != "theme"
        for option, value in options.items()
    }


def _plain(value: str) -> list[str]:
    """A value's words: a list is written in several ways."""
    return re.findall(r"[^\s,\[\]\"']+", value.lower())

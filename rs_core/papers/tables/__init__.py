"""The tables that can be run, a module a paper, each in one size or both."""

from rs_core.errors import ParameterError, UnknownNameError
from rs_core.papers.table import SIZES, Size, Table
from rs_core.papers.tables.cascade import CASCADE
from rs_core.papers.tables.ddrs import DDRS
from rs_core.papers.tables.insta import INSTA
from rs_core.papers.tables.pfat import PFAT
from rs_core.papers.tables.trial import TRIAL
from rs_core.papers.tables.yardstick import YARDSTICK

TABLES: dict[tuple[str, Size], Table] = {
    (one.name, one.size): one for one in (*TRIAL, *CASCADE, *YARDSTICK, *DDRS, *PFAT, *INSTA)
}


def table_names() -> tuple[str, ...]:
    """The ids of the tables that can be run, in order."""
    return tuple(dict.fromkeys(name for name, _ in TABLES))


def find_table(name: str, size: Size) -> Table:
    """The table of that id and size.

    Raises:
        UnknownNameError: no table has that id.
        ParameterError: it has no such size.
    """
    if name not in table_names():
        raise UnknownNameError("table", name, table_names())
    if (name, size) not in TABLES:
        there = [one for one in SIZES if (name, one) in TABLES]
        raise ParameterError(f"{name} has no size {size!r}: give {' or '.join(there)}.")
    return TABLES[name, size]


__all__ = ["TABLES", "find_table", "table_names"]

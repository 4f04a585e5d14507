"""A repeated table as files, built when somebody asks for them."""

import io
import json

from rs_core.logs.paper import write_paper, write_verdicts
from rs_core.plots.papers.report import table_report
from rs_core.results import to_json
from rs_core.results.paper import RepeatedTable
from rs_ui.runs.downloads import file_buttons


def download_table(table: RepeatedTable, key: str) -> None:
    """Buttons for the rows and the verdicts (TSV), the page (HTML), and everything (JSON).

    Args:
        table: what was repeated.
        key: tells this table's buttons from those of another.
    """
    file_buttons(
        f"rs-{table.name}-{table.size}",
        f"download_{{}}_{key}",
        ("Rows, TSV", "tsv", lambda: rows_text(table)),
        ("Verdicts, TSV", "verdicts.tsv", lambda: verdicts_text(table)),
        ("Page, HTML", "html", lambda: table_report(table)),
        ("Everything, JSON", "json", lambda: json.dumps(to_json(table), ensure_ascii=False)),
    )


def rows_text(table: RepeatedTable) -> str:
    """As `rs paper` writes table.tsv: a row per row and seed, with the published ones below it."""
    out = io.StringIO()
    write_paper(out, table)
    return out.getvalue()


def verdicts_text(table: RepeatedTable) -> str:
    """As `rs paper` writes verdicts.tsv: a row per claim."""
    out = io.StringIO()
    write_verdicts(out, table)
    return out.getvalue()

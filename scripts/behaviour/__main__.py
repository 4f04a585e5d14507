"""What the program answers today, written down, so that two versions can be compared.

    OMP_NUM_THREADS=1 .venv/bin/python -m scripts.behaviour FOLDER
    diff -r FOLDER_BEFORE FOLDER_AFTER

One file per answer: what commands print (`commands`), their options (`help`), what the compute
process keeps of recorded requests (`requests`), what it tells of every registry (`wire`), and what
it replies to each verb (`verbs`). Numbers are the same bytes on the same machine only.
"""

import argparse
import os
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="new or empty folder for the answers")
    folder = parser.parse_args().folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        parser.error(f"{folder} holds files: name a new folder.")
    with tempfile.TemporaryDirectory() as room:
        # Before torch is loaded: names of files are printed, and thread counts are read once.
        os.environ |= {"OMP_NUM_THREADS": "1", "RS_HOME": f"{room}/home", "COLUMNS": "100"}
        os.environ.pop("RS_DATA", None)
        os.chdir(room)
        from scripts.behaviour.commands import record_commands, record_help
        from scripts.behaviour.worker import record_requests, record_verbs

        record_commands(folder / "commands")
        record_help(folder / "help")
        record_verbs(folder)
        record_requests(folder / "requests")


if __name__ == "__main__":
    main()

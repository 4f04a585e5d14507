"""What a paper's table costs here: passes counted, and seconds by samples of each kind of work."""

from typing import Any

from rs_core.classifiers.tracing import ModelLock
from rs_core.papers.price import Speeds, price_of
from rs_core.results import to_json
from rs_core.worker.papers.config import all_passes, paper_task
from rs_core.worker.requests import Fields


class TableDesk:
    """Prices tables; a kind of work is sampled once, alone on the machine, and remembered.

    Args:
        gate: held for each sample, so that no run has a turn meanwhile.
    """

    def __init__(self, gate: ModelLock) -> None:
        self._speeds = Speeds(alone=gate.loading)

    def price(self, fields: Fields) -> dict[str, Any]:
        """The price of a run: `Price` as JSON values, in words, and all passes with trainings'.

        Raises:
            RsError: a start would refuse the same settings, in the same sentence.
        """
        repeat = paper_task(fields.table("config")).repeat
        found = price_of(
            repeat.table, seeds=len(repeat.seeds), images=repeat.count, speeds=self._speeds
        )
        shown: dict[str, Any] = to_json(found)
        return shown | {"all_passes": all_passes(repeat), "words": found.words}

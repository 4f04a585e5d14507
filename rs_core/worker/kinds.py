"""Every kind of question about several images together: its builder by name."""

from collections.abc import Callable, Mapping
from typing import Any

from rs_core.worker.attacking import attack_task
from rs_core.worker.comparing import compare_task
from rs_core.worker.mapping import MAP_TASKS
from rs_core.worker.sandwiching import sandwich_task
from rs_core.worker.studying import STUDY_TASKS
from rs_core.worker.tasks import GroupTask, Origin

GROUP_TASKS: dict[str, Callable[[Mapping[str, Any], Origin], GroupTask]] = {
    "compare": compare_task,
    "sandwich": sandwich_task,
    "attack": attack_task,
    **MAP_TASKS,
    **STUDY_TASKS,
}

"""Every kind of question about several images together: its builder by name."""

from collections.abc import Callable, Mapping
from typing import Any

from rs_core.worker.tasks.attack import attack_task
from rs_core.worker.tasks.base import GroupTask, Origin
from rs_core.worker.tasks.compare import compare_task
from rs_core.worker.tasks.memory import MAP_TASKS
from rs_core.worker.tasks.sandwich import sandwich_task
from rs_core.worker.tasks.study import STUDY_TASKS

GROUP_TASKS: dict[str, Callable[[Mapping[str, Any], Origin], GroupTask]] = {
    "compare": compare_task,
    "sandwich": sandwich_task,
    "attack": attack_task,
    **MAP_TASKS,
    **STUDY_TASKS,
}

"""The compute process: `python -m rs_core.worker` speaks JSON lines on stdin and stdout."""

from rs_core.worker.bench import Bench
from rs_core.worker.job import Job
from rs_core.worker.loop import serve
from rs_core.worker.verbs import Desk

__all__ = ["Bench", "Desk", "Job", "serve"]

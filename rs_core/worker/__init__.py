"""The compute process: `python -m rs_core.worker` speaks JSON lines on stdin and stdout."""

from rs_core.worker.desk.verbs import Api
from rs_core.worker.job import Job
from rs_core.worker.protocol import serve
from rs_core.worker.scheduler import Scheduler

__all__ = ["Api", "Job", "Scheduler", "serve"]

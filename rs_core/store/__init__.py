"""Runs, images and models on disk: what survives a reload, a closed tab and a crash."""

from rs_core.durable import private_opener
from rs_core.store.belongings import Belongings
from rs_core.store.descriptions import read_description, sources_digest, write_description
from rs_core.store.home import owner_id, private_folder, rs_home
from rs_core.store.limits.eviction import evict
from rs_core.store.limits.removal import left_words
from rs_core.store.limits.retention import Retention
from rs_core.store.logs import LOG_NAME, log_to_file
from rs_core.store.questions import Asked
from rs_core.store.records import DAMAGED, OPEN, Progress, Run, State, damage
from rs_core.store.run_lock import Claim
from rs_core.store.runs import RunStore
from rs_core.store.tenancy import Tenancy
from rs_core.store.trained import CHECKPOINT_FOLDER, checkpoint_of_run, model_of_run

__all__ = [
    "CHECKPOINT_FOLDER",
    "DAMAGED",
    "LOG_NAME",
    "OPEN",
    "Asked",
    "Belongings",
    "Claim",
    "Progress",
    "Retention",
    "Run",
    "RunStore",
    "State",
    "Tenancy",
    "checkpoint_of_run",
    "damage",
    "evict",
    "left_words",
    "log_to_file",
    "model_of_run",
    "owner_id",
    "private_folder",
    "private_opener",
    "read_description",
    "rs_home",
    "sources_digest",
    "write_description",
]

"""Papers' tables, repeated as runs of the compute process."""

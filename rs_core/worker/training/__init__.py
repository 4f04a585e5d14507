"""Trainings as runs of the compute process."""

"""The questions that a run can ask about images, built from JSON values."""

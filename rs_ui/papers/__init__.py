"""Papers' tables, repeated: those that come along, and those of this browser."""

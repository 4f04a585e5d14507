"""The papers' tables as data, repeated by one runner and set beside what was published."""

"""One attack each: its settings, its step."""

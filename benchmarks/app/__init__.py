"""The app under visitors."""

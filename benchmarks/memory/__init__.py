"""Memory of a process."""

"""How the server starts, what it refuses, what its answers carry."""

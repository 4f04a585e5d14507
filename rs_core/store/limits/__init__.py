"""How much is kept, and what goes first."""

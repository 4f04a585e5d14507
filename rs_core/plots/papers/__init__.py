"""A paper's table, repeated, drawn beside what was published."""

"""A classifier that remembers its answers and keeps to them: DDRS's memory."""

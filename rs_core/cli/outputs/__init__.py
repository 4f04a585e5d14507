"""What commands print and write: text, JSON, tables that grow, files."""

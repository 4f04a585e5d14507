"""The pages' frame: list, sidebar, links."""

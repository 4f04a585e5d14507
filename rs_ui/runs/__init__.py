"""One run on a page: asked, watched, found again; what a session remembers."""

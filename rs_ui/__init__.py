"""The app's own side: it draws what the worker computes, and never imports torch."""

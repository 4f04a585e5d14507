"""A cascade over sigmas: its certificate, and how a deployed one is asked."""

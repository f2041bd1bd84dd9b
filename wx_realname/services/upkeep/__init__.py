"""Use cases of scheduled commands."""

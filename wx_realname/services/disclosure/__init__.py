"""Use cases of the officer."""

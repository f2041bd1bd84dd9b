"""The officer who looks."""

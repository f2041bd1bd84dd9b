"""The console's models in Django's admin."""

from . import audit, overview, verification

__all__ = ["audit", "overview", "verification"]

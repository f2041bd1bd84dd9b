"""The console's models in Django's admin."""

from . import audit, verification

__all__ = ["audit", "verification"]

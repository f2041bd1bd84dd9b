"""The console's models in Django's admin."""

from . import audit, consent, overview, verification

__all__ = ["audit", "consent", "overview", "verification"]

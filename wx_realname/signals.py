"""Sent robustly, after the commit, with `verification` and `user`: a failing receiver changes nothing."""

from django.dispatch import Signal

verification_succeeded = Signal()
verification_rejected = Signal()
verification_erased = Signal()

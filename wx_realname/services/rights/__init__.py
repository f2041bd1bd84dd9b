"""Use cases of the citizen after the verification."""

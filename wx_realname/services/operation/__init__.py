"""Use cases of the operator."""

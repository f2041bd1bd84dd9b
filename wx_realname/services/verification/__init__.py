"""Use cases of the citizen who verifies."""

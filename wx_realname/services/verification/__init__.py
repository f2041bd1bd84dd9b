"""The citizen who verifies."""

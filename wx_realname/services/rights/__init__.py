"""The citizen afterwards."""

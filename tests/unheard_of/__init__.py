"""A database that nobody has heard of, by its ENGINE: SQLite, poorer and under another name."""

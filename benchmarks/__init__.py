"""What an exchange costs beside other ways to write it: `python -m benchmarks`."""

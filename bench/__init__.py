"""Performance against the smallest program that does the same job: `python -m bench`."""

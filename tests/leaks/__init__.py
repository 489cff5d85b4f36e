"""Leaks that others published, each a test here; `python -m tests.leaks` shows them on the others' code."""

"""The kinds of secrets, by family."""

"""Facts about one failed call: standard library only."""

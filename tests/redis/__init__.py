"""Sessions shared through a real Redis, by real processes."""

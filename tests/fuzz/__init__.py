"""Hostile input: each target is a hypothesis test of the suite, and a target of `make fuzz`."""

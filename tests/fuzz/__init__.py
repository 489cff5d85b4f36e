"""Hostile input: each target is both a hypothesis test of the suite and a target of `make fuzz`."""

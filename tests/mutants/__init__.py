"""Mutation testing: `make mutants`. Small mistakes, one by one; the room's tests must notice each."""

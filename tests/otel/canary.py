"""Fake secrets, and a harmless neighbour for each."""

from __future__ import annotations

HARMLESS = "harmless-neighbour"


def secret(number: int) -> str:
    """A fake key, put together here so that no scanner takes it for one in this file."""
    return "sk-" + "proj-" + f"{number:02d}" + "Zk3JvQ8mX2pL9wRt5Yb7NcAdEfGh4uVs"

"""The policy and the catalogue, written down for programs that are not Python."""

from __future__ import annotations

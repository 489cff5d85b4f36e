"""Secrets in structures: mappings, lists, serialised JSON."""

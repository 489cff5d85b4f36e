"""Redaction of the SDK's records, and its counts."""

"""Which keys hold secrets."""

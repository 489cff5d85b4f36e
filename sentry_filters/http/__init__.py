"""What the wire said: one file for each HTTP client."""

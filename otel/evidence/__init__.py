"""What spans and log records say about a failed call."""

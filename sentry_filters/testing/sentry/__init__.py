"""Sends canaries through the application's own Sentry client."""

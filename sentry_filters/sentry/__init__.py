"""The Sentry edge: hooks, options, transport and the envelope boundary."""

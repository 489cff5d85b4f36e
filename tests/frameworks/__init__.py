"""Real LLM clients and frameworks against a dead session and a third party: what reaches Sentry and the traces."""

"""Real LLM clients and frameworks, a dead session and a third party: what reaches Sentry and the traces."""

"""The policy as a configuration of the OpenTelemetry Collector."""

from sentry_filters.targets.collector.config import collector_config

__all__ = ["collector_config"]

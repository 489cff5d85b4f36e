"""The policy and the catalogue, written down for programs that are not Python."""

from sentry_filters.targets.collector import collector_config
from sentry_filters.targets.export import Export, Exporter
from sentry_filters.targets.inbound import inbound_patterns
from sentry_filters.targets.relay import relay_config

__all__ = ["Export", "Exporter", "collector_config", "inbound_patterns", "relay_config"]

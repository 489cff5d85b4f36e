"""The policy as a configuration of the OpenTelemetry Collector."""

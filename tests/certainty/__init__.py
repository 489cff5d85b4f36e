"""Every row of the session's life, in Sentry, in OpenTelemetry, in both, and in eight processes."""

"""The kinds of secrets, by family."""

from sentry_filters.redaction.catalogue.families import CATALOGUE, FAMILIES
from sentry_filters.redaction.catalogue.kind import Kind

__all__ = ["CATALOGUE", "FAMILIES", "Kind"]

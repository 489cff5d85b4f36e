"""Secrets in structures: mappings, lists, serialised JSON."""

from sentry_filters.redaction.structure.guided import GuidedWalk
from sentry_filters.redaction.structure.serialised import DOUBT, Look, SerialisedCheck
from sentry_filters.redaction.structure.values import is_naming
from sentry_filters.redaction.structure.walk import Walk

__all__ = ["DOUBT", "GuidedWalk", "Look", "SerialisedCheck", "Walk", "is_naming"]

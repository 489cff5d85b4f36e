"""Every kind of secret that is known by its form."""

from __future__ import annotations

from sentry_filters.redaction.catalogue.cloud import CLOUD_KINDS
from sentry_filters.redaction.catalogue.forges import FORGE_KINDS
from sentry_filters.redaction.catalogue.kind import Kind
from sentry_filters.redaction.catalogue.llm import LLM_KINDS
from sentry_filters.redaction.catalogue.operations import OPERATIONS_KINDS
from sentry_filters.redaction.catalogue.services import SERVICE_KINDS
from sentry_filters.redaction.catalogue.structural import CUT_SECRET, STRUCTURAL_KINDS

__all__ = ["CATALOGUE"]

# In this order a text is named that several kinds match: the special before the general.
CATALOGUE: tuple[Kind, ...] = (
    *STRUCTURAL_KINDS,
    *LLM_KINDS,
    *CLOUD_KINDS,
    *FORGE_KINDS,
    *SERVICE_KINDS,
    *OPERATIONS_KINDS,
    CUT_SECRET,
)

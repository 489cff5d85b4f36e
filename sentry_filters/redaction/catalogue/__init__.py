"""The kinds of secrets, by family."""

from sentry_filters.redaction.catalogue.cloud import CLOUD_KINDS
from sentry_filters.redaction.catalogue.families import CATALOGUE
from sentry_filters.redaction.catalogue.forges import FORGE_KINDS
from sentry_filters.redaction.catalogue.kind import Kind
from sentry_filters.redaction.catalogue.llm import LLM_KINDS
from sentry_filters.redaction.catalogue.operations import OPERATIONS_KINDS
from sentry_filters.redaction.catalogue.services import SERVICE_KINDS
from sentry_filters.redaction.catalogue.structural import CUT_SECRET, STRUCTURAL_KINDS

__all__ = [
    "CATALOGUE",
    "CLOUD_KINDS",
    "CUT_SECRET",
    "FORGE_KINDS",
    "LLM_KINDS",
    "OPERATIONS_KINDS",
    "SERVICE_KINDS",
    "STRUCTURAL_KINDS",
    "Kind",
]

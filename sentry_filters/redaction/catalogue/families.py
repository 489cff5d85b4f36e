"""Every kind of secret that is known by its form."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from types import MappingProxyType

from sentry_filters.redaction.catalogue.cloud import CLOUD_KINDS
from sentry_filters.redaction.catalogue.commands import COMMAND_KINDS
from sentry_filters.redaction.catalogue.forges import FORGE_KINDS
from sentry_filters.redaction.catalogue.kind import Kind
from sentry_filters.redaction.catalogue.llm import LLM_KINDS
from sentry_filters.redaction.catalogue.operations import OPERATIONS_KINDS
from sentry_filters.redaction.catalogue.services import SERVICE_KINDS
from sentry_filters.redaction.catalogue.structural import CUT_SECRET, STRUCTURAL_KINDS

# A text that several kinds match is named by the first of them: the special before the general.
FAMILIES: Mapping[str, tuple[Kind, ...]] = MappingProxyType(
    {
        "structural": STRUCTURAL_KINDS,
        "llm": LLM_KINDS,
        "cloud": CLOUD_KINDS,
        "forge": FORGE_KINDS,
        "service": SERVICE_KINDS,
        "operations": OPERATIONS_KINDS,
        "command": COMMAND_KINDS,
        "cut": (CUT_SECRET,),
    }
)
CATALOGUE: tuple[Kind, ...] = tuple(chain.from_iterable(FAMILIES.values()))

"""Every kind of secret that is known by its form."""

from __future__ import annotations

from .kinds import Kind
from .kinds_forge import FORGE_KINDS
from .kinds_llm import LLM_KINDS
from .kinds_service import SERVICE_KINDS
from .kinds_structural import STRUCTURAL_KINDS

__all__ = ["CATALOGUE"]

CATALOGUE: tuple[Kind, ...] = (*STRUCTURAL_KINDS, *LLM_KINDS, *FORGE_KINDS, *SERVICE_KINDS)

"""Relying parties: verify presentations against a policy that has no insecure default."""

from __future__ import annotations

from .evidence import Evidence
from .pinned import PinnedDocument
from .policy import PinnedKey, Policy, Registry, Trust
from .report import Check, CouldNotCheck, Refused, Report
from .verified import VerifiedPresentation
from .verifier import Verifier

__all__ = [
    "Check",
    "CouldNotCheck",
    "Evidence",
    "PinnedDocument",
    "PinnedKey",
    "Policy",
    "Refused",
    "Registry",
    "Report",
    "Trust",
    "VerifiedPresentation",
    "Verifier",
]

"""The commands of relying parties: verify, keep evidence, make bundles for the field."""

from __future__ import annotations

from .bundle import bundle
from .evidence import evidence
from .verify import export, verify

__all__ = ["bundle", "evidence", "export", "verify"]

"""The commands of an issuing agency, which join the program ``ssi`` through entry points."""

from __future__ import annotations

from .acts import issue, publish, reissue, revoke, suspend, unsuspend
from .care import issuer
from .runbook import runbook
from .takeover import takeover

__all__ = ["issue", "issuer", "publish", "reissue", "revoke", "runbook", "suspend", "takeover", "unsuspend"]

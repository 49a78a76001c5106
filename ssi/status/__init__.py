"""Status lists: is this credential revoked or suspended, by a list that may be believed?

The names a verifier or wallet needs are here; an issuer imports ``ssi.status.lists`` and ``ssi.status.publish``, and
whoever composes an application ``ssi.status.source``.
"""

from ssi.status.anchoring import Anchoring, AnchoringPolicy, AnchoringReport, check_anchoring
from ssi.status.cache import StatusListCache
from ssi.status.check import StatusPolicy, StatusResult, StatusState, check_status, read_status
from ssi.status.reference import StatusFormat, StatusReference, parse_references
from ssi.status.verify import (
    UnverifiedStatusList,
    VerifiedStatusList,
    accept_status_list,
    parse_status_list,
    status_list_digest,
    verify_status_list,
)

__all__ = [
    "Anchoring",
    "AnchoringPolicy",
    "AnchoringReport",
    "StatusFormat",
    "StatusListCache",
    "StatusPolicy",
    "StatusReference",
    "StatusResult",
    "StatusState",
    "UnverifiedStatusList",
    "VerifiedStatusList",
    "accept_status_list",
    "check_anchoring",
    "check_status",
    "parse_references",
    "parse_status_list",
    "read_status",
    "status_list_digest",
    "verify_status_list",
]

"""SD-JWT (RFC 9901), its key binding, and SD-JWT VC.

The issuer ``conceal``s and signs, the holder ``present``s and ``bind``s, the verifier parses, verifies the issuer's
signature with every disclosure, and then the key binding. ``vc.py`` has what makes an SD-JWT a credential.
"""

from __future__ import annotations

from ssi.credentials.sd_jwt.compact import MAX_DISCLOSURES, UnverifiedSdJwt, parse_sd_jwt
from ssi.credentials.sd_jwt.issue import Concealed, IssuedSdJwt, conceal, issue_sd_jwt
from ssi.credentials.sd_jwt.key_binding import KeyBinding, KeyBindingPolicy, bind, verify_key_binding
from ssi.credentials.sd_jwt.paths import ClaimPath
from ssi.credentials.sd_jwt.present import holder_view, present
from ssi.credentials.sd_jwt.process import Processed
from ssi.credentials.sd_jwt.validity import verify_validity
from ssi.credentials.sd_jwt.vc import (
    NEVER_DISCLOSABLE,
    SD_JWT_VC_TYPES,
    UnverifiedSdJwtVc,
    VerifiedSdJwtVc,
    as_sd_jwt_vc,
    issue_sd_jwt_vc,
    read_sd_jwt_vc,
    verify_sd_jwt_vc,
)
from ssi.credentials.sd_jwt.verify import VerifiedSdJwt, verify_sd_jwt

__all__ = [
    "MAX_DISCLOSURES",
    "NEVER_DISCLOSABLE",
    "SD_JWT_VC_TYPES",
    "ClaimPath",
    "Concealed",
    "IssuedSdJwt",
    "KeyBinding",
    "KeyBindingPolicy",
    "Processed",
    "UnverifiedSdJwt",
    "UnverifiedSdJwtVc",
    "VerifiedSdJwt",
    "VerifiedSdJwtVc",
    "as_sd_jwt_vc",
    "bind",
    "conceal",
    "holder_view",
    "issue_sd_jwt",
    "issue_sd_jwt_vc",
    "parse_sd_jwt",
    "present",
    "read_sd_jwt_vc",
    "verify_key_binding",
    "verify_sd_jwt",
    "verify_sd_jwt_vc",
    "verify_validity",
]

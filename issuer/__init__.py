"""Issuing agencies: issue, suspend, revoke and reissue credentials by their own case numbers."""

from __future__ import annotations

from .catalogue import Catalogue, CredentialType
from .issuer import IssuedCredential, Issuer, StatusChange
from .publishing import StatusSettings

__all__ = ["Catalogue", "CredentialType", "IssuedCredential", "Issuer", "StatusChange", "StatusSettings"]

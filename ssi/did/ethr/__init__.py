"""did:ethr: an account, or its key, as the DID of an organisation, with its changes in an ERC-1056 registry.

``ssi.did.methods.ethr`` resolves, ``ssi.did.backends.ethr`` reads a chain, ``ssi.did.backends.ethr_controller`` writes.
"""

from __future__ import annotations

from ssi.did.ethr.changes import (
    DEACTIVATE,
    AddDelegate,
    Change,
    ChangeOwner,
    RevokeAttribute,
    RevokeDelegate,
    SetAttribute,
)
from ssi.did.ethr.history import EthrSource, History
from ssi.did.ethr.identifier import EthrDid, ethr_did, parse_ethr_did
from ssi.did.ethr.networks import EthrNetwork, known_network, known_networks
from ssi.did.ethr.publish import publish_agreement_key, publish_key, publish_service

__all__ = [
    "DEACTIVATE",
    "AddDelegate",
    "Change",
    "ChangeOwner",
    "EthrDid",
    "EthrNetwork",
    "EthrSource",
    "History",
    "RevokeAttribute",
    "RevokeDelegate",
    "SetAttribute",
    "ethr_did",
    "known_network",
    "known_networks",
    "parse_ethr_did",
    "publish_agreement_key",
    "publish_key",
    "publish_service",
]

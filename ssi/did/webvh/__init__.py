"""did:webvh 1.0: verify and resolve logs, and write them."""

from __future__ import annotations

from ssi.did.webvh.controller import NewVersion, create_did, deactivate_did, move_did, rotate_keys, update_did
from ssi.did.webvh.document import DocumentKey, build_document
from ssi.did.webvh.entry import LogEntry, parse_entry
from ssi.did.webvh.log import Version, WebvhLog, read_log, verify_log, verify_next
from ssi.did.webvh.parameters import Parameters
from ssi.did.webvh.resolve import build_resolution, document_metadata, find_version, resolve_log
from ssi.did.webvh.update_keys import forget_spent_keys
from ssi.did.webvh.url import WebvhDid, build_webvh_did, did_to_url, parse_webvh_did
from ssi.did.webvh.witness import WitnessRule

__all__ = [
    "DocumentKey",
    "LogEntry",
    "NewVersion",
    "Parameters",
    "Version",
    "WebvhDid",
    "WebvhLog",
    "WitnessRule",
    "build_document",
    "build_resolution",
    "build_webvh_did",
    "create_did",
    "deactivate_did",
    "did_to_url",
    "document_metadata",
    "find_version",
    "forget_spent_keys",
    "move_did",
    "parse_entry",
    "parse_webvh_did",
    "read_log",
    "resolve_log",
    "rotate_keys",
    "update_did",
    "verify_log",
    "verify_next",
]

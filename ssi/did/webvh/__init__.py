"""did:webvh 1.0: verify and resolve logs, and write them."""

from __future__ import annotations

from ssi.did.webvh.entry import LogEntry, parse_entry
from ssi.did.webvh.log import Version, WebvhLog, read_log, verify_log, verify_next
from ssi.did.webvh.parameters import Parameters
from ssi.did.webvh.resolve import build_resolution, document_metadata, find_version, resolve_log
from ssi.did.webvh.url import WebvhDid, did_to_url, parse_webvh_did
from ssi.did.webvh.witness import WitnessRule

__all__ = [
    "LogEntry",
    "Parameters",
    "Version",
    "WebvhDid",
    "WebvhLog",
    "WitnessRule",
    "build_resolution",
    "did_to_url",
    "document_metadata",
    "find_version",
    "parse_entry",
    "parse_webvh_did",
    "read_log",
    "resolve_log",
    "verify_log",
    "verify_next",
]

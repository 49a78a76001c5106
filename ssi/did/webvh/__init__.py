"""did:webvh 1.0: verify and resolve logs, and write them."""

from __future__ import annotations

from ssi.did.webvh.controller import NewVersion, create_did, deactivate_did, move_did, rotate_keys, update_did
from ssi.did.webvh.document import DocumentKey, build_document
from ssi.did.webvh.entry import LogEntry, parse_entry
from ssi.did.webvh.history import Comparison, Relation, SeenHeads, check_continues, compare_logs
from ssi.did.webvh.log import Version, WebvhLog, read_log, verify_log, verify_next
from ssi.did.webvh.parameters import Parameters
from ssi.did.webvh.resolve import build_resolution, document_metadata, find_version, resolve_log
from ssi.did.webvh.update_keys import forget_spent_keys
from ssi.did.webvh.url import WebvhDid, build_webvh_did, did_to_url, parse_webvh_did
from ssi.did.webvh.watchers import Finding, WatcherReport, ask_watchers, compare_watched, require_watched
from ssi.did.webvh.witness import WitnessRule
from ssi.did.webvh.witnessing import (
    Witnessed,
    build_witness_file,
    merge_witness_proofs,
    sign_witness_proof,
    witness_id,
    witness_next,
)

__all__ = [
    "Comparison",
    "DocumentKey",
    "Finding",
    "LogEntry",
    "NewVersion",
    "Parameters",
    "Relation",
    "SeenHeads",
    "Version",
    "WatcherReport",
    "WebvhDid",
    "WebvhLog",
    "WitnessRule",
    "Witnessed",
    "ask_watchers",
    "build_document",
    "build_resolution",
    "build_webvh_did",
    "build_witness_file",
    "check_continues",
    "compare_logs",
    "compare_watched",
    "create_did",
    "deactivate_did",
    "did_to_url",
    "document_metadata",
    "find_version",
    "forget_spent_keys",
    "merge_witness_proofs",
    "move_did",
    "parse_entry",
    "parse_webvh_did",
    "read_log",
    "require_watched",
    "resolve_log",
    "rotate_keys",
    "sign_witness_proof",
    "update_did",
    "verify_log",
    "verify_next",
    "witness_id",
    "witness_next",
]

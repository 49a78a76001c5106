"""did-webvh, the Python implementation of the specification's authors: logs, witnesses and moves, both ways."""

from __future__ import annotations

import asyncio
import gc
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest
from did_webvh.askar import AskarSigningKey
from did_webvh.core.hash_utils import DEFAULT_HASH, HashInfo
from did_webvh.core.proof import di_jcs_sign
from did_webvh.core.resolver import DidResolver, LocalHistoryResolver
from did_webvh.provision import genesis_document, provision_did
from did_webvh.verify import WebvhVerifier

from ssi.did.webvh import (
    NewVersion,
    WebvhLog,
    WitnessRule,
    build_document,
    create_did,
    deactivate_did,
    merge_witness_proofs,
    move_did,
    resolve_log,
    rotate_keys,
    update_did,
    verify_log,
    witness_id,
    witness_next,
)
from ssi.errors import VerificationError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from tests.interop.exchanges import _parties as parties
from tests.interop.matrix import HERE, THERE, exchange

PEER = "did-webvh"
NAME = "agency"
DOMAIN = "agency.example"


def there(did: str, log: bytes, proofs: bytes | None = None, **asked: Any) -> Any:
    """Return what their resolver says of a log in a file: the result, or the reason why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        entries, witness = Path(folder, "did.jsonl"), Path(folder, "did-witness.json")
        entries.write_bytes(log)
        if proofs is not None:
            witness.write_bytes(proofs)
        source = LocalHistoryResolver(entries, witness if proofs is not None else None)
        with warnings.catch_warnings():
            # The peer leaves the witness file to the collector; whoever runs next must not be blamed for it.
            warnings.simplefilter("ignore", ResourceWarning)
            result = asyncio.run(DidResolver(WebvhVerifier()).resolve(did, source, **asked)).serialize()
            del source
            gc.collect()
        return result


def accepted(did: str, log: WebvhLog, proofs: bytes | None = None) -> None:
    """Their resolver gives the document of every version as we do, and refuses one altered character."""
    for version in log.versions:
        if version.did != did:
            continue
        # The peer reads a version number as text only.
        result = there(did, log.log, proofs, version_number=str(version.number))
        assert result["didDocument"] == version.document, result
        assert result["didDocumentMetadata"]["versionId"] == version.entry.version_id
    altered = log.log.replace(b'"proofValue":"z', b'"proofValue":"z2', 1)
    assert there(did, altered, proofs)["didDocument"] is None


async def ours(**options: Any) -> tuple[MemoryKms, NewVersion]:
    """A DID of ours that is a day old, so that its updates do not lie in the future."""
    kms = MemoryKms()
    now = parties.now() - 86_400
    return kms, await create_did(kms=kms, name=NAME, domain=DOMAIN, document=build_document, now=now, **options)


@exchange(PEER, "did:webvh, updated, rotated", THERE)
def updated_ours_there() -> None:
    for pre_rotation in (True, False):

        async def make(active: bool = pre_rotation) -> WebvhLog:
            kms, new = await ours(pre_rotation=active)
            document = {**new.version.document, "alsoKnownAs": ["https://agency.example/"]}
            log = (await update_did(new.log, kms=kms, name=NAME, document=document, now=parties.now() - 80_000)).log
            return (await rotate_keys(log, kms=kms, name=NAME, now=parties.now() - 70_000)).log

        log = asyncio.run(make())
        assert len(log.versions) == 3
        accepted(log.did, log)


@exchange(PEER, "did:webvh, deactivated", THERE)
def deactivated_ours_there() -> None:
    async def make() -> WebvhLog:
        kms, new = await ours()
        return (await deactivate_did(new.log, kms=kms, name=NAME, now=parties.now())).log

    log = asyncio.run(make())
    assert there(log.did, log.log)["didDocumentMetadata"]["deactivated"] is True


@exchange(PEER, "did:webvh, two of three witnesses", THERE)
def witnessed_ours_there() -> None:
    async def make() -> tuple[WebvhLog, bytes, bytes]:
        witnesses = MemoryKms()
        keys = [await witnesses.generate(f"w{n}", curve=Curve.ED25519, purpose=KeyPurpose.WITNESS) for n in range(3)]
        kms, new = await ours(witness=WitnessRule(2, tuple(witness_id(key) for key in keys)))
        new = await update_did(new.log, kms=kms, name=NAME, now=parties.now() - 80_000)
        now, files = parties.now(), []
        proofs: list[Any] = []
        for label in ("w0", "w2"):
            copy = WebvhLog(new.log.versions[:1])
            proofs.append((await witness_next(copy, new.line, kms=witnesses, label=label, now=now)).proof)
            files.append(merge_witness_proofs(None, new.version.entry.version_id, proofs, log=new.log, now=now))
        return new.log, files[0], files[1]

    log, one, two = asyncio.run(make())
    accepted(log.did, log, two)
    assert there(log.did, log.log, one)["didDocument"] is None
    assert there(log.did, log.log)["didDocument"] is None


@exchange(PEER, "did:webvh, moved", THERE)
def moved_ours_there() -> None:
    async def make() -> WebvhLog:
        kms, new = await ours(portable=True)
        return (await move_did(new.log, kms=kms, name=NAME, domain="new.example", path=["org"], now=parties.now())).log

    log = asyncio.run(make())
    assert there(log.did, log.log)["didDocument"] == log.head.document


class Author:
    """A log of theirs, made with their library alone."""

    def __init__(self, place: str = DOMAIN, **parameters: Any) -> None:
        self.key = AskarSigningKey.generate("ed25519")
        document = genesis_document(f"did:webvh:{{SCID}}:{place}")
        self.state = provision_did(document, params={"updateKeys": [str(self.key.multikey)], **parameters})
        self.state.sign(self.key)
        self.lines = [self.state.history_json()]

    def next(self, **changes: Any) -> Author:
        self.state = self.state.create_next(**changes)
        self.state.sign(self.key)
        self.lines.append(self.state.history_json())
        return self

    @property
    def log(self) -> bytes:
        return "".join(f"{line}\n" for line in self.lines).encode()

    def witnessed(self, *keys: AskarSigningKey) -> bytes:
        document = {"versionId": self.state.version_id}
        proofs = [di_jcs_sign(document, key, purpose="assertionMethod") for key in keys]
        return json.dumps([{**document, "proof": proofs}]).encode()

    def is_read(self, proofs: bytes | None = None) -> None:
        now = parties.now()
        log = verify_log(self.log, did=self.state.document_id, now=now, witness_proofs=proofs)
        assert [version.entry.version_id for version in log.versions][-1] == self.state.version_id
        assert log.head.document == self.state.document
        resolution = resolve_log(self.log, did=self.state.document_id, now=now, witness_proofs=proofs)
        assert resolution.metadata.deactivated is self.state.deactivated


@exchange(PEER, "did:webvh, updated, rotated", HERE)
def updated_theirs_here() -> None:
    author = Author(place=f"{DOMAIN}%3A8443:org:unit")
    author.is_read()
    author.next(document={**author.state.document, "alsoKnownAs": ["https://agency.example/"]}).is_read()
    new = AskarSigningKey.generate("ed25519")
    author.next(params_update={"updateKeys": [str(new.multikey)]}).is_read()
    author.key = new
    author.next().is_read()
    committed = AskarSigningKey.generate("ed25519")
    hashed = HashInfo.from_name(DEFAULT_HASH).formatted_hash(str(committed.multikey).encode())
    author.next(params_update={"nextKeyHashes": [hashed]}).is_read()
    author.key = committed
    author.next(params_update={"updateKeys": [str(committed.multikey)], "nextKeyHashes": []}).is_read()


@exchange(PEER, "did:webvh, deactivated", HERE)
def deactivated_theirs_here() -> None:
    author = Author().next(params_update={"deactivated": True, "updateKeys": []})
    assert author.state.deactivated
    author.is_read()


@exchange(PEER, "did:webvh, two of three witnesses", HERE)
def witnessed_theirs_here() -> None:
    keys = [AskarSigningKey.generate("ed25519") for _ in range(3)]
    ids = [{"id": f"did:key:{key.multikey}"} for key in keys]
    for key in keys:
        key.kid = f"did:key:{key.multikey}#{key.multikey}"
    author = Author(witness={"threshold": 2, "witnesses": ids}).next()
    author.is_read(author.witnessed(keys[0], keys[2]))
    with pytest.raises(VerificationError, match="1 witnesses approved, 2 must"):
        author.is_read(author.witnessed(keys[0], keys[0]))


@exchange(PEER, "did:webvh, moved", HERE)
def moved_theirs_here() -> None:
    author = Author(portable=True)
    old = author.state.document_id
    document = json.loads(json.dumps(author.state.document).replace(DOMAIN, "new.example"))
    author.next(document={**document, "alsoKnownAs": [old]}).is_read()
    resolution = resolve_log(author.log, did=old, now=parties.now())
    assert resolution.document.id == author.state.document_id
    assert resolution.metadata.equivalent_id == (old,)

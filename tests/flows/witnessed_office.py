"""Offices whose DIDs are on the web: one of did:webvh with witnesses, one of did:web, behind a real TLS server."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from ssi.did.webvh import WebvhLog, WitnessRule, build_document, create_did, update_did
from ssi.did.webvh.witnessing import build_witness_file, sign_witness_proof, witness_id
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.net import HttpDoor
from ssi.registry import Organisation
from ssi.registry.organisation import NamedKey, first_keys
from ssi.testing import TestClock, TestIssuer
from ssi.testing.sources import MemoryLists
from tests.unit.net.tls_server import make_authority, server_context

HOST = "harbour.example"


class Witnessed:
    """A log of three versions, each approved by two of three witnesses."""

    def __init__(self, kms: MemoryKms, log: WebvhLog) -> None:
        self.kms = kms
        self.log = log
        self.organisation = Organisation(name="harbour", kms=kms, log=log)

    @classmethod
    async def make(cls, *, now: int, port: int | None = None) -> Witnessed:
        kms = MemoryKms()
        keys = [await kms.generate(f"w{n}", curve=Curve.ED25519, purpose=KeyPurpose.WITNESS) for n in range(3)]
        listed = await first_keys("harbour", kms=kms)
        made = await create_did(
            kms=kms,
            name="harbour",
            domain=HOST,
            port=port,
            document=lambda did: build_document(did, keys=listed),
            now=now - 300,
            witness=WitnessRule(2, tuple(map(witness_id, keys))),
        )
        for number in (1, 2):
            document = {**made.log.head.document, "alsoKnownAs": [f"https://harbour.example/{number}"]}
            made = await update_did(made.log, kms=kms, name="harbour", now=now - 300 + number, document=document)
        return cls(kms, made.log)

    @property
    def did(self) -> str:
        return self.log.did

    async def proofs(self, version: int = 3, *witnesses: int) -> bytes:
        """Return a did-witness.json in which these witnesses (by default the first two) approve a version."""
        named = self.log.versions[version - 1].entry.version_id
        now = self.log.head.entry.time_seconds
        given = [await sign_witness_proof(named, kms=self.kms, label=f"w{n}", now=now) for n in witnesses or (0, 1)]
        return build_witness_file({named: given})


class WebOffice:
    """An organisation with a did:web DID: what ``TestIssuer`` asks of one."""

    name = "harbour"

    def __init__(self, port: int) -> None:
        self.kms = MemoryKms()
        self.did = f"did:web:{HOST}%3A{port}"

    async def document(self) -> bytes:
        return json.dumps(build_document(self.did, keys=await first_keys(self.name, kms=self.kms))).encode()

    async def key(self, purpose: KeyPurpose) -> NamedKey:
        label = f"{self.name}/{purpose}/1"
        return NamedKey(label, f"{self.did}#{purpose}-1", await self.kms.public_key(label))


def issuer(office: Organisation | WebOffice, *, clock: TestClock, lists: MemoryLists) -> TestIssuer:
    """Return an issuer that anchors nothing."""
    return TestIssuer(cast("Any", office), clock=clock, lists=lists)


class Web:
    """Pages behind TLS on a loopback port, under one name; ``door`` is the way to them."""

    def __init__(self, folder: Path) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self._authority = make_authority(folder, names=[HOST])
        self.door = HttpDoor(ca_file=self._authority.ca_file, look_up=self._look_up, loopback=[(HOST, self.port)])

    async def __aenter__(self) -> Web:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, self.socket, ssl_context=server_context(self._authority)).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        body = self.pages.get(request.path)
        if body is None:
            raise web.HTTPNotFound
        return web.Response(body=body, content_type="application/json")

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

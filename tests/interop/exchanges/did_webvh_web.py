"""did-webvh, the Python implementation, resolves DIDs that are anchored on our ledger, from their path on the web.

The lines and approvals are what the ledger serves, in the files that any web server gives out; the peer is a process of
its own that asks an HTTPS server and knows nothing of ledgers.
"""

from __future__ import annotations

import asyncio
import functools
import http.server
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ssi.did.resolver import default_resolver
from ssi.did.webvh import WitnessRule, parse_webvh_did, witness_id
from ssi.did.webvh.log import verify_lines
from ssi.did.webvh.witnessing import build_witness_file, witness_next
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.registry import Organisation, Registry
from ssi.testing import TestClock, TestFederation
from tests.interop.exchanges import _parties as parties
from tests.interop.matrix import THERE, exchange
from tests.unit.net.tls_server import Authority, make_authority

PEER = "did-webvh"
TYPE = "https://agency.example/residence"
LABELS = ("w0", "w1", "w2")
DOMAIN = "agency.example"

# The peer's own program, on a machine whose names lead back to itself.
PROGRAM = """
import runpy, socket
lookup = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: lookup("127.0.0.1", *rest, **more)
runpy.run_module("did_webvh.resolver", run_name="__main__", alter_sys=True)
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Gives out files and says nothing."""

    def log_message(self, *_: Any) -> None:
        """Keep the matrix readable."""


@contextmanager
def website(folder: Path) -> Iterator[tuple[int, Authority]]:
    """Serve ``folder`` over HTTPS on this machine; yield the port, and the authority to believe."""
    authority = make_authority(folder.parent, names=[DOMAIN])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certificate_file, authority.key_file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def there(did_url: str, authority: Authority) -> Any:
    """Return what their program prints of a DID that is on the web."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, did_url],
        env={**os.environ, "SSL_CERT_FILE": str(authority.ca_file)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


class Agency:
    """An organisation with witnesses whose lines are on the ledger, and its files on the web."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.witnesses = MemoryKms()

    async def found(self) -> None:
        # The peer's clock is the machine's: what is made here is a day old.
        self.clock = TestClock(parties.now() - 86_400)
        self.federation = await TestFederation.found(clock=self.clock)
        keys = [await self.witnesses.generate(w, curve=Curve.ED25519, purpose=KeyPurpose.WITNESS) for w in LABELS]
        self.organisation = await Organisation.create(
            "agency",
            domain=DOMAIN,
            port=self.port,
            path=["agencies", "one"],
            kms=self.federation.kms,
            now=self.clock(),
            witness=WitnessRule(2, tuple(witness_id(key) for key in keys)),
        )
        await self.federation.ministry.enrol_issuer(
            self.organisation,
            types=[TYPE],
            registry=self.registry,
            now=self.clock(),
            witness_proofs=await self.approve(self.organisation.log),
        )

    @property
    def registry(self) -> Registry:
        return self.federation.registry

    @property
    def did(self) -> str:
        return self.organisation.did

    async def approve(self, log: bytes) -> bytes:
        """Have two of three witnesses approve the last line."""
        lines = verify_lines(log, now=self.clock())
        before = None if len(lines.versions) == 1 else type(lines)(lines.versions[:-1])
        proofs = [
            (await witness_next(before, lines.head.entry.line, kms=self.witnesses, label=w, now=self.clock())).proof
            for w in LABELS[:2]
        ]
        return build_witness_file({lines.head.entry.version_id: proofs})

    async def publish(self) -> None:
        """Write what the ledger says to where the DID says that it is."""
        place = parse_webvh_did(self.did)
        for url, data in (
            (place.log_url, await self.registry.did_log(self.did)),
            (place.witness_url, await self.registry.did_witness(self.did)),
        ):
            file = self.folder / urlsplit(url).path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    async def update(self) -> None:
        """Replace a key: the line waits on the ledger until its witnesses have approved it there."""
        from ssi.registry import witness_entries

        self.clock.advance(60)
        number, line = await self.organisation.rotation(KeyPurpose.CREDENTIAL, now=self.clock())
        assert number == 2
        before = await self.registry.did_log(self.did)
        await self.registry.submit(line)
        assert await self.registry.did_log(self.did) == before
        for entry in witness_entries(await self.approve(before + line + b"\n")):
            await self.registry.submit(entry)
        assert await self.registry.did_log(self.did) != before

    async def here(self) -> Any:
        resolver = default_resolver(fetch=None, log_source=self.registry, now=parties.now)
        return await resolver.resolve(self.did)


@exchange(PEER, "did:webvh, anchored, from its web path", THERE)
def anchored_ours_there() -> None:
    async def run(folder: Path, port: int, authority: Authority) -> None:
        agency = Agency(folder, port)
        await agency.found()
        await agency.publish()
        await resolves(agency, authority, "1-")
        await agency.update()
        await resolves(agency, authority, "1-")  # until it is published anew
        await agency.publish()
        await resolves(agency, authority, "2-")
        await refuses_altered(agency, authority)

    async def resolves(agency: Agency, authority: Authority, version: str) -> None:
        result = await asyncio.to_thread(there, agency.did, authority)
        assert result["didDocumentMetadata"]["versionId"].startswith(version), result
        if version == (await agency.here()).metadata.version_id[:2]:
            ours = (await agency.here()).document.raw
            theirs = {name: value for name, value in result["didDocument"].items() if name != "service"}
            assert theirs == {name: value for name, value in ours.items() if name != "service"}

    async def refuses_altered(agency: Agency, authority: Authority) -> None:
        for name in ("did.jsonl", "did-witness.json"):
            file = agency.folder / "agencies" / "one" / name
            whole = file.read_bytes()
            file.write_bytes(whole.replace(b'"proofValue":"z', b'"proofValue":"z2'))
            assert (await asyncio.to_thread(there, agency.did, authority))["didDocument"] is None, name
            file.write_bytes(whole)

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "www")
        folder.mkdir()
        with website(folder) as (port, authority):
            asyncio.run(run(folder, port, authority))

"""A VC-API server in the process of a test, with profiles of its own."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from ssi.cli.vcapi_profiles import Profiles
from ssi.credentials.contexts import VC_V2_CONTEXT
from ssi.did.resolver import default_resolver
from ssi.encoding.jsonld import BUNDLED
from ssi.http.vc_api import VcApiSetup, create_app, find_parts


class Server:
    """A server in this process, and its profiles."""

    def __init__(self, client: TestClient[Any, Any], profiles: Profiles) -> None:
        self.client = client
        self.dids = {profile.name: profile.did for profile in profiles.issuing}
        self.holder = profiles.holder.did if profiles.holder is not None else ""

    def credential(self, profile: str, **members: object) -> dict[str, Any]:
        document = {
            "@context": [VC_V2_CONTEXT],
            "type": ["VerifiableCredential"],
            "issuer": self.dids[profile],
            "credentialSubject": {"id": "did:example:subject", "name": "A name"},
        }
        return {name: value for name, value in (document | members).items() if value is not None}

    async def post(self, path: str, body: object, **headers: str) -> tuple[int, Any]:
        async with self.client.post(path, json=body, headers=headers) as response:
            return response.status, json.loads(await response.read())

    async def issue(self, profile: str, document: object, **options: object) -> tuple[int, Any]:
        body = {"credential": document, "options": options}
        return await self.post(f"/issuers/{profile}/credentials/issue", body)

    async def issued(self, profile: str, **members: object) -> dict[str, Any]:
        status, answer = await self.issue(profile, self.credential(profile, **members))
        assert status == 201, answer
        document: dict[str, Any] = answer["verifiableCredential"]
        return document

    async def verify(self, document: object, **options: object) -> int:
        body = {"verifiableCredential": document, "options": options}
        return (await self.post("/credentials/verify", body))[0]


def setup_of(profiles: Profiles, base_url: str, **options: Any) -> VcApiSetup:
    return VcApiSetup(
        base_url=base_url,
        profiles=profiles.issuing,
        holder=profiles.holder,
        kms=profiles.kms,
        resolver=default_resolver(),
        contexts=BUNDLED,
        now=lambda: int(time.time()),
        **options,
    )


@asynccontextmanager
async def serving(profiles: Profiles, **options: Any) -> AsyncIterator[Server]:
    """Serve ``profiles`` to whoever asks, without a token."""
    app = await create_app(setup_of(profiles, "https://localhost:8443", **options), find_parts(), token=None)
    async with TestClient(TestServer(app)) as client:
        yield Server(client, profiles)

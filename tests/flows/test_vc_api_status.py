"""Statuses of the VC-API server: set, shown in a list, not withheld by a holder, and kept over restarts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ssi.cli.vcapi_profiles import WITH_STATUS, Profiles, _new
from ssi.cli.vcapi_profiles import test_profiles as new_profiles
from ssi.keys import Curve
from ssi.keys.backends.memory import MemoryKms
from tests.flows.vc_api_server import Server, serving


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(await new_profiles()) as running:
        yield running


async def test_a_status_is_set_and_the_list_says_so(server: Server) -> None:
    status, answer = await server.issue(WITH_STATUS, server.credential(WITH_STATUS), credentialId="case-1")
    assert status == 201
    secured = answer["verifiableCredential"]
    entries = secured["credentialStatus"]
    assert [entry["statusPurpose"] for entry in entries] == ["revocation", "suspension"]
    assert all(entry["id"] != entry["statusListCredential"] for entry in entries)
    assert await server.verify(secured) == 200
    assert (await server.issue(WITH_STATUS, server.credential(WITH_STATUS), credentialId="case-1"))[0] == 400
    path = entries[0]["statusListCredential"].removeprefix("https://localhost:8443")
    async with server.client.get(path) as response:
        assert response.content_type == "application/vc"
    async with server.client.get(path, headers={"Accept": "application/ld+json, application/json"}) as response:
        assert response.content_type == "application/ld+json"
        listed = json.loads(await response.read())
    assert "BitstringStatusListCredential" in listed["type"]
    assert await server.verify(listed) == 200

    async def change(purpose: str, *, to: bool = True, reference: str = "case-1") -> int:
        entry = {"type": "BitstringStatusListEntry", "statusPurpose": purpose}
        body = {"credentialId": reference, "credentialStatus": entry, "status": to}
        return (await server.post(f"/issuers/{WITH_STATUS}/credentials/status", body))[0]

    assert await change("suspension", reference="case-2") == 404
    assert await change("revocation", to=False) == 400
    assert await change("message") == 400
    assert await server.verify(secured) == 200, "another purpose is no revocation"
    assert await change("revocation") == 200
    assert await server.verify(secured) == 400, "revoked"
    assert await server.verify(secured, checks=["proof"]) == 200


async def test_a_credential_with_selective_disclosure_has_a_status_that_its_holder_cannot_withhold() -> None:
    profiles = await new_profiles()
    kms = profiles.kms
    assert isinstance(kms, MemoryKms)
    name = "sd-with-status"
    profile = await _new(kms, name, "ecdsa-sd-2023", Curve.P256, status=True)
    profiles = Profiles((profile,), profiles.holder, kms)
    async with serving(profiles) as server:
        status, answer = await server.issue(name, server.credential(name), credentialId="case-1")
        assert status == 201, answer
        body = {"verifiableCredential": answer["verifiableCredential"], "options": {"selectivePointers": ["/type"]}}
        _, answer = await server.post("/credentials/derive", body)
        assert "credentialStatus" in answer["verifiableCredential"]
        body["options"] = {"selectivePointers": ["/credentialSubject"]}
        derived = (await server.post("/credentials/derive", body))[1]["verifiableCredential"]
        assert await server.verify(derived) == 200
        without = {key: value for key, value in derived.items() if key != "credentialStatus"}
        assert await server.verify(without) == 400
        entry = {"type": "BitstringStatusListEntry", "statusPurpose": "revocation"}
        change = {"credentialId": "case-1", "credentialStatus": entry}
        assert (await server.post(f"/issuers/{name}/credentials/status", change))[0] == 200
        assert await server.verify(derived) == 400


async def test_what_cannot_be_signed_takes_no_credential_id(server: Server) -> None:
    subject = {"id": "did:example:subject", "https://schema.org/name": "A name"}
    document = server.credential(WITH_STATUS, credentialSubject=subject)
    assert (await server.issue(WITH_STATUS, document, credentialId="case-9"))[0] == 400
    assert (await server.issue(WITH_STATUS, server.credential(WITH_STATUS), credentialId="case-9"))[0] == 201


async def test_statuses_outlive_the_server_where_it_has_a_folder_for_them(tmp_path: Path) -> None:
    profiles = await new_profiles()
    async with serving(profiles, store=tmp_path) as server:
        status, answer = await server.issue(WITH_STATUS, server.credential(WITH_STATUS), credentialId="case-1")
        assert status == 201
    secured = answer["verifiableCredential"]
    async with serving(profiles, store=tmp_path) as server:
        assert await server.verify(secured) == 200
        entry = {"type": "BitstringStatusListEntry", "statusPurpose": "revocation"}
        body = {"credentialId": "case-1", "credentialStatus": entry}
        assert (await server.post(f"/issuers/{WITH_STATUS}/credentials/status", body))[0] == 200
        assert await server.verify(secured) == 400

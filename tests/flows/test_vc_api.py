"""The VC-API server as a suite of others meets it: every profile issues, every role verifies, bad input is 400."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from ssi.cli.vcapi_profiles import HOLDER_SUITE, TEST_PROFILES
from ssi.cli.vcapi_profiles import test_profiles as new_profiles
from ssi.credentials.contexts import VC_V1_CONTEXT, VC_V2_CONTEXT
from ssi.credentials.jose import sign_vp_jwt
from ssi.credentials.presentation import ENVELOPED_PRESENTATION, Envelope
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.encoding.jsonld import BUNDLED
from ssi.errors import InvalidInputError, SsiError
from ssi.http.vc_api import create_app, find_parts
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.protocols.vc_api import VerifyRequest
from tests.flows.vc_api_server import Server, serving, setup_of
from verifier.documents import DocumentVerifier

SELECTIVE = ["ecdsa-sd-2023", "bbs-2023"]
SUITES = [name for name, (suite, _) in TEST_PROFILES.items() if suite is not None and name not in SELECTIVE]
SSI = [sys.executable, "-m", "ssi.cli"]
TOKEN = "t" * 40


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(await new_profiles()) as running:
        yield running


def altered(value: str) -> str:
    """Another value of the same length and alphabet."""
    return value[:-1] + ("2" if value.endswith("1") else "1")


@pytest.mark.parametrize("profile", SUITES)
async def test_what_is_issued_verifies_and_nothing_else(server: Server, profile: str) -> None:
    v1 = {"@context": [VC_V1_CONTEXT], "issuanceDate": "2020-01-01T00:00:00Z"}
    contexts = {"credentialSubject": {"id": "did:example:subject"}} | v1
    members: dict[str, Any] = contexts if profile == "Ed25519Signature2020" else {}
    secured = await server.issued(profile, **members)
    proof = secured["proof"]
    assert proof["proofPurpose"] == "assertionMethod"
    assert proof["verificationMethod"].partition("#")[0] == server.dids[profile]
    assert await server.verify(secured) == 200
    assert await server.verify(secured, checks=["proof"]) == 200
    for changed in (
        {"issuer": server.holder},
        {"credentialSubject": {"id": "did:example:other"}},
        {"proof": {**proof, "proofValue": altered(proof["proofValue"])}},
        {"proof": {**proof, "created": "2020-01-01T00:00:00Z"}},
        {"proof": {**proof, "proofPurpose": "authentication"}},
        {"proof": {**proof, "cryptosuite": "unknown-2099"}} if "cryptosuite" in proof else {"proof": None},
        {"undefined": "term"},
    ):
        assert await server.verify({**secured, **changed}) == 400, changed
    assert await server.verify(secured, domain="https://v.example") == 400


@pytest.mark.parametrize("profile", SELECTIVE)
async def test_what_is_derived_verifies_and_a_base_proof_does_not(server: Server, profile: str) -> None:
    subject = {"id": "did:example:subject", "name": "A name", "description": "Something else"}
    base = await server.issued(profile, credentialSubject=subject, validUntil="2999-01-01T00:00:00Z")

    async def derive(document: object, *pointers: object) -> tuple[int, Any]:
        body = {"verifiableCredential": document, "options": {"selectivePointers": list(pointers)}}
        status, answer = await server.post("/credentials/derive", body)
        return status, answer.get("verifiableCredential", answer)

    assert await server.verify(base) == 400, "a base proof is not for verifiers"
    status, derived = await derive(base, "/credentialSubject/name")
    assert status == 201
    assert derived["credentialSubject"] == {"id": "did:example:subject", "name": "A name"}
    assert derived["validUntil"] == base["validUntil"], "what a holder could gain by leaving out"
    assert await server.verify(derived) == 200
    plain = await server.issued("eddsa-rdfc-2022")
    both = {**base, "proof": [plain["proof"], base["proof"]]}
    assert await server.verify((await derive(both, "/credentialSubject/name"))[1]) == 200
    for changed in (
        {"issuer": server.holder},
        {"validUntil": "2999-01-02T00:00:00Z"},
        {"credentialSubject": {**derived["credentialSubject"], "description": "Something else"}},
        {"credentialSubject": {**derived["credentialSubject"], "name": "Another name"}},
        {"proof": {**derived["proof"], "created": "2020-01-01T00:00:00Z"}},
        {"proof": {**derived["proof"], "proofValue": base["proof"]["proofValue"]}},
        {"undefined": "term"},
    ):
        assert await server.verify({**derived, **changed}) == 400, changed
    for name in ("issuer", "validUntil", "credentialSubject"):
        assert await server.verify({key: value for key, value in derived.items() if key != name}) == 400, name
    for document, pointer in (
        (base, "/nothing"),
        (base, "credentialSubject"),
        (base, ""),
        (base, 1),
        (derived, "/credentialSubject"),
        (plain, "/credentialSubject"),
        ("text", "/credentialSubject"),
    ):
        assert (await derive(document, pointer))[0] == 400, pointer


@pytest.mark.parametrize("profile", SELECTIVE)
async def test_mandatory_pointers_name_what_is_there(server: Server, profile: str) -> None:
    document = server.credential(profile)
    for pointers in (["/nothing"], ["/issuer", "/credentialSubject/none"], ["issuer"], [""], [1], "/issuer"):
        assert (await server.issue(profile, document, mandatoryPointers=pointers))[0] == 400, pointers
    status, answer = await server.issue(profile, document, mandatoryPointers=["/issuer", "/credentialSubject/name"])
    assert status == 201
    body = {"verifiableCredential": answer["verifiableCredential"], "options": {"selectivePointers": []}}
    status, answer = await server.post("/credentials/derive", body)
    assert (status, answer["verifiableCredential"]["credentialSubject"]["name"]) == (201, "A name")
    assert await server.verify(answer["verifiableCredential"]) == 200


async def test_a_credential_of_data_model_1_1_gets_the_context_of_its_proof(server: Server) -> None:
    document = server.credential("eddsa-rdfc-2022", issuanceDate="2020-01-01T00:00:00Z")
    document |= {"@context": [VC_V1_CONTEXT], "credentialSubject": {"id": "did:example:subject"}}
    status, answer = await server.issue("eddsa-rdfc-2022", document)
    assert (status, answer["verifiableCredential"]["@context"][-1]) == (
        201,
        "https://w3id.org/security/data-integrity/v2",
    )
    assert await server.verify(answer["verifiableCredential"]) == 200


async def test_an_enveloped_credential(server: Server) -> None:
    secured = await server.issued("EnvelopingProof")
    assert secured["type"] == "EnvelopedVerifiableCredential"
    assert await server.verify(secured) == 200
    head, dot, tail = secured["id"].rpartition(".")
    assert await server.verify({**secured, "id": f"{head}{dot}{'A' if tail[0] != 'A' else 'B'}{tail[1:]}"}) == 400
    assert await server.verify(secured, challenge="n") == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"@context": None},
        {"@context": [VC_V2_CONTEXT, "https://unknown.example/v1"]},
        {"@context": [VC_V2_CONTEXT, {"name": "https://a.example/name"}]},
        {"type": None},
        {"type": ["VerifiableCredential", "Undefined"]},
        {"issuer": "did:example:somebody"},
        {"issuer": 4},
        {"credentialSubject": {}},
        {"credentialSubject": {"undefined": "term"}},
        {"validFrom": "yesterday"},
        {"credentialStatus": {"id": "https://a.example/status"}},
        {"credentialSchema": {"id": "schema", "type": "JsonSchema"}},
        {"relatedResource": {"id": VC_V2_CONTEXT}},
        {"relatedResource": {"id": VC_V2_CONTEXT, "digestSRI": "sha384-" + "A" * 64}},
        {"proof": {"type": "DataIntegrityProof"}},
    ],
)
async def test_what_is_no_credential_is_not_signed(server: Server, changed: dict[str, Any]) -> None:
    for profile in ("eddsa-rdfc-2022", "eddsa-jcs-2022", "EnvelopingProof"):
        status, problem = await server.issue(profile, server.credential(profile, **changed))
        assert status == 400, changed
        assert set(problem) == {"type", "status", "title", "detail"}
        assert "A name" not in json.dumps(problem)


@pytest.mark.parametrize("body", [[], {}, {"credential": "text"}, {"credential": {}, "options": []}])
async def test_bodies_that_are_none(server: Server, body: object) -> None:
    for path in (
        "/issuers/eddsa-rdfc-2022/credentials/issue",
        "/credentials/verify",
        "/presentations/verify",
        "/presentations/prove",
        "/credentials/derive",
    ):
        assert (await server.post(path, body))[0] == 400
    async with server.client.post("/credentials/verify", data=b"{") as response:
        assert response.status == 400


async def presentation(server: Server, credentials: list[object], **options: object) -> dict[str, Any]:
    document = {
        "@context": [VC_V2_CONTEXT],
        "type": ["VerifiablePresentation"],
        "holder": server.holder,
        "verifiableCredential": credentials,
    }
    status, answer = await server.post("/presentations/prove", {"presentation": document, "options": options})
    assert status == 201, answer
    proved: dict[str, Any] = answer["verifiablePresentation"]
    return proved


async def test_a_presentation_holds_with_every_credential_in_it(server: Server) -> None:
    credentials = [await server.issued("ecdsa-rdfc-2019-p256"), await server.issued("EnvelopingProof")]
    asked = {"domain": "https://v.example", "challenge": "c"}
    proved = await presentation(server, list(credentials), **asked)
    assert proved["proof"]["cryptosuite"] == HOLDER_SUITE

    async def verify(document: object, **options: object) -> int:
        body = {"verifiablePresentation": document, "options": options}
        return (await server.post("/presentations/verify", body))[0]

    assert await verify(proved, **asked) == 200
    assert await verify(proved, domain="https://w.example", challenge="c") == 400
    assert await verify(proved, domain="https://v.example", challenge="d") == 400
    assert await verify({name: value for name, value in proved.items() if name != "proof"}) == 400
    broken = deepcopy(credentials[0])
    broken["credentialSubject"]["name"] = "Another name"
    assert await verify(await presentation(server, [broken], **asked), **asked) == 400


async def test_a_presentation_in_an_envelope_is_for_one_domain() -> None:
    kms, now = MemoryKms(), int(time.time())
    holder = await kms.generate("holder", curve=Curve.P256, purpose=KeyPurpose.HOLDER)
    did = did_key(holder)
    compact = await sign_vp_jwt(
        [],
        kms=kms,
        label="holder",
        kid=f"{did}#{did.removeprefix('did:key:')}",
        holder=did,
        audience="https://v.example",
        nonce="c",
        issued_at=now,
    )
    envelope = Envelope("application/vp+jwt", compact, ENVELOPED_PRESENTATION).to_object()
    verifier = DocumentVerifier(resolver=default_resolver(), contexts=BUNDLED, now=lambda: now, lists=lambda _: None)

    async def verify(*domains: str) -> None:
        await verifier.presentation(VerifyRequest(envelope, domain=domains, challenge="c"))

    await verify("https://v.example")
    with pytest.raises(SsiError):
        await verify("https://w.example")
    with pytest.raises(InvalidInputError, match="one domain"):
        await verify("https://w.example", "https://x.example")


async def test_a_token_is_asked_for_and_the_public_part_is_public() -> None:
    profiles = await new_profiles()
    with pytest.raises(InvalidInputError):
        await create_app(setup_of(profiles, "https://a.example"), find_parts(), token="short")
    app = await create_app(setup_of(profiles, "https://a.example"), find_parts(), token=TOKEN)
    async with TestClient(TestServer(app)) as client:
        server = Server(client, profiles)
        assert (await server.post("/credentials/verify", {}))[0] == 401
        assert (await server.post("/credentials/verify", {}, Authorization="Bearer " + "u" * 40))[0] == 401
        assert (await server.post("/credentials/verify", {}, Authorization=f"Bearer {TOKEN}"))[0] == 400
        async with client.get(f"/1.0/identifiers/{server.holder}") as response:
            assert response.status == 200


def test_the_program_serves_writes_its_dids_and_ends(tmp_path: Path) -> None:
    dids = tmp_path / "dids.json"
    command = [*SSI, "vcapi", "serve", "--test-profiles", "--tls-self-signed", "--port", "18443", "--dids", str(dids)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "listening on https://127.0.0.1:18443" in process.stderr.readline()
        assert set(json.loads(dids.read_text())) == set(TEST_PROFILES)
        process.terminate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--test-profiles", "--profiles", "p.toml"],
        ["--profiles", "p.toml"],
        ["--test-profiles", "--host", "0.0.0.0"],  # noqa: S104
        ["--test-profiles", "--context", "https://a.example"],
    ],
)
def test_it_does_not_start_half_configured(arguments: list[str]) -> None:
    done = subprocess.run([*SSI, "vcapi", "serve", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2

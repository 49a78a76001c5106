"""A credential's own schemas and related resources at the verifier: pinned by policy, verified, kept, never fetched."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256, sha384
from pathlib import Path
from typing import Any

import pytest

from ssi.credentials.cose import sign_vc_cose
from ssi.credentials.data_integrity import secure_credential
from ssi.credentials.jose import sign_vc_jwt
from ssi.credentials.vcdm import parse_credential
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.encoding.base64url import b64_encode
from ssi.errors import InvalidInputError, NotFoundError
from ssi.keys import Curve, KeyPurpose, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.schema.credential_schema import META_SCHEMA_DIGESTS
from ssi.testing import TestClock
from ssi.types import JsonObject
from verifier import CouldNotCheck, Policy, Refused, Trust, VerifiedPresentation, Verifier
from verifier.bundle import OfflineBundle, make_bundle
from verifier.evidence import Evidence
from verifier.pinned import PinnedDocument

V2 = "https://www.w3.org/ns/credentials/v2"
URL, META = "https://town.example/schema", "https://www.w3.org/ns/credentials/json-schema/v2.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA: JsonObject = {
    "$id": URL,
    "$schema": DIALECT,
    "type": "object",
    "properties": {"credentialSubject": {"type": "object", "required": ["name"]}},
}
ENTRY = {"id": URL, "type": "JsonSchema"}


def kid_of(key: PublicKey) -> str:
    did = did_key(key)
    return f"{did}#{did.removeprefix('did:key:')}"


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def pinned(url: str, data: bytes) -> PinnedDocument:
    return PinnedDocument(url=url, sha256=sha256(data).hexdigest(), content=data)


class Office:
    """Two authorities with did:key, and a verifier that trusts the first for its own type."""

    def __init__(self) -> None:
        self.clock, self.kms = TestClock(), MemoryKms()

    async def open(self) -> Office:
        made = {}
        for name in ("town", "ministry"):
            made[name] = await self.kms.generate(name, curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
        self.keys = made
        self.town, self.ministry = did_key(made["town"]), did_key(made["ministry"])
        return self

    async def issue(self, *, by: str = "town", how: str = "vc+jwt", **members: Any) -> str:
        document = {
            "@context": [V2],
            "type": ["VerifiableCredential", "Residence"],
            "issuer": did_key(self.keys[by]),
            "credentialSubject": {"name": "resident"},
            **members,
        }
        credential, kid = parse_credential(document, contexts=()), kid_of(self.keys[by])
        if how == "ldp_vc":
            secured = await secure_credential(
                credential, kms=self.kms, label=by, verification_method=kid, created=self.clock()
            )
            return json.dumps(secured)
        if how == "vc+cose":
            return b64_encode(await sign_vc_cose(credential, kms=self.kms, label=by, kid=kid))
        return await sign_vc_jwt(credential, kms=self.kms, label=by, kid=kid, issued_at=self.clock())

    async def schema_credential(self, *, by: str = "ministry", how: str = "vc+jwt", **members: Any) -> bytes:
        text = await self.issue(
            by=by,
            how=how,
            **{
                "id": URL,
                "type": ["VerifiableCredential", "JsonSchemaCredential"],
                "credentialSchema": {"id": META, "type": "JsonSchema", "digestSRI": META_SCHEMA_DIGESTS[-1]},
                "credentialSubject": {"id": URL, "type": "JsonSchema", "jsonSchema": SCHEMA},
                **members,
            },
        )
        return text.encode()

    def verifier(self, *, documents: dict[str, bytes] | None = None, **changes: Any) -> Verifier:
        policy: dict[str, Any] = {
            "audience": "https://office.example",
            "holder_binding": "not-required",
            "status": "not-checked",
            "max_list_age_seconds": 60,
            "credential_schema": "when-present",
            "trust": (
                Trust(type="Residence", issuers=(self.town,)),
                Trust(type="JsonSchemaCredential", issuers=(self.ministry,)),
            ),
        }
        return Verifier(
            Policy(**{**policy, **changes}),
            resolver=default_resolver(now=self.clock),
            now=self.clock,
            documents=documents,
        )

    async def verify(self, text: str, *documents: PinnedDocument, **changes: Any) -> VerifiedPresentation:
        return await self.verifier(document=documents, **changes).verify(text)

    async def refused(self, text: str, *documents: PinnedDocument, **changes: Any) -> Refused | CouldNotCheck:
        with pytest.raises((Refused, CouldNotCheck)) as caught:
            await self.verify(text, *documents, **changes)
        assert isinstance(caught.value, Refused | CouldNotCheck)
        return caught.value


@pytest.fixture
async def office() -> Office:
    return await Office().open()


@pytest.mark.parametrize("how", ["vc+jwt", "vc+cose", "ldp_vc"])
async def test_the_three_outcomes(office: Office, how: str) -> None:
    good = await office.issue(how=how, credentialSchema=ENTRY)
    schema = pinned(URL, encoded(SCHEMA))
    found = await office.verify(good, schema)
    assert [check.source for check in found.report.checks if check.name == "schema"][1] == URL
    bad = await office.issue(how=how, credentialSchema=ENTRY, credentialSubject={"given_name": "x"})
    refusal = await office.refused(bad, schema)
    assert isinstance(refusal, Refused)
    assert refusal.check == "schema"
    assert "/credentialSubject" in refusal.reason
    assert "resident" not in str(refusal)
    for text in (good, bad):
        unknown = await office.refused(text)
        assert isinstance(unknown, CouldNotCheck)
        assert unknown.check == "schema"
    dialect = pinned(URL, encoded({**SCHEMA, "$schema": "https://example.org/dialect"}))
    assert isinstance(await office.refused(good, dialect), CouldNotCheck)


async def test_policy_says_whether_it_is_asked(office: Office) -> None:
    bad = await office.issue(credentialSchema=ENTRY, credentialSubject={"given_name": "x"})
    found = await office.verify(bad, pinned(URL, encoded(SCHEMA)), credential_schema="not-checked")
    lines = [(check.outcome, check.detail) for check in found.report.checks if check.name == "schema"]
    assert ("not asked", "policy does not look at the schemas that the credential names") in lines
    none = await office.issue()
    assert await office.verify(none)
    assert (await office.refused(none, credential_schema="required")).check == "schema"


async def test_a_failure_counts_before_what_cannot_be_told(office: Office) -> None:
    other = {"id": "https://town.example/other", "type": "JsonSchema"}
    bad = await office.issue(credentialSchema=[other, ENTRY], credentialSubject={"given_name": "x"})
    assert isinstance(await office.refused(bad, pinned(URL, encoded(SCHEMA))), Refused)
    unknown = await office.issue(credentialSchema={**ENTRY, "type": "OtherSchema"})
    assert isinstance(await office.refused(unknown, pinned(URL, encoded(SCHEMA))), Refused)
    many = await office.issue(credentialSchema=[{"id": f"{URL}/{n}", "type": "JsonSchema"} for n in range(9)])
    assert "at most 8" in (await office.refused(many)).reason


@pytest.mark.parametrize("how", ["vc+jwt", "vc+cose", "ldp_vc"])
async def test_a_schema_credential_is_verified_first(office: Office, how: str) -> None:
    entry = {"id": URL, "type": "JsonSchemaCredential"}
    good = await office.issue(credentialSchema=entry)
    data = await office.schema_credential(how=how)
    assert await office.verify(good, pinned(URL, data))
    bad = await office.issue(credentialSchema=entry, credentialSubject={"given_name": "x"})
    assert (await office.refused(bad, pinned(URL, data))).check == "schema"
    position = len(data) // 2
    altered = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
    for forged in (
        altered,
        await office.schema_credential(how=how, by="town"),  # signed by whom policy does not name for schemas
        await office.schema_credential(how=how, validUntil="2001-01-01T00:00:00Z"),
        await office.schema_credential(how=how, type=["VerifiableCredential", "Residence"]),
        await office.schema_credential(how=how, type=["VerifiableCredential", "JsonSchemaCredential", "Residence"]),
        await office.schema_credential(how=how, id=f"{URL}/other"),
        await office.schema_credential(how=how, credentialSchema={"id": URL, "type": "JsonSchema"}),
        encoded(SCHEMA),
        b"",
    ):
        refusal = await office.refused(good, pinned(URL, forged))
        assert isinstance(refusal, Refused)
        assert refusal.check == "schema"
    nobody = (Trust(type="Residence", issuers=(office.town,)),)
    assert "JsonSchemaCredential" in (await office.refused(good, pinned(URL, data), trust=nobody)).reason


async def test_an_unsecured_schema_credential_is_none(office: Office) -> None:
    document = json.loads(await office.schema_credential(how="ldp_vc"))
    del document["proof"]
    good = await office.issue(credentialSchema={"id": URL, "type": "JsonSchemaCredential"})
    refusal = await office.refused(good, pinned(URL, encoded(document)))
    assert isinstance(refusal, Refused)
    assert refusal.check == "schema"


@pytest.mark.parametrize(
    "hostile",
    [
        {"properties": {"credentialSubject": {"properties": {"name": {"pattern": "^(a+)+$"}}}}},
        {"$ref": "https://attacker.example/schema"},
        {"$ref": "file:///etc/passwd"},
        {"$dynamicRef": "#x"},
        {"$ref": "#"},
        {"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"},
        {"allOf": [{}] * 10_000},
        {"properties": {"credentialSubject": {"const": "x" * 100_000}}},
        {"type": "nonsense"},
        {"$id": "https://attacker.example/other"},
        {"$id": "no url"},
        {"$schema": 5},
        {"not": {}},
    ],
)
async def test_a_hostile_schema_is_refused(office: Office, hostile: JsonObject) -> None:
    text = await office.issue(credentialSchema=ENTRY, credentialSubject={"name": "a" * 50_000 + "!"})
    refusal = await office.refused(text, pinned(URL, encoded({**SCHEMA, **hostile})))
    assert (type(refusal), refusal.check) == (Refused, "schema")


@pytest.mark.parametrize("data", [b"[]", b"\xff", b'{"a":' * 50_000, b'{"$id": "x", "$id": "y"}', b"null"])
async def test_what_is_no_schema_is_refused(office: Office, data: bytes) -> None:
    text = await office.issue(credentialSchema=ENTRY)
    assert (await office.refused(text, pinned(URL, data))).check == "schema"


async def test_the_digest_of_the_entry_counts_beside_that_of_policy(office: Office) -> None:
    data = encoded(SCHEMA)
    sri = f"sha384-{b64encode(sha384(data).digest()).decode()}"
    assert await office.verify(await office.issue(credentialSchema={**ENTRY, "digestSRI": sri}), pinned(URL, data))
    other = f"sha384-{b64encode(sha384(data + b' ').digest()).decode()}"
    text = await office.issue(credentialSchema={**ENTRY, "digestSRI": other})
    assert isinstance(await office.refused(text, pinned(URL, data)), Refused)


async def test_what_the_caller_brings_counts_only_if_policy_pins_it(office: Office) -> None:
    text, data = await office.issue(credentialSchema=ENTRY), encoded(SCHEMA)
    pin = PinnedDocument(url=URL, sha256=sha256(data).hexdigest())
    assert await office.verifier(document=(pin,), documents={URL: data}).verify(text)
    for brought, pins in (({URL: data}, ()), ({URL: data + b" "}, (pin,)), ({}, (pin,))):
        with pytest.raises(CouldNotCheck):
            await office.verifier(document=pins, documents=brought).verify(text)


def policy_file(folder: Path, data: bytes, name: str = "schema.json", digest: str | None = None) -> Path:
    (folder / "schema.json").write_bytes(data)
    path = folder / "policy.toml"
    path.write_text(
        f"""
        audience = "https://office.example"
        holder_binding = "not-required"
        status = "not-checked"
        max_list_age_seconds = 60
        credential_schema = "required"
        [[trust]]
        type = "Residence"
        issuers = ["did:example:1"]
        [[document]]
        url = "{URL}"
        file = "{name}"
        sha256 = "{digest or sha256(data).hexdigest()}"
        """
    )
    return path


def test_a_policy_file_names_documents_beside_it(tmp_path: Path) -> None:
    policy = Policy.load(policy_file(tmp_path, encoded(SCHEMA)))
    assert policy.document[0].content == encoded(SCHEMA)
    with pytest.raises(InvalidInputError, match="another sha256"):
        Policy.load(policy_file(tmp_path, encoded(SCHEMA), digest="0" * 64))
    with pytest.raises(InvalidInputError, match="hexadecimal"):
        Policy.load(policy_file(tmp_path, encoded(SCHEMA), digest="x"))
    with pytest.raises(NotFoundError, match=r"gone\.json"):
        Policy.load(policy_file(tmp_path, encoded(SCHEMA), name="gone.json"))
    pin = pinned(URL, b"{}")
    with pytest.raises(InvalidInputError, match="each url once"):
        Policy(
            audience="x",
            holder_binding="not-required",
            status="not-checked",
            max_list_age_seconds=1,
            trust=(Trust(type="T", issuers=("did:example:1",)),),
            document=(pin, pin),
        )


async def test_related_resources(office: Office) -> None:
    data, url = b"a picture", "https://town.example/picture"
    resource = {"id": url, "digestSRI": f"sha384-{b64encode(sha384(data).digest()).decode()}"}
    text = await office.issue(relatedResource=resource)
    found = await office.verify(text, pinned(url, data))
    assert [check.outcome for check in found.report.checks if check.name == "resources"] == ["passed"]
    refusal = await office.refused(text, pinned(url, b"another"))
    assert (type(refusal), refusal.check) == (Refused, "resources")
    found = await office.verify(text)
    assert [check.outcome for check in found.report.checks if check.name == "resources"] == ["not asked"]
    open_ = await office.refused(text, related_resources="required")
    assert (type(open_), open_.check) == (CouldNotCheck, "resources")


async def test_editions_of_the_base_context_are_known(office: Office) -> None:
    # The digest that VCDM 2.0, appendix B.1, publishes of its own context.
    edition = {"id": V2, "digestSRI": "sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU"}
    found = await office.verify(await office.issue(relatedResource=edition), related_resources="required")
    assert [check.outcome for check in found.report.checks if check.name == "resources"] == ["passed"]
    other = {"id": V2, "digestSRI": f"sha384-{b64encode(bytes(48)).decode()}"}
    assert (await office.refused(await office.issue(relatedResource=other))).check == "resources"


async def test_what_nobody_checks_is_there_to_read_and_said_to_be_unchecked(office: Office) -> None:
    terms = {"type": "Terms", "id": "https://attacker.example/terms"}
    evidence = [{"type": "Check", "id": "https://attacker.example/evidence"}]
    text = await office.issue(
        termsOfUse=terms,
        evidence=evidence,
        refreshService={"type": "Refresh", "id": "https://attacker.example/refresh"},
        name=[{"@value": "Domicile", "@language": "fr"}, {"@value": "Kotipaikka", "@language": "fi"}],
        issuer={"id": office.town, "name": {"@value": "مدينة", "@language": "ar", "@direction": "rtl"}},
    )
    found = await office.verify(text)
    assert found.about is not None
    assert found.about.unchecked.terms_of_use == (terms,)
    assert list(found.about.unchecked.evidence) == evidence
    assert [text.language for text in found.about.name] == ["fr", "fi"]
    assert found.about.issuer_name[0].direction == "rtl"
    assert found.claims == {"name": "resident"}
    (line,) = [check for check in found.report.checks if check.name == "unchecked"]
    assert (line.outcome, line.detail.split(":")[0]) == ("not asked", "termsOfUse, evidence, refreshService")
    assert found.report.checks[-1].name == "status"


async def test_evidence_keeps_the_documents_and_is_rechecked(office: Office) -> None:
    data = await office.schema_credential()
    text = await office.issue(credentialSchema={"id": URL, "type": "JsonSchemaCredential"})
    verifier = office.verifier(document=(pinned(URL, data),))
    found = await verifier.verify(text, keep_evidence=True)
    kept = Evidence.parse(found.evidence().to_bytes())
    assert kept.members["world/documents/0.json"] == data
    assert b"content" not in kept.members["policy.json"]
    checked = await kept.recheck()
    assert checked.outcome == "accepted"
    assert [check.source for check in checked.report.checks if check.name == "schema"][1] == URL
    forged = {**kept.members, "world/documents/0.json": data[:-1]}
    with pytest.raises(CouldNotCheck, match="not here"):
        await Evidence(forged, kept.manifest).recheck()


async def test_a_bundle_brings_the_documents(office: Office) -> None:
    text, data = await office.issue(credentialSchema=ENTRY), encoded(SCHEMA)
    bundle = OfflineBundle.open(
        await make_bundle([office.town], now=office.clock(), resources={URL: data}), registry=None
    )
    pin = PinnedDocument(url=URL, sha256=sha256(data).hexdigest())
    policy = office.verifier(document=(pin,)).policy
    assert await bundle.verifier(policy, now=office.clock).verify(text)
    other = office.verifier(document=(PinnedDocument(url=URL, sha256="0" * 64),)).policy
    with pytest.raises(CouldNotCheck):
        await bundle.verifier(other, now=office.clock).verify(text)

"""A holder writes a credential in another way with the same RDF, so that its proof holds: that is refused."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from ssi.credentials.data_integrity import (
    KeyNeeded,
    found_keys,
    read_credential,
    secure_credential,
    verify_credential,
)
from ssi.credentials.vcdm import parse_credential
from ssi.encoding.jcs import jcs
from ssi.encoding.jsonld import BUNDLED, PinnedContext
from ssi.errors import CanonicalizationError, InvalidInputError, SsiError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.suites import suite_for
from ssi.types import JsonObject

NOW = 1_800_000_000
BASE, OWN = "https://www.w3.org/ns/credentials/v2", "https://agency.example/permits/v1"
CREDENTIALS = "https://www.w3.org/2018/credentials#"
XSD = "http://www.w3.org/2001/XMLSchema#"
ISSUER, HOLDER = "did:example:agency", "did:example:holder"
METHOD = f"{ISSUER}#key-1"
SECRET = PrivateKey.generate(Curve.ED25519)
TERMS = "https://agency.example/terms#"
CONTEXT: JsonObject = {
    "@context": {
        "@version": 1.1,
        "Permit": f"{TERMS}Permit",
        "adult": f"{TERMS}adult",
        "resident": f"{TERMS}resident",
        "since": {"@id": f"{TERMS}since", "@type": f"{XSD}date"},
        "signed": {"@id": f"{TERMS}signed", "@type": f"{XSD}boolean"},
        "notes": {"@id": f"{TERMS}notes", "@container": "@set"},
    }
}


def _pinned(context: JsonObject) -> PinnedContext:
    from hashlib import sha256

    return PinnedContext(context, sha256(jcs(context)).hexdigest())


CONTEXTS = BUNDLED.with_pinned({OWN: _pinned(CONTEXT)})
RAW: JsonObject = {
    "@context": [BASE, OWN],
    "id": "https://agency.example/permits/1",
    "type": ["VerifiableCredential", "Permit"],
    "issuer": ISSUER,
    "validFrom": "2026-01-01T00:00:00Z",
    "validUntil": "2030-01-01T00:00:00Z",
    "credentialSubject": {
        "id": HOLDER,
        "adult": False,
        "resident": True,
        "since": "2020-02-02",
        "signed": False,
        "notes": ["first", ""],
    },
    "credentialStatus": {
        "id": "https://agency.example/status/1#7",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": "https://agency.example/status/1",
    },
}


async def secured(raw: JsonObject = RAW) -> JsonObject:
    kms = MemoryKms()
    await kms.add(METHOD, SECRET, purpose=KeyPurpose.CREDENTIAL)
    return await secure_credential(
        parse_credential(raw, contexts=(OWN,)),
        kms=kms,
        label=METHOD,
        verification_method=METHOD,
        created=NOW,
        expires=NOW + 1000,
        suite=suite_for("eddsa-rdfc-2022", SECRET.public_key),
        jsonld_contexts=CONTEXTS,
    )


def verify(document: JsonObject) -> Any:
    keys = found_keys({KeyNeeded(METHOD, "assertionMethod"): SECRET.public_key})
    return verify_credential(read_credential(document), keys=keys, now=NOW, contexts=(OWN,), jsonld_contexts=CONTEXTS)


def _claims(document: JsonObject) -> JsonObject:
    claims: JsonObject = document["credentialSubject"]
    return claims


def _rename(node: JsonObject, old: str, new: str) -> None:
    node[new] = node.pop(old)


def _end_by_iri(document: JsonObject) -> None:
    document[f"{CREDENTIALS}validUntil"] = {"@type": f"{XSD}dateTime", "@value": document.pop("validUntil")}


def _status_by_iri(document: JsonObject) -> None:
    _rename(document, "credentialStatus", f"{CREDENTIALS}credentialStatus")


def _claim_by_iri(document: JsonObject) -> None:
    _rename(_claims(document), "adult", f"{TERMS}adult")


def _proof_end_by_iri(document: JsonObject) -> None:
    _rename(document["proof"], "expires", "https://w3id.org/security#expiration")
    document["proof"]["https://w3id.org/security#expiration"] = {
        "@type": f"{XSD}dateTime",
        "@value": document["proof"]["https://w3id.org/security#expiration"],
    }


def _swapped_in_the_subject(document: JsonObject) -> None:
    claims = _claims(document)
    claims["@context"] = {"adult": f"{TERMS}resident", "resident": f"{TERMS}adult"}
    claims["adult"], claims["resident"] = claims["resident"], claims["adult"]


def _other_name_in_the_subject(document: JsonObject) -> None:
    _claims(document)["@context"] = {"nothing": f"{TERMS}adult"}
    _rename(_claims(document), "adult", "nothing")


def _status_type_by_iri(document: JsonObject) -> None:
    document["credentialStatus"]["type"] = "https://www.w3.org/ns/credentials/status#BitstringStatusListEntry"


def _keyword_for_its_alias(document: JsonObject) -> None:
    _rename(document["credentialStatus"], "type", "@type")


def _identifier_by_keyword(document: JsonObject) -> None:
    _rename(document, "id", "@id")


def _value_in_an_object(document: JsonObject) -> None:
    _claims(document)["adult"] = {"@value": False}


def _typed_value(document: JsonObject) -> None:
    _claims(document)["adult"] = {"@value": "false", "@type": f"{XSD}boolean"}


def _boolean_as_text(document: JsonObject) -> None:
    _claims(document)["signed"] = "false"


def _date_in_an_object(document: JsonObject) -> None:
    _claims(document)["since"] = {"@value": "2020-02-02", "@type": f"{XSD}date"}


def _set_object(document: JsonObject) -> None:
    _claims(document)["notes"] = {"@set": ["first", ""]}


def _falsehood_in_an_array(document: JsonObject) -> None:
    _claims(document)["adult"] = [False]


def _falsehood_twice(document: JsonObject) -> None:
    _claims(document)["adult"] = [False, False]


def _split_subject(document: JsonObject) -> None:
    claims = _claims(document)
    adult = claims.pop("adult")
    document["credentialSubject"] = [claims, {"id": HOLDER, "adult": adult}]


REWRITTEN: tuple[Callable[[JsonObject], None], ...] = (
    _end_by_iri,
    _status_by_iri,
    _claim_by_iri,
    _proof_end_by_iri,
    _swapped_in_the_subject,
    _other_name_in_the_subject,
    _status_type_by_iri,
    _keyword_for_its_alias,
    _identifier_by_keyword,
    _value_in_an_object,
    _typed_value,
    _boolean_as_text,
    _date_in_an_object,
    _set_object,
    _falsehood_in_an_array,
    _falsehood_twice,
    _split_subject,
)


SIGNABLE = [rewrite for rewrite in REWRITTEN if rewrite is not _proof_end_by_iri]  # the signer makes the proof


async def test_what_was_signed_verifies() -> None:
    assert verify(await secured()).credential.raw == RAW
    several = {**RAW, "credentialSubject": {**RAW["credentialSubject"], "adult": [False, True], "resident": [0, 1]}}
    assert verify(await secured(several)).credential.raw == several


@pytest.mark.parametrize("rewrite", REWRITTEN, ids=lambda rewrite: str(rewrite.__name__)[1:])
async def test_a_credential_written_in_another_way_is_refused(rewrite: Callable[[JsonObject], None]) -> None:
    document = deepcopy(await secured())
    rewrite(document)
    with pytest.raises((CanonicalizationError, InvalidInputError)):
        verify(document)


@pytest.mark.parametrize("rewrite", SIGNABLE, ids=lambda rewrite: str(rewrite.__name__)[1:])
async def test_nothing_is_signed_that_would_not_verify(rewrite: Callable[[JsonObject], None]) -> None:
    document = deepcopy(RAW)
    rewrite(document)
    with pytest.raises(SsiError):
        await secured(document)
